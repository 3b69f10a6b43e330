#include <charconv>
#include <filesystem>

#include "section.hpp"
#include "units.hpp"

// [[group]] and [[link]]: the machines and wires of a simulated world.
namespace grapevine::config {
namespace {

constexpr std::uint32_t most_peers = 10'000'000;

bool seconds_of(Section& section, const char* key, double& out, const char* example) {
    Duration read{};
    if (!section.has(key))
        return section.fault(key, section.title() + " does not say its '" + key + "'", std::string(key) + " = \"" + example + "\""), false;
    if (!section.duration(key, read, example)) return false;
    out = seconds(read);
    return true;
}

bool number_of(Section& section, const char* key, double& out) {
    if (!section.has(key)) return section.fault(key, section.title() + " does not say its '" + key + "'", std::string(key) + " = 1.0"), false;
    return section.above(key, out, 0);
}

// One duration a line; "#" starts a comment.
void read_trace(Section& section, Distribution& out) {
    if (!section.has("file")) return section.fault("file", section.title() + " does not say its 'file'", "file = \"steps.txt\", a duration a line");
    if (!section.text("file", out.file)) return;
    if (!section.reading().may_open_files)
        return section.fault("file", "a configuration that is no file cannot name other files", "read it from a file");
    const std::filesystem::path here = section.reading().files.at(section.place_of("file").file);
    std::error_code failed;
    out.file = std::filesystem::absolute(here.parent_path() / out.file, failed).lexically_normal().string();
    Error why;
    const auto text = read_bytes(out.file, why);
    if (!text) return section.fault("file", "trace file: " + why.what, "the path starts at the configuration's directory");
    std::size_t line = 0;
    for (std::size_t from = 0; from < text->size();) {
        const std::size_t to = std::min(text->find('\n', from), text->size());
        std::string word = text->substr(from, to - from);
        from = to + 1, ++line;
        word = word.substr(0, word.find('#'));
        while (!word.empty() && (word.back() == ' ' || word.back() == '\t' || word.back() == '\r')) word.pop_back();
        if (word.empty()) continue;
        const auto read = parse_duration(word);
        if (!read)
            return section.fault("file", out.file + ":" + std::to_string(line) + ": " + in_quotes(word) + " is no duration",
                                 "one duration a line, such as 12.5ms");
        out.values.push_back(seconds(*read));
    }
    if (out.values.empty()) section.fault("file", in_quotes(out.file) + " holds no durations", "one duration a line, such as 12.5ms");
}

bool takes_no_time(const Distribution& d) {
    switch (d.kind) {
        case Distribution::Kind::uniform: return d.b <= 0;
        case Distribution::Kind::shifted_exponential: return d.a <= 0 && d.b <= 0;
        case Distribution::Kind::trace:
            for (const double value : d.values)
                if (value > 0) return false;
            return true;
        default: return d.a <= 0;
    }
}

}  // namespace

bool read_distribution(Section& section, const char* key, Distribution& out, bool zero) {
    const Value* value = section.value(key);
    if (!value) return false;
    Distribution read;
    if (!std::holds_alternative<Table>(value->is)) {
        Duration d{};
        if (!section.duration(key, d, "10ms")) return false;
        read.a = seconds(d);
    } else {
        Section table = section.table(key, "'" + std::string(key) + "'");
        if (!table.has("dist"))
            table.fault("dist", table.title() + " does not say its 'dist'",
                        std::string(key) + " = { dist = \"lognormal\", median = \"2ms\", sigma = 0.1 }, or one duration");
        if (!table.choice("dist", read.kind, distributions)) return false;
        switch (read.kind) {
            case Distribution::Kind::constant: seconds_of(table, "value", read.a, "10ms"); break;
            case Distribution::Kind::uniform:
                if (seconds_of(table, "min", read.a, "5ms") && seconds_of(table, "max", read.b, "15ms") && read.b < read.a)
                    table.fault("max", "'max' is less than 'min'", "exchange the two");
                break;
            case Distribution::Kind::exponential: seconds_of(table, "mean", read.a, "10ms"); break;
            case Distribution::Kind::shifted_exponential: seconds_of(table, "min", read.a, "5ms"), seconds_of(table, "mean", read.b, "10ms"); break;
            case Distribution::Kind::normal: seconds_of(table, "mean", read.a, "10ms"), seconds_of(table, "stddev", read.b, "1ms"); break;
            case Distribution::Kind::lognormal: seconds_of(table, "median", read.a, "10ms"), number_of(table, "sigma", read.b); break;
            case Distribution::Kind::pareto: seconds_of(table, "min", read.a, "5ms"), number_of(table, "alpha", read.b); break;
            case Distribution::Kind::weibull: seconds_of(table, "scale", read.a, "10ms"), number_of(table, "shape", read.b); break;
            case Distribution::Kind::trace: read_trace(table, read); break;
        }
        if (table.has("dist")) table.finish();
    }
    if (section.reading().any()) return false;
    if (!zero && takes_no_time(read))
        return section.fault(key, "'" + std::string(key) + "' would take no time at all", std::string(key) + " = \"10ms\""), false;
    out = std::move(read);
    return true;
}

bool is_known_group(Section& section, Place place, const std::string& name, const Config& config) {
    if (name == "*") return true;
    std::vector<std::string> names;
    for (const Group& group : config.groups) names.push_back(group.name);
    if (names.empty()) names.push_back(Group().name);
    for (const std::string& known : names)
        if (known == name) return true;
    const auto near = nearest(name, names);
    if (names.size() > 20) names.resize(20);
    section.reading().say(
        place, "there is no group " + in_quotes(name),
        (near ? "did you mean " + in_double_quotes(*near) + "? " : std::string()) + "groups: " + any_of(names) + "; \"*\" is everybody");
    return false;
}

namespace {

// Who serves has to be one of the run's peers: "gpu[0]", or as it is called there, "gpu-0". Nodes without groups have
// names of their own.
void read_server(Section& file, const Config& config) {
    const std::string& server = config.exchange.server;
    if (server.empty() || config.groups.empty()) return;
    for (const Group& group : config.groups) {
        if (!server.starts_with(group.name)) continue;
        std::string place = server.substr(group.name.size());
        if (place.starts_with("-")) place.erase(0, 1);
        else if (place.starts_with("[") && place.ends_with("]")) place = place.substr(1, place.size() - 2);
        else continue;
        if (place.empty() || place.size() > 7 || place.find_first_not_of("0123456789") != std::string::npos) continue;
        if (std::stoull(place) < group.count) return;
    }
    Section exchange = file.table("exchange", "[exchange]");
    exchange.fault("server", "no peer of this run is called " + in_quotes(server),
                   "server = \"" + config.groups.front().name + "[0]\"");
}

}  // namespace

void read_groups(Section& file, Config& config, const Usual& usual) {
    std::uint64_t peers = 0;
    for (Section& section : file.tables("group", "[[group]]")) {
        Group group = usual.group;
        section.text("name", group.name);
        if (!is_group_name(group.name))
            section.fault("name", in_quotes(group.name) + " cannot name a group", "up to 64 letters, digits, '-', '_' and '.': name = \"gpu\"");
        for (const Group& other : config.groups)
            if (other.name == group.name)
                section.fault("name", "there are two groups " + in_quotes(group.name),
                              section.has("name") ? "give each a name of its own"
                                                  : "a group without 'name' is called \"peers\": give each a name of its own");
        section.integer("count", group.count, 1, most_peers);
        group.count_at.text = section.reading().where(section.place_of("count"));
        read_distribution(section, "step_time", group.step_time, false);
        section.rate("uplink", group.uplink);
        section.rate("downlink", group.downlink);
        section.rate("mix_rate", group.mix_rate);
        read_machine(section, group, config);
        section.truth("nat", group.nat);
        section.later({"cores", "memory"});
        section.finish();
        peers += group.count;
        if (peers > most_peers) section.fault("count", "that makes " + std::to_string(peers) + " peers", "at most " + std::to_string(most_peers));
        if (file.reading().any()) return;
        config.groups.push_back(std::move(group));
    }
    if (usual.preset && config.groups.empty() && !file.reading().any()) {  // as many as a file without groups has
        config.groups.push_back(usual.group);
        peers = config.groups.back().count = 4;
    }
    read_server(file, config);
    for (const auto& [key, list] : {std::pair("a", &config.model.a.list), std::pair("b", &config.model.b.list)})
        if (!list->empty() && list->size() < peers)
            file.fault("group",
                       "'" + std::string(key) + "' in [model] lists " + std::to_string(list->size()) + " numbers for " +
                           std::to_string(peers) + " peers",
                       "a number for each peer, or one number for all");
}

namespace {

// loss = 0.005: each message for itself; or a table: in bursts.
void read_link_loss(Section& section, Link& link) {
    const Value* value = section.value("loss");
    if (!value) return;
    link.bursts.reset();
    if (!std::holds_alternative<Table>(value->is)) {
        section.probability("loss", link.loss);
        return;
    }
    link.loss = 0;
    Section table = section.table("loss", "'loss'");
    const char* hint = "loss = { kind = \"bursty\", mean = 0.004, longest = \"2min\" }; loss = 0.005 is of each message for itself";
    for (const char* key : {"kind", "mean", "longest"})
        if (!table.has(key)) table.fault(key, "'loss' does not say its '" + std::string(key) + "'", hint);
    table.pick("kind", {"bursty"}, {});
    Bursts bursts;
    if (table.above("mean", bursts.mean, 0) && bursts.mean >= 1) table.fault("mean", "'mean' in 'loss' is a share of the time, above 0 and below 1", hint);
    table.longer_than_zero("longest", bursts.longest, "2min");
    if (bursts.longest > std::chrono::hours(24 * 365)) table.fault("longest", "'longest' in 'loss' is more than a year", hint);
    table.finish();
    link.bursts = bursts;
}

}  // namespace

void read_links(Section& file, Config& config, const Usual& usual) {
    if (usual.preset) config.links.push_back(usual.link);
    for (Section& section : file.tables("link", "[[link]]")) {
        Link link = usual.link;
        if (const Value* between = section.value("between")) {
            if (section.has("from") || section.has("to"))
                section.fault("between", "a link is 'between' two groups, or 'from' one 'to' the other, not both",
                              "keep one of the two forms");
            const auto* list = std::get_if<Array>(&between->is);
            const char* hint = "between = [\"cpu\", \"*\"]";
            if (!list || list->size() != 2) {
                section.fault("between", "'between' in [[link]] wants a list of two groups", hint);
                return;
            }
            std::string* const ends[] = {&link.from, &link.to};
            for (std::size_t i = 0; i < 2; ++i) {
                const auto* name = std::get_if<std::string>(&(*list)[i].is);
                if (!name)
                    return file.reading().say((*list)[i].place,
                                              "'between' in [[link]] wants names of groups, this is " + kind_of((*list)[i]), hint);
                if (!is_known_group(section, (*list)[i].place, *name, config)) return;
                *ends[i] = *name;
            }
            section.value("from"), section.value("to");
        } else if (section.has("from") || section.has("to")) {
            link.both_ways = false;
            if (section.text("from", link.from)) is_known_group(section, section.place_of("from"), link.from, config);
            if (section.text("to", link.to)) is_known_group(section, section.place_of("to"), link.to, config);
        } else {
            section.value("from"), section.value("to");
            section.fault("between", "this [[link]] does not say between whom", "between = [\"*\", \"*\"], or from = \"cpu\" and to = \"gpu\"");
        }
        read_distribution(section, "latency", link.latency, true);
        if (section.has("latency")) link.distance = {};  // of a preset: the file says how long it takes
        read_distribution(section, "distance", link.distance, true);
        read_link_loss(section, link);
        section.probability("duplicate", link.duplicate);
        section.probability("reorder", link.reorder);
        section.rate("rate", link.rate);
        section.size("largest", link.largest, "64KiB");
        section.finish();
        if (file.reading().any()) return;
        config.links.push_back(std::move(link));
    }
}

}  // namespace grapevine::config
