#include "section.hpp"
#include "units.hpp"

// [[event]]: what happens to a simulated world.
namespace grapevine::config {
namespace {

constexpr const char* selection_hint = "\"gpu\" is all of a group, \"gpu:2\" two of it, \"cpu:10%\" a share, \"cpu[3]\" its fourth, \"*\" everybody";

// Peers that may ever be in a group: at the start, and joining before (or after, said kindly) this event.
double most_ever(const Config& config, const std::string& group, const std::vector<Event>& joins) {
    double n = 0;
    for (const Group& known : config.groups)
        if (group == "*" || known.name == group) n += known.count;
    for (const Event& join : joins)
        if (join.kind == Event::Kind::join && (group == "*" || join.group == group)) n += join.count;
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

void read_sides(Section& section, Event& event, const Config& config) {
    const Value* sides = section.value("sides");
    const char* hint = "sides = [[\"gpu\"], [\"cpu\"]]: two or more lists of selections";
    if (!sides) return section.fault("sides", "this partition does not say its sides", hint);
    const auto* list = std::get_if<Array>(&sides->is);
    if (!list || list->size() < 2) return section.fault("sides", "'sides' wants at least two lists", hint);
    for (const Value& side : *list) {
        const auto* members = std::get_if<Array>(&side.is);
        if (!members || members->empty())
            return section.reading().say(side.place, "a side is a list of selections, this is " + (members ? "empty" : kind_of(side)),
                                         hint);
        auto& read = event.sides.emplace_back();
        for (const Value& member : *members)
            if (!read_selection(section, member, read.emplace_back(), config)) return;
    }
}

void read_for(Section& section, Event& event) {
    Duration lasts{};
    if (section.longer_than_zero("for", lasts, "10s")) event.lasts = lasts;
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

// An index or a count that no time of the run can satisfy. Without [[group]] the counts come from a flag.
void check_size(Section& section, const Selection& selection, const Config& config) {
    if (config.groups.empty()) return;
    const double most = most_ever(config, selection.group, config.events);
    const bool beyond = (selection.what == Selection::What::index && selection.number >= most) ||
                        (selection.what == Selection::What::count && selection.number > most);
    if (beyond)
        section.fault(section.has("nodes") ? "nodes" : "sides",
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
        section.choice("kind", event.kind, event_kinds, words(later_event_kinds));
        const std::string here = "this event is \"" + std::string(to_string(event.kind)) + "\"";

        const bool join = event.kind == Event::Kind::join, slow = event.kind == Event::Kind::slow, partition = event.kind == Event::Kind::partition;
        if (!join && !partition) read_nodes(section, event, config);
        else section.belongs({"nodes"}, "kind = \"crash\", \"restart\", \"slow\" and \"leave\"", here);
        if (join) read_join(section, event, config);
        else section.belongs({"group", "count", "over"}, "kind = \"join\"", here);
        if (partition) read_sides(section, event, config);
        else section.belongs({"sides"}, "kind = \"partition\"", here);
        if (slow) {
            if (!section.has("factor"))
                section.fault("factor", "this [[event]] does not say how slow", "factor = 4: step times are multiplied by it");
            section.above("factor", event.factor, 0);
        } else {
            section.belongs({"factor"}, "kind = \"slow\"", here);
        }
        if (slow || partition) read_for(section, event);
        else section.belongs({"for"}, "kind = \"slow\" and \"partition\"", here);
        section.later({"checkpoint", "every", "times", "offset", "drift", "sends"});
        section.finish();
        if (file.reading().any()) return;
        config.events.push_back(std::move(event));
    }
    // Afterwards, since a later event may let more peers in.
    for (std::size_t i = 0; i < sections.size(); ++i) {
        const Event& event = config.events[i];
        check_size(sections[i], event.nodes, config);
        for (const auto& side : event.sides)
            for (const Selection& selection : side) check_size(sections[i], selection, config);
    }
}

}  // namespace grapevine::config
