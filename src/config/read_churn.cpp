#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <map>

#include "section.hpp"

// [churn], or [[churn]] several times: machines that go and come back all the time, by a law or as a file says.
namespace grapevine::config {
namespace {

constexpr const char* trace_header = "time,node,state";
constexpr const char* law_hint = "session = { dist = \"weibull\", scale = \"60s\", shape = 0.6 }";

// A trace's machines, by what they may be called there: "cpu-3", "cpu[3]", or a number that counts through the groups
// as they stand in the file.
class Machines {
public:
    explicit Machines(const Config& config) {
        for (const Group& group : config.groups) add(group.name, group.count);
        if (config.groups.empty()) add(Group().name, ~0u);  // how many comes from a flag
    }
    struct Machine {
        std::uint32_t group, place;
    };
    std::optional<Machine> find(const std::string& word) const {
        if (const auto index = whole(word)) {
            std::uint64_t before = 0;
            for (std::uint32_t g = 0; g < groups_.size(); before += groups_[g++].count)
                if (*index - before < groups_[g].count) return Machine{g, static_cast<std::uint32_t>(*index - before)};
            return {};
        }
        const bool bracket = word.ends_with(']');
        const auto at = bracket ? word.rfind('[') : word.rfind('-');
        if (at == std::string::npos) return {};
        const auto group = by_name_.find(word.substr(0, at));
        const auto place = whole(word.substr(at + 1, word.size() - at - 1 - bracket));
        if (group == by_name_.end() || !place || *place >= groups_[group->second].count) return {};
        return Machine{group->second, static_cast<std::uint32_t>(*place)};
    }
    std::string all() const {
        std::string text;
        for (const auto& [name, count] : groups_)
            text += (text.empty() ? "" : ", ") + name + "-0" + (count == ~0u ? " and on" : count > 1 ? " to " + name + "-" + std::to_string(count - 1) : "");
        return text;
    }

private:
    struct Known {
        std::string name;
        std::uint32_t count;
    };
    void add(const std::string& name, std::uint32_t count) {
        by_name_.emplace(name, static_cast<std::uint32_t>(groups_.size()));
        groups_.push_back({name, count});
    }
    static std::optional<std::uint64_t> whole(const std::string& word) {
        std::uint64_t n = 0;
        const auto read = std::from_chars(word.data(), word.data() + word.size(), n);
        return word.empty() || read.ec != std::errc() || read.ptr != word.data() + word.size() ? std::nullopt : std::optional(n);
    }
    std::vector<Known> groups_;
    std::map<std::string, std::uint32_t> by_name_;
};

std::vector<std::string> cells_of(const std::string& line) {
    std::vector<std::string> cells{""};
    for (const char c : line) {
        if (c == ',') cells.emplace_back();
        else if (c != '\r') cells.back() += c;
    }
    for (std::string& cell : cells) {
        while (!cell.empty() && (cell.back() == ' ' || cell.back() == '\t')) cell.pop_back();
        cell.erase(0, std::min(cell.find_first_not_of(" \t"), cell.size()));
    }
    return cells;
}

std::optional<double> number_of(const std::string& word) {
    double value = 0;
    const auto read = std::from_chars(word.data(), word.data() + word.size(), value);
    return word.empty() || read.ec != std::errc() || read.ptr != word.data() + word.size() ? std::nullopt : std::optional(value);
}

// Reads the lines of a trace; the first fault is said with the trace's own line.
void read_lines(Section& section, const std::string& text, const Config& config, Churn& churn) {
    const Machines machines(config);
    std::map<std::pair<std::uint32_t, std::uint32_t>, std::pair<bool, std::size_t>> state;  // of each machine: up, since which line
    std::size_t number = 0;
    bool header = false;
    Instant before{};
    const auto fault = [&](const std::string& what, const std::string& hint) {
        section.fault("trace", churn.file + ":" + std::to_string(number) + ": " + what, hint);
    };
    for (std::size_t from = 0; from < text.size();) {
        const std::size_t to = std::min(text.find('\n', from), text.size());
        const bool ends = to < text.size();
        const std::string line = text.substr(from, to - from);
        from = to + 1, ++number;
        const auto cells = cells_of(line);
        if (line.starts_with('#') || (cells.size() == 1 && cells[0].empty())) continue;
        if (!header) {
            if (cells != std::vector<std::string>{"time", "node", "state"})
                return fault("the first line is " + in_quotes(line) + ", not the names of the columns", trace_header);
            header = true;
            continue;
        }
        if (cells.size() != 3)
            return fault(std::to_string(cells.size()) + " of 3 columns" + (ends ? "" : " in the last line, which has no end: was the file cut?"),
                         "a line is a time in seconds, a node, and up, down or left: 12.5,cpu-3,down");
        const auto time = number_of(cells[0]);
        if (!time || !(*time >= 0) || !(*time < 1e9)) return fault(in_quotes(cells[0]) + " is no time", "seconds from the start, 0 or more: 12.5");
        const Instant at{from_seconds(*time)};
        if (at < before) return fault(cells[0] + " comes before the line above it", "lines in order of time: sort -t, -g -k1,1");
        before = at;
        const auto machine = machines.find(cells[1]);
        if (!machine) return fault("there is no node " + in_quotes(cells[1]), "there are " + machines.all() + "; or their numbers, from 0");
        const bool up = cells[2] == "up";
        if (!up && cells[2] != "down" && cells[2] != "left")
            return fault(in_quotes(cells[2]) + " is no state" + (ends ? "" : "; the line has no end: was the file cut?"), "up, down, or left (it goes and says so)");
        const auto [known, first] = state.try_emplace({machine->group, machine->place}, up, number);
        if (!first && known->second.first == up)
            return fault(in_quotes(cells[1]) + " is " + (up ? "up" : "down") + " already, since line " + std::to_string(known->second.second),
                         "take one of the two lines out");
        known->second = {up, number};
        churn.trace.push_back({at, machine->group, machine->place, up ? Churn::Turn::To::up : cells[2] == "left" ? Churn::Turn::To::left : Churn::Turn::To::down});
    }
    if (!header) section.fault("trace", in_quotes(churn.file) + " is empty", "its first line is " + std::string(trace_header));
    else if (churn.trace.empty()) section.fault("trace", in_quotes(churn.file) + " has a header and no lines", "a line is 12.5,cpu-3,down");
}

void read_trace(Section& section, const Config& config, Churn& churn) {
    if (!section.text("trace", churn.file)) return;
    for (const char* key : {"groups", "session", "downtime", "day", "leaves"})
        if (section.has(key))
            section.fault(key, "the trace says who goes and when, so " + in_quotes(key) + " has no meaning", "take one of the two out");
    if (!section.reading().may_open_files)
        return section.fault("trace", "a configuration that is no file cannot name other files", "read it from a file");
    const std::filesystem::path here = section.reading().files.at(section.place_of("trace").file);
    std::error_code failed;
    churn.file = std::filesystem::absolute(here.parent_path() / churn.file, failed).lexically_normal().string();
    Error why;
    const auto text = read_bytes(churn.file, why);
    if (!text) return section.fault("trace", "trace file: " + why.what, "the path starts at the configuration's directory");
    read_lines(section, *text, config, churn);
}

void read_names(Section& section, const Config& config, Churn& churn) {
    const Value* value = section.value("groups");
    if (!value) {
        churn.groups = {"*"};
        return;
    }
    const auto* list = std::get_if<Array>(&value->is);
    const char* hint = "groups = [\"cpu\"]: whose machines come and go; \"*\" is everybody";
    std::vector<const Value*> names{value};
    if (list) {
        names.clear();
        for (const Value& item : *list) names.push_back(&item);
    }
    if (names.empty()) return section.fault("groups", "'groups' names nobody", hint);
    for (const Value* item : names) {
        const auto* name = std::get_if<std::string>(&item->is);
        if (!name) return section.reading().say(item->place, "'groups' wants names of groups, this is " + kind_of(*item), hint);
        if (!is_known_group(section, item->place, *name, config)) return;
        churn.groups.push_back(*name);
    }
}

void read_law(Section& section, const Config& config, Churn& churn) {
    read_names(section, config, churn);
    if (!section.has("session")) section.fault("session", section.title() + " does not say how long a machine stays", law_hint);
    read_distribution(section, "session", churn.session, false);
    if (!section.has("downtime")) section.fault("downtime", section.title() + " does not say how long a machine is away", "downtime = { dist = \"exponential\", mean = \"10s\" }");
    read_distribution(section, "downtime", churn.downtime, true);
    if (!section.has("day")) return static_cast<void>(section.value("day"));
    Section day = section.table("day", "'day'");
    Duration period{};
    if (!day.has("period")) day.fault("period", "'day' does not say how long it is", "day = { period = \"24h\", amplitude = 0.5 }");
    if (day.longer_than_zero("period", period, "24h")) churn.day = period;
    if (!day.has("amplitude")) day.fault("amplitude", "'day' does not say by how much it differs from night", "amplitude = 0.5: half as many go by day, and half as many more come back");
    day.probability("amplitude", churn.amplitude);
    day.finish();
}

}  // namespace

void needs_news_of_newcomers(Section& section, const char* key, const Config& config) {
    if (config.membership.kind != MembershipKind::fixed) return;
    section.fault(key, "with [membership] kind = \"static\" everybody is known from the start, and nobody would hear of who comes later", "kind = \"swim\"");
}

namespace {

bool overlap(const Churn& a, const Churn& b) {
    for (const std::string& x : a.groups)
        for (const std::string& y : b.groups)
            if (x == y || x == "*" || y == "*") return true;
    return false;
}

}  // namespace

void read_churns(Section& file, Config& config) {
    const Value* value = file.value("churn");
    if (!value) return;
    std::vector<Section> sections;
    if (std::holds_alternative<Array>(value->is)) sections = file.tables("churn", "[[churn]]");
    else sections.push_back(file.table("churn", "[churn]"));
    for (Section& section : sections) {
        Churn churn;
        if (section.has("trace")) read_trace(section, config, churn);
        else section.value("trace"), read_law(section, config, churn);
        for (const char* key : {"groups", "session", "downtime", "day"}) section.value(key);
        needs_news_of_newcomers(section, churn.file.empty() ? "session" : "trace", config);
        section.probability("leaves", churn.leaves);
        section.truth("checkpoint", churn.checkpoint);
        section.finish();
        for (const Churn& other : config.churns) {
            if (churn.file.empty() && other.file.empty() && overlap(churn, other))
                section.fault("groups", "one of these groups has a churn already: a machine comes and goes by one law", "each group in one [[churn]] only");
            if (churn.file.empty() != other.file.empty() || !churn.file.empty())
                section.fault(churn.file.empty() ? "groups" : "trace", "a trace is the only churn of a run: it says of each machine when it is there", "one of the two");
        }
        if (file.reading().any()) return;
        config.churns.push_back(std::move(churn));
    }
}

}  // namespace grapevine::config
