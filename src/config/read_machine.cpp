#include <algorithm>

#include "section.hpp"
#include "units.hpp"

// What a [[group]] says of its machines besides their work and their links: how slow each is, how its clock goes, what
// it draws.
namespace grapevine::config {
namespace {

using Kind = Distribution::Kind;

// A number without unit, drawn once.
struct Numbers {
    std::vector<Kind> kinds;
    double least, most;
    const char* example;
};

// As read_distribution, without units.
bool read_numbers(Section& section, const char* key, const Numbers& numbers, Distribution& out) {
    const Value* value = section.value(key);
    if (!value) return false;
    Distribution read;
    if (!std::holds_alternative<Table>(value->is)) {
        if (!section.number(key, read.a, numbers.least, numbers.most)) return false;
        out = read;
        return true;
    }
    Section table = section.table(key, "'" + std::string(key) + "'");
    std::vector<std::string> known;
    for (const Kind kind : numbers.kinds) known.emplace_back(word_of(kind, distributions));
    if (!table.has("dist")) table.fault("dist", table.title() + " does not say its 'dist'", std::string(key) + " = " + numbers.example + ", or one number");
    const auto picked = table.pick("dist", known, {});
    if (!picked) return false;
    read.kind = numbers.kinds[*picked];
    const auto must = [&](const char* name, double& into, double least, double most) {
        if (!table.has(name)) return table.fault(name, table.title() + " does not say its '" + name + "'", std::string(name) + " = 1.0");
        table.number(name, into, least, most);
    };
    switch (read.kind) {
        case Kind::constant: must("value", read.a, numbers.least, numbers.most); break;
        case Kind::uniform:
            must("min", read.a, numbers.least, numbers.most), must("max", read.b, numbers.least, numbers.most);
            if (read.b < read.a) table.fault("max", "'max' is less than 'min'", "exchange the two");
            break;
        case Kind::shifted_exponential: must("min", read.a, numbers.least, numbers.most), must("mean", read.b, 0, numbers.most); break;
        case Kind::normal: must("mean", read.a, numbers.least, numbers.most), must("stddev", read.b, 0, numbers.most); break;
        case Kind::lognormal: must("median", read.a, numbers.least, numbers.most), must("sigma", read.b, 0, 10); break;
        case Kind::pareto: must("min", read.a, numbers.least, numbers.most), must("alpha", read.b, 0.01, 1000); break;
        case Kind::exponential:
        case Kind::weibull:
        case Kind::trace: break;  // in no list
    }
    table.finish();
    if (section.reading().any()) return false;
    out = read;
    return true;
}

bool read_amount(Section& section, const char* key, double& out, std::optional<double> (*parse)(const std::string&), const std::vector<std::string>& units,
                 const std::string& example) {
    std::string text;
    if (!section.has(key)) return section.value(key), false;
    const std::string hint = "a number without sign, then " + any_of(units) + ", in quotes: " + key + " = " + in_double_quotes(example);
    if (!std::holds_alternative<std::string>(section.value(key)->is)) return section.fault(key, in_quotes(key) + " in " + section.title() + " wants its unit", hint), false;
    if (!section.text(key, text)) return false;
    const auto read = parse(text);
    if (!read) return section.fault(key, in_quotes(text) + " is no amount of that", hint), false;
    out = *read;
    return true;
}

void read_power(Section& section, Group& group) {
    if (!section.has("power")) return static_cast<void>(section.value("power"));
    Section table = section.table("power", "'power'");
    Power power;
    const std::vector<std::string> watts{"mW", "W", "kW"}, joules{"nJ", "uJ", "mJ", "J", "kJ"};
    int said = read_amount(table, "busy", power.busy, parse_power, watts, "300W");
    said += read_amount(table, "idle", power.idle, parse_power, watts, "60W");
    said += read_amount(table, "per_byte", power.per_byte, parse_energy, joules, "5nJ");
    table.finish();
    if (said == 0) table.fault("busy", "'power' does not say what a machine draws", "power = { busy = \"300W\", idle = \"60W\", per_byte = \"5nJ\" }");
    group.power = power;
}

void read_own_clock(Section& section, Group& group, const Config& config) {
    if (!section.has("clock")) return static_cast<void>(section.value("clock"));
    Section table = section.table("clock", "'clock'");
    read_distribution(table, "offset", group.clock_offset, true);
    const Numbers shares{{Kind::constant, Kind::uniform, Kind::normal}, -most_drift, most_drift, "{ dist = \"normal\", mean = 0, stddev = 5e-5 }"};
    read_numbers(table, "drift", shares, group.clock_drift);
    table.finish();
    if (group.has_clock()) needs_clocks_of_its_own(section, "clock", config);
}

}  // namespace

void needs_clocks_of_its_own(Section& section, const char* key, const Config& config) {
    if (config.exchange.clock != Clock::rounds && config.exchange.clock != Clock::shuffled) return;
    section.fault(key, "[exchange] clock = " + in_double_quotes(to_string(config.exchange.clock)) + " needs one clock common to all, and here a machine has its own",
                  "[exchange] clock = \"fixed\" or \"poisson\", or every_steps");
}

void read_machine(Section& section, Group& group, const Config& config) {
    const Numbers factors{{Kind::constant, Kind::uniform, Kind::shifted_exponential, Kind::lognormal, Kind::pareto}, 1e-3, 1e6,
                          "{ dist = \"lognormal\", median = 1, sigma = 0.3 }"};
    read_numbers(section, "slowness", factors, group.slowness);
    read_own_clock(section, group, config);
    read_power(section, group);
}

}  // namespace grapevine::config
