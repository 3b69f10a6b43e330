#include <algorithm>

#include "section.hpp"
#include "units.hpp"

// [[event]]: what happens to a simulated world.
namespace grapevine::config {
namespace {

using Kind = Event::Kind;

constexpr const char* selection_hint = "\"gpu\" is all of a group, \"gpu:2\" two of it, \"cpu:10%\" a share, \"cpu[3]\" its fourth, \"*\" everybody";

// Which kinds a key belongs to.
struct Belongs {
    const char* key;
    std::vector<Kind> kinds;
};
const std::vector<Kind> comes_again{Kind::pause, Kind::partition, Kind::one_way, Kind::cut, Kind::loss, Kind::delay, Kind::bandwidth, Kind::corrupt, Kind::replay};
const std::vector<Belongs> keys{
    {"nodes", {Kind::crash, Kind::restart, Kind::pause, Kind::slow, Kind::leave, Kind::delay, Kind::clog, Kind::bandwidth, Kind::corrupt, Kind::replay, Kind::loss, Kind::liar, Kind::clock}},
    {"for", {Kind::pause, Kind::slow, Kind::delay, Kind::clog, Kind::bandwidth, Kind::corrupt, Kind::replay, Kind::partition, Kind::one_way, Kind::cut, Kind::loss, Kind::clock}},
    {"every", comes_again},
    {"gap", comes_again},
    {"times", comes_again},
    {"timers", {Kind::pause}},
    {"factor", {Kind::slow}},
    {"loss", {Kind::loss}},
    {"checkpoint", {Kind::restart}},
    {"down", {Kind::restart}},
    {"offset", {Kind::clock}},
    {"drift", {Kind::clock}},
    {"sends", {Kind::liar}},
    {"group", {Kind::join}},
    {"count", {Kind::join}},
    {"over", {Kind::join}},
    {"sides", {Kind::partition}},
    {"shape", {Kind::partition}},
    {"latency", {Kind::delay}},
    {"uplink", {Kind::bandwidth}},
    {"downlink", {Kind::bandwidth}},
    {"share", {Kind::corrupt, Kind::replay}},
    {"after", {Kind::replay}},
    {"from", {Kind::one_way}},
    {"to", {Kind::one_way}},
    {"between", {Kind::cut, Kind::delay, Kind::corrupt, Kind::replay, Kind::loss}},
};

void refuse_others(Section& section, Kind kind) {
    for (const Belongs& known : keys) {
        if (std::find(known.kinds.begin(), known.kinds.end(), kind) != known.kinds.end()) continue;
        std::string where = "kind = ";
        for (std::size_t i = 0; i < known.kinds.size(); ++i)
            where += (i == 0 ? "" : i + 1 == known.kinds.size() ? " and " : ", ") + in_double_quotes(to_string(known.kinds[i]));
        section.belongs({known.key}, where, "this event is " + in_double_quotes(to_string(kind)));
    }
}

// Peers that may ever be in a group: at the start, and joining before (or after, said kindly) this event.
double most_ever(const Config& config, const std::string& group, const std::vector<Event>& joins) {
    double n = 0;
    for (const Group& known : config.groups)
        if (group == "*" || known.name == group) n += known.count;
    for (const Event& join : joins)
        if (join.kind == Kind::join && (group == "*" || join.group == group)) n += join.count;
    return n;
}

bool read_selection(Section& section, const Value& value, Selection& out, const Config& config) {
    const auto* text = std::get_if<std::string>(&value.is);
    if (!text) return section.reading().say(value.place, "peers are selected by a text, this is " + kind_of(value), selection_hint), false;
    const auto read = parse_selection(*text);
    if (!read) return section.reading().say(value.place, in_quotes(*text) + " selects nobody", selection_hint), false;
    if (!is_known_group(section, value.place, read->group, config)) return false;
    out = *read;
    return true;
}

void read_nodes(Section& section, Event& event, const Config& config) {
    const Value* nodes = section.value("nodes");
    if (!nodes) return section.fault("nodes", "this [[event]] does not say whom it happens to", "nodes = \"gpu:2\": " + std::string(selection_hint));
    read_selection(section, *nodes, event.nodes, config);
}

// "gpu:2", or ["gpu:2", "cpu[3]"]. `hint` says how the whole key is written.
void read_selections(Section& section, const Value& value, std::vector<Selection>& out, const Config& config, const char* hint) {
    const auto* list = std::get_if<Array>(&value.is);
    if (!list) {
        read_selection(section, value, out.emplace_back(), config);
        return;
    }
    if (list->empty()) return section.reading().say(value.place, "a list of selections, and it is empty", hint);
    for (const Value& member : *list)
        if (!read_selection(section, member, out.emplace_back(), config)) return;
}

// Peers that are on both of two sides whatever is drawn. That "*" is the rest, where it is all of the last side, is
// a way to say it.
bool overlap(const Selection& a, const Selection& b) {
    using What = Selection::What;
    const auto holds = [](const Selection& all, const Selection& other) { return all.what == What::all && (all.group == "*" || all.group == other.group); };
    return holds(a, b) || holds(b, a) || (a.what == What::index && b.what == What::index && a.group == b.group && a.number == b.number);
}

void refuse_overlaps(Section& section, const Event& event) {
    const Array& list = std::get<Array>(section.value("sides")->is);
    for (std::size_t b = 1; b < event.sides.size(); ++b)
        for (std::size_t m = 0; m < event.sides[b].size(); ++m) {
            const Selection& mine = event.sides[b][m];
            const bool rest = b + 1 == event.sides.size() && event.sides[b].size() == 1 && mine.group == "*" && mine.what == Selection::What::all;
            for (std::size_t a = 0; a < b && !rest; ++a)
                for (const Selection& other : event.sides[a])
                    if (overlap(other, mine))
                        return section.reading().say(std::get<Array>(list[b].is)[m].place,
                                                     in_quotes(format_selection(mine)) + " and " + in_quotes(format_selection(other)) + " are the same peers on two sides",
                                                     "each peer is on one side; [\"*\"] as the last side is all others");
        }
}

void read_sides(Section& section, Event& event, const Config& config) {
    if (section.has("shape")) {
        if (section.has("sides"))
            section.fault("shape", "a partition is told by its 'sides' or by its 'shape', not both", "keep one of the keys");
        Event::Shape shape{};
        if (section.choice("shape", shape, shapes)) event.shape = shape;
        section.value("sides");
        return;
    }
    section.value("shape");
    const Value* sides = section.value("sides");
    const char* hint = "sides = [[\"gpu\"], [\"cpu\"]]: two or more lists of selections; or shape = \"halves\"";
    if (!sides) return section.fault("sides", "this partition does not say its sides", hint);
    const auto* list = std::get_if<Array>(&sides->is);
    if (!list || list->size() < 2) return section.fault("sides", "'sides' wants at least two lists", hint);
    for (const Value& side : *list) {
        const auto* members = std::get_if<Array>(&side.is);
        if (!members || members->empty())
            return section.reading().say(side.place, "a side is a list of selections, this is " + (members ? "empty" : kind_of(side)),
                                         hint);
        read_selections(section, side, event.sides.emplace_back(), config, hint);
    }
    if (!section.reading().any()) refuse_overlaps(section, event);
}

void read_between(Section& section, Event& event, const Config& config) {
    const Value* between = section.value("between");
    const char* hint = "between = [\"gpu:2\", \"cpu\"]: two selections, or lists of them";
    if (!between) return section.fault("between", "this " + std::string(to_string(event.kind)) + " does not say between whom", hint);
    const auto* list = std::get_if<Array>(&between->is);
    if (!list || list->size() != 2) return section.fault("between", "'between' in [[event]] wants a list of two ends", hint);
    for (const Value& end : *list) read_selections(section, end, event.sides.emplace_back(), config, hint);
}

void read_one_way(Section& section, Event& event, const Config& config) {
    const char* hint = "from = \"gpu:2\" and to = \"*\": selections, or lists of them";
    for (const auto& [key, into] : {std::pair("from", &event.from), std::pair("to", &event.to)}) {
        const Value* end = section.value(key);
        if (!end) return section.fault(key, "this one-way cut does not say '" + std::string(key) + "' whom", hint);
        read_selections(section, *end, *into, config, hint);
    }
}

void read_whom(Section& section, Event& event, const Config& config) {
    if (section.has("nodes") && section.has("between"))
        section.fault("between", std::string(to_string(event.kind)) + " is of 'nodes' or 'between' two ends, not both", "write two [[event]], or keep one of the keys");
    if (section.has("between")) read_between(section, event, config), section.value("nodes");
    else read_nodes(section, event, config), section.value("between");
}

void read_loss(Section& section, Event& event, const Config& config) {
    read_whom(section, event, config);
    if (!section.has("loss")) section.fault("loss", "this [[event]] does not say how much is lost", "loss = 0.3: a probability, besides what the link loses");
    section.probability("loss", event.loss);
}

void read_delay(Section& section, Event& event, const Config& config) {
    read_whom(section, event, config);
    if (!section.has("latency")) section.fault("latency", "this [[event]] does not say how much later messages come", "latency = \"100ms\", besides the link's; or a distribution");
    read_distribution(section, "latency", event.latency, false);
}

void read_clog(Section& section, Event& event, const Config& config) {
    read_nodes(section, event, config);
    if (!section.has("for")) section.fault("for", "this [[event]] does not say how long each is clogged", "for = \"5s\": one after the other");
}

void read_bandwidth(Section& section, Event& event, const Config& config) {
    read_nodes(section, event, config);
    if (!section.has("uplink") && !section.has("downlink"))
        section.fault("uplink", "this [[event]] changes no rate", "uplink = \"1Mbit\", downlink, or both");
    section.rate("uplink", event.uplink);
    section.rate("downlink", event.downlink);
}

void read_share(Section& section, Event& event) {
    if (section.above("share", event.share, 0) && event.share > 1) section.fault("share", "'share' in [[event]] is more than all", "a number above 0 and at most 1");
}

void read_replay(Section& section, Event& event, const Config& config) {
    read_whom(section, event, config);
    read_share(section, event);
    if (!section.has("after")) section.fault("after", "this [[event]] does not say how old what comes again is", "after = \"30s\", or a distribution");
    read_distribution(section, "after", event.latency, false);
}

void read_for(Section& section, Event& event) {
    Duration lasts{};
    if (section.longer_than_zero("for", lasts, "10s")) event.lasts = lasts;
}

void read_pause(Section& section, Event& event) {
    const std::vector<std::string> timers{"wait", "run"};
    if (const auto index = section.pick("timers", timers, {})) event.timers_run = *index == 1;
}

void read_again(Section& section, Event& event) {
    const std::string one = "a " + std::string(to_string(event.kind));
    Duration every{};
    if (section.longer_than_zero("every", every, "20s")) event.every = every;
    Duration gap{};
    if (section.longer_than_zero("gap", gap, "5s")) {
        if (section.has("every")) return section.fault("gap", "'gap' and 'every' say the same in two ways", "one of them");
        if (!event.lasts) return section.fault("gap", one + " that comes again must end first", "for = \"5s\": how long each lasts");
        event.every = *event.lasts + gap;
    }
    if (!section.has("every") && !section.has("gap")) return section.belongs({"times"}, one + " with 'every' or 'gap'", "this one happens once");
    if (std::uint32_t times = 0; section.integer("times", times, 1, 1'000'000'000)) event.times = times;
    if (!event.lasts) section.fault("every", one + " that comes again must end first", "for = \"5s\": how long each lasts");
    else if (event.every && *event.every <= *event.lasts)
        section.fault("every",
                      "'every' must be longer than 'for', " + format_duration(*event.lasts) + ": it goes from the beginning of one to that of the next",
                      "every = \"" + format_duration(*event.lasts * 2) + "\"");
}

void read_join(Section& section, Event& event, const Config& config) {
    if (section.text("group", event.group)) {
        if (event.group == "*")
            section.fault("group", "who joins is of one group",
                          "group = \"" + (config.groups.empty() ? Group().name : config.groups.front().name) + "\"");
        else is_known_group(section, section.place_of("group"), event.group, config);
    } else if (config.groups.size() > 1) {
        section.fault("group", "this join does not say of which group the newcomers are", "group = \"" + config.groups.front().name + "\"");
    } else {
        event.group = config.groups.empty() ? Group().name : config.groups.front().name;
    }
    section.integer("count", event.count, 1, 10'000'000);
    section.duration("over", event.over, "10s");
}

void read_slow(Section& section, Event& event) {
    if (!section.has("factor")) section.fault("factor", "this [[event]] does not say how slow", "factor = 4: step times are multiplied by it");
    section.above("factor", event.factor, 0);
}

void read_liar(Section& section, Event& event) {
    if (!section.has("sends")) section.fault("sends", "this liar does not say what it sends", "sends = \"sign-flip\": one of " + any_of(words(lies)));
    section.choice("sends", event.sends, lies);
}

void read_restart(Section& section, Event& event) {
    section.truth("checkpoint", event.checkpoint);
    section.longer_than_zero("down", event.down, "5s");
}

void read_clock(Section& section, Event& event, const Config& config) {
    if (!section.has("offset") && !section.has("drift"))
        section.fault("drift", "this [[event]] does not say what becomes of the clock", "offset = \"2s\": it jumps ahead; drift = 1e-4: it gains so much a second");
    section.longer_than_zero("offset", event.offset, "2s");
    section.number("drift", event.drift, -most_drift, most_drift);
    read_for(section, event);
    if (event.lasts && !section.has("drift"))
        section.fault("for", "a clock that has jumped is not set back, so there is nothing to end", "'for' is how long it drifts: drift = 1e-4");
    needs_clocks_of_its_own(section, "kind", config);
}

void read_kind(Section& section, Event& event, const Config& config) {
    refuse_others(section, event.kind);
    if (event.kind == Kind::join || event.kind == Kind::restart) needs_news_of_newcomers(section, "kind", config);
    switch (event.kind) {
        case Kind::restart: return read_nodes(section, event, config), read_restart(section, event);
        case Kind::clock: return read_nodes(section, event, config), read_clock(section, event, config);
        case Kind::crash:
        case Kind::leave: return read_nodes(section, event, config);
        case Kind::join: return read_join(section, event, config);
        case Kind::pause: read_nodes(section, event, config), read_for(section, event), read_again(section, event), read_pause(section, event); break;
        case Kind::slow: read_nodes(section, event, config), read_slow(section, event), read_for(section, event); break;
        case Kind::partition: read_sides(section, event, config), read_for(section, event), read_again(section, event); break;
        case Kind::one_way: read_one_way(section, event, config), read_for(section, event), read_again(section, event); break;
        case Kind::cut: read_between(section, event, config), read_for(section, event), read_again(section, event); break;
        case Kind::loss: read_loss(section, event, config), read_for(section, event), read_again(section, event); break;
        case Kind::liar: read_nodes(section, event, config), read_liar(section, event); break;
        case Kind::delay: read_delay(section, event, config), read_for(section, event), read_again(section, event); break;
        case Kind::clog: read_clog(section, event, config), read_for(section, event); break;
        case Kind::bandwidth: read_bandwidth(section, event, config), read_for(section, event), read_again(section, event); break;
        case Kind::corrupt: read_whom(section, event, config), read_share(section, event), read_for(section, event), read_again(section, event); break;
        case Kind::replay: read_replay(section, event, config), read_for(section, event), read_again(section, event); break;
    }
}

// An index or a count that no time of the run can satisfy. Without [[group]] the counts come from a flag.
void check_size(Section& section, const char* key, const Selection& selection, const Config& config) {
    if (config.groups.empty()) return;
    const double most = most_ever(config, selection.group, config.events);
    const bool beyond = (selection.what == Selection::What::index && selection.number >= most) ||
                        (selection.what == Selection::What::count && selection.number > most);
    if (beyond)
        section.fault(key,
                      in_quotes(format_selection(selection)) + " asks for more than the " +
                          std::to_string(static_cast<std::uint64_t>(most)) + " there are",
                      selection.what == Selection::What::index ? "the first is [0]" : "fewer, or all: \"" + selection.group + "\"");
}

}  // namespace

void read_events(Section& file, Config& config) {
    auto sections = file.tables("event", "[[event]]");
    for (Section& section : sections) {
        Event event;
        Duration at{};
        if (section.duration("at", at, "35s")) event.at = Instant(at);
        if (!section.has("at")) section.fault("at", "this [[event]] does not say when", "at = \"35s\"");
        if (!section.has("kind")) section.fault("kind", "this [[event]] does not say its kind", "kind = " + any_of(words(event_kinds)));
        section.choice("kind", event.kind, event_kinds);
        read_kind(section, event, config);
        section.finish();
        if (file.reading().any()) return;
        config.events.push_back(std::move(event));
    }
    // Afterwards, since a later event may let more peers in.
    for (std::size_t i = 0; i < sections.size(); ++i) {
        const Event& event = config.events[i];
        check_size(sections[i], "nodes", event.nodes, config);
        for (const Selection& selection : event.from) check_size(sections[i], "from", selection, config);
        for (const Selection& selection : event.to) check_size(sections[i], "to", selection, config);
        for (const auto& side : event.sides)
            for (const Selection& selection : side) check_size(sections[i], event.kind == Kind::partition ? "sides" : "between", selection, config);
    }
}

}  // namespace grapevine::config
