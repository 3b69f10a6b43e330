#include "onlookers.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>

#include "grapevine/record/format.hpp"

namespace grapevine::cli {

namespace {

// Peers that the file names, and those that its events bring.
std::uint64_t peers_of(const config::Config& config, const std::string& group = "") {
    std::uint64_t peers = 0;
    for (const config::Group& g : config.groups)
        if (group.empty() || g.name == group) peers += g.count;
    for (const config::Event& e : config.events)
        if (e.kind == config::Event::Kind::join && (group.empty() || e.group == group)) peers += e.count;
    return peers;
}

std::optional<std::uint64_t> whole(const std::string& digits) {
    std::uint64_t n = 0;
    const auto [end, wrong] = std::from_chars(digits.data(), digits.data() + digits.size(), n);
    return wrong == std::errc{} && end == digits.data() + digits.size() ? std::optional(n) : std::nullopt;
}

// "p3": the third to start. "gpu-2": the third of its group.
std::optional<Error> no_such_peer(const std::string& peer, const config::Config& config) {
    if (const auto number = peer.rfind("p", 0) == 0 ? whole(peer.substr(1)) : std::nullopt) {
        const bool restarts = std::any_of(config.events.begin(), config.events.end(), [](const auto& e) { return e.kind == config::Event::Kind::restart; });
        if (*number >= 1 && (*number <= peers_of(config) || restarts)) return std::nullopt;
        return Error{"there is no peer " + peer + ": the scenario has " + std::to_string(peers_of(config)), "they are called p1 to p" + std::to_string(peers_of(config))};
    }
    const std::size_t dash = peer.rfind('-');
    const std::string group = peer.substr(0, dash);
    const auto place = dash == std::string::npos ? std::nullopt : whole(peer.substr(dash + 1));
    std::vector<std::string> known;
    for (const config::Group& g : config.groups) known.push_back(g.name);
    if (place && std::find(known.begin(), known.end(), group) != known.end()) {
        if (*place < peers_of(config, group)) return std::nullopt;
        return Error{"there is no peer " + peer + ": group " + group + " has " + std::to_string(peers_of(config, group)), "they are called " + group + "-0 to " + group + "-" + std::to_string(peers_of(config, group) - 1)};
    }
    const auto near = config::nearest(group, known);
    return Error{"there is no peer '" + peer + "'", "p1 is the first to start" + (known.empty() ? "" : ", " + near.value_or(known.front()) + "-0 the first of its group")};
}

Error too_many(const std::string& flag, std::uint64_t peers, std::uint32_t most) {
    return {flag + " shows " + std::to_string(most) + " peers at most, and here are " + std::to_string(peers), "--nodes " + std::to_string(most) + " scales the groups; --trace FILE.jsonl takes any number"};
}

}  // namespace

std::vector<Option> onlooker_options() {
    return {{"trace", "FILE", "a trace for ui.perfetto.dev, at most 200 peers; FILE.jsonl: all that happens as JSON lines, of any number"},
            {"spacetime", "FILE.svg", "a space-time diagram: messages as arrows between at most 20 peers"},
            {"from", "DURATION", "--trace and --spacetime begin there", false, true},
            {"to", "DURATION", "and end there", false, true},
            {"trace-limit", "MIB", "a trace ends when it has so many MiB; default 256"},
            {"record", "PEER=FILE", "all inputs of one peer (p3, or gpu-2), for 'grapevine replay'; repeated", true, true}};
}

std::variant<Onlookers, Error> Onlookers::create(const Arguments& a, const config::Config& config) {
    Onlookers made;
    sim::Window window;
    for (const auto& [flag, at] : std::vector<std::pair<std::string, Instant*>>{{"from", &window.from}, {"to", &window.to}})
        if (const auto text = a.get(flag)) {
            if (!a.has("trace") && !a.has("spacetime")) return Error{"--" + flag + " says what part of a trace to show, and there is none", "add --trace FILE or --spacetime FILE.svg"};
            const auto duration = config::parse_duration(*text);
            if (!duration) return Error{"--" + flag + ": '" + *text + "' is not a duration", "for example: --" + flag + " 10s"};
            *at = Instant(*duration);
        }
    if (window.from >= window.to) return Error{"--from lies behind --to", "for example: --from 10s --to 12s"};
    if (const auto until = config.until; until && window.from > Instant(*until))
        return Error{"--from lies after the end of the run, which is at " + config::format_duration(*until), "a longer --until"};
    auto limit = a.number("trace-limit", 1, 1e6);
    if (const auto* error = std::get_if<Error>(&limit)) return *error;
    const auto mib = std::get<std::optional<double>>(limit);
    const std::uint64_t most = mib ? static_cast<std::uint64_t>(*mib * 1048576) : sim::most_trace_bytes;
    const std::uint64_t peers = peers_of(config);

    if (const auto path = a.get("trace")) {
        const bool lines = path->ends_with(".jsonl");
        if (!lines && peers > sim::most_traced_peers) return too_many("--trace", peers, sim::most_traced_peers);
        made.all_.push_back({"trace", *path, lines ? sim::json_lines_trace(*path, window, most) : sim::perfetto_trace(*path, window, most)});
    }
    if (const auto path = a.get("spacetime")) {
        if (peers > sim::most_drawn_peers) return too_many("--spacetime", peers, sim::most_drawn_peers);
        made.all_.push_back({"spacetime", *path, sim::space_time_diagram(*path, window, config.name + ", " + config::to_string(config.exchange.kind) + ", seed " + std::to_string(config.seed))});
    }
    for (const std::string& typed : a.all("record")) {
        const std::size_t equals = typed.find('=');
        if (equals == std::string::npos || equals == 0 || equals + 1 == typed.size()) return Error{"--record wants PEER=FILE, not '" + typed + "'", "for example: --record p3=p3.recording"};
        const std::string peer = typed.substr(0, equals), path = typed.substr(equals + 1);
        if (const auto error = no_such_peer(peer, config)) return *error;
        made.all_.push_back({"record", path, sim::recorder_of(peer, path)});
    }
    for (const One& one : made.all_)
        if (const auto fault = one.onlooker->fault()) return Error{fault->what, fault->hint};
    return made;
}

std::vector<sim::Onlooker*> Onlookers::pointers() const {
    std::vector<sim::Onlooker*> pointers;
    for (const One& one : all_) pointers.push_back(one.onlooker.get());
    return pointers;
}

std::optional<Error> Onlookers::conclude() const {
    std::optional<Error> first;
    for (const One& one : all_) {
        if (const std::string note = one.onlooker->note(); !note.empty()) std::fprintf(stderr, "note: --%s %s: %s\n", one.flag.c_str(), one.path.c_str(), note.c_str());
        if (const auto fault = one.onlooker->fault(); fault && !first) first = Error{fault->what, fault->hint};
    }
    return first;
}

}  // namespace grapevine::cli
