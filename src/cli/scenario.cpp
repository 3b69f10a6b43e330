#include "scenario.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

namespace grapevine::cli {

std::vector<Option> run_options() {
    return {
        {"seed", "N", "of all that is random"},
        {"until", "TIME", "end after this long (90s, 5min): simulated time, or a node's wall time"},
        {"until-steps", "N", "end after this many local steps of each peer"},
        {"target", "VALUE", "end when accuracy reaches this; exit 3 if it never does"},
        {"exchange", "KIND", "gossip, dpsgd, allreduce, parameter-server, fedavg, local or single, with its defaults"},
        {"period", "TIME", "between a peer's exchanges"},
        {"every-steps", "N", "local steps between a peer's exchanges, in place of a period"},
        {"learning-rate", "X", "of the optimiser"},
        {"batch", "N", "samples a step"},
        {"data-dir", "DIR", "where the data set's files are"},
    };
}

std::variant<config::ExchangeKind, Error> exchange_kind(const std::string& name) {
    std::vector<std::string> known;
    std::string all = "there are ";
    for (const config::ExchangeKind k : config::exchange_kinds_known()) {
        if (name == config::to_string(k)) return k;
        all += (known.empty() ? "" : ", ") + std::string(config::to_string(k));
        known.push_back(config::to_string(k));
    }
    const auto near = config::nearest(name, known);
    return Error{"no exchange '" + name + "'", near ? "did you mean '" + *near + "'?" : all};
}

config::Group default_group() {
    config::Group group;
    group.count = 4;
    return group;
}

std::vector<Option> sweep_options() {
    return {{"set", "KEY=VALUE", "another value of one key: membership.lifeguard=false, event.0.nodes=lan:4", true},
            {"sweep", "KEY=A,B,C", "run each of these values; several make all combinations", true},
            {"only", "NAME", "of a sweep this combination alone, as it were a file of its own: plain-lan_4-2s"}};
}

namespace {

// --sweep takes the place of what the file's [sweep] has under that path.
std::optional<Error> add_axes(config::Sweep& sweep, const Arguments& a) {
    for (const std::string& typed : a.all("sweep")) {
        auto axis = config::parse_axis(typed, "--sweep");
        if (const auto* error = std::get_if<Error>(&axis)) return *error;
        auto& values = std::get<std::vector<config::Setting>>(axis);
        std::erase_if(sweep.axes, [&](const auto& other) { return other.front().path == values.front().path; });
        sweep.axes.push_back(std::move(values));
    }
    return std::nullopt;
}

}  // namespace

std::variant<config::Config, Error> read_run(const std::string& path, const Arguments& a, const std::vector<config::Setting>& more, bool batch_auto) {
    config::Config c;
    std::vector<config::Setting> settings;
    for (const std::string& typed : a.all("set")) {
        auto setting = config::parse_setting(typed, "--set");
        if (const auto* error = std::get_if<Error>(&setting)) return *error;
        settings.push_back(std::get<config::Setting>(std::move(setting)));
    }
    if (const auto compute = a.get("compute")) {
        auto setting = config::parse_setting("train.compute=" + *compute, "--compute");
        if (const auto* error = std::get_if<Error>(&setting)) return *error;
        settings.push_back(std::get<config::Setting>(std::move(setting)));
    }
    settings.insert(settings.end(), more.begin(), more.end());
    if (!path.empty() || !settings.empty()) {
        auto read = path.empty() ? config::read_text("", "the command line", settings) : config::read_file(path, settings);
        if (const auto* error = std::get_if<config::Error>(&read)) return *error;
        c = std::get<config::Config>(std::move(read));
    }
    const auto number = [&](const char* name, double least, double most, auto&& put) -> std::optional<Error> {
        auto n = a.number(name, least, most);
        if (const auto* error = std::get_if<Error>(&n)) return *error;
        if (const auto& value = std::get<std::optional<double>>(n)) put(*value);
        return std::nullopt;
    };
    const auto duration = [&](const char* name, auto&& put) -> std::optional<Error> {
        const auto text = a.get(name);
        if (!text) return std::nullopt;
        const auto d = config::parse_duration(*text);
        if (!d) return Error{"--" + std::string(name) + " '" + *text + "' is not a duration", "a number and a unit: 250ms, 90s, 5min"};
        put(*d);
        return std::nullopt;
    };
    if (const auto name = a.get("exchange")) {
        const auto kind = exchange_kind(*name);
        if (const auto* error = std::get_if<Error>(&kind)) return Error{"--exchange: " + error->what, error->hint};
        if (c.exchange.kind != std::get<0>(kind)) c.exchange = {};
        c.exchange.kind = std::get<0>(kind);
    }
    for (const auto& error :
         {number("seed", 0, 9007199254740991.0, [&](double x) { c.seed = static_cast<std::uint64_t>(x); }),
          number("until-steps", 1, 1e15, [&](double x) { c.until_steps = static_cast<std::uint64_t>(x); }),
          number("every-steps", 1, 1e9, [&](double x) { c.exchange.every_steps = static_cast<std::uint32_t>(x); c.exchange.period.reset(); }),
          number("learning-rate", 0, 1e6, [&](double x) { c.train.learning_rate = x; }),
          batch_auto ? std::nullopt : number("batch", 1, 1e6, [&](double x) { c.data.batch = static_cast<std::uint32_t>(x); }),
          number("target", 0, 1, [&](double x) { c.train.target = config::Target{"accuracy", true, x, true}; }),
          duration("until", [&](Duration d) { c.until = d; }),
          duration("period", [&](Duration d) { c.exchange.period = d; c.exchange.every_steps.reset(); })})
        if (error) return *error;
    if (a.has("until"))  // a shorter run cannot be held against what was to be later
        std::erase_if(c.expects, [&](const config::Expect& e) {
            const bool never = e.when != config::Expect::When::end && c.until && e.instant > Instant{*c.until};
            if (never && more.empty()) std::fprintf(stderr, "note: the expectation of %s at %s lies after the end of the run\n", e.metric.c_str(),
                                    config::format_duration(e.instant.time_since_epoch()).c_str());
            return never;
        });
    if (const auto error = add_axes(c.sweep, a)) return *error;
    if (const auto dir = a.get("data-dir")) c.data.directory = *dir;
    if (c.groups.empty()) c.groups.push_back(default_group());
    if (const auto error = config::check(c, path.empty() ? "the command line" : path)) return *error;
    return c;
}

std::variant<std::vector<Scenario>, Error> scenarios(const std::string& path, const Arguments& a, const config::Config& whole) {
    std::vector<Scenario> all;
    const auto only = a.get("only");
    std::vector<std::string> names;
    for (config::Point& point : config::points(whole.sweep)) {
        names.push_back(point.name);
        if (only && point.name != *only) continue;
        std::vector<config::Setting> settings = point.set;
        settings.insert(settings.end(), point.values.begin(), point.values.end());
        config::Config c = whole;
        if (!settings.empty()) {
            auto read = read_run(path, a, settings);
            if (const auto* error = std::get_if<Error>(&read)) return *error;
            c = std::get<config::Config>(std::move(read));
        }
        c.sweep = {};
        std::erase_if(c.expects, [&](const config::Expect& e) {
            return !e.relative_to.empty() || (!e.variant.empty() && e.variant != point.variant) || (!whole.sweep.empty() && e.over == config::Expect::Over::sum);
        });
        for (config::Expect& e : c.expects) e.variant.clear();
        all.push_back({std::move(point), std::move(c)});
    }
    if (all.empty()) {
        const auto near = config::nearest(*only, names);
        return Error{"--only: this sweep has no run '" + *only + "'", near ? "did you mean '" + *near + "'?" : "the first is '" + names.front() + "'"};
    }
    return all;
}

void scale_groups(config::Config& config, std::uint32_t peers) {
    double all = 0;
    for (const auto& g : config.groups) all += g.count;
    std::vector<std::pair<double, std::size_t>> remainders;
    std::uint32_t given = 0;
    for (std::size_t i = 0; i < config.groups.size(); ++i) {
        const double share = config.groups[i].count / all * peers;
        config.groups[i].count = std::max<std::uint32_t>(1, static_cast<std::uint32_t>(std::floor(share)));
        given += config.groups[i].count;
        remainders.emplace_back(share - std::floor(share), i);
    }
    std::sort(remainders.begin(), remainders.end(), [](const auto& a, const auto& b) { return a.first != b.first ? a.first > b.first : a.second < b.second; });
    for (std::size_t i = 0; given < peers; ++i, ++given) ++config.groups[remainders[i % remainders.size()].second].count;
    // Those that keep their one take it from the largest.
    for (; given > peers && given > config.groups.size(); --given)
        --std::max_element(config.groups.begin(), config.groups.end(), [](const auto& a, const auto& b) { return a.count < b.count; })->count;
}

}  // namespace grapevine::cli
