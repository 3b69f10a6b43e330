// grapevine members: who is there, as a running node sees it.
#include <algorithm>
#include <cstdio>

#include "grapevine/record/format.hpp"
#include "http.hpp"
#include "terminal.hpp"
#include "verb.hpp"

namespace grapevine::cli {

namespace {

const std::vector<std::string> statuses{"alive", "degraded", "suspect", "dead", "left"};

std::string text(const Json& m, const char* key) { return m.contains(key) && m[key].is_string() ? plain(m[key].get<std::string>()) : "-"; }
std::optional<double> number(const Json& m, const char* key) {
    return m.contains(key) && m[key].is_number() ? std::optional(m[key].get<double>()) : std::nullopt;
}

void print_table(const std::vector<std::vector<std::string>>& rows, const std::vector<bool>& right) {
    std::vector<std::size_t> widths(right.size(), 0);
    for (const auto& row : rows)
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
    for (const auto& row : rows) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i) {
            const std::string space(widths[i] - row[i].size(), ' ');
            line += (i ? "  " : "") + (right[i] ? space + row[i] : row[i] + space);
        }
        line.erase(line.find_last_not_of(' ') + 1);
        std::printf("%s\n", line.c_str());
    }
}

int run(const Arguments& a) {
    const auto wanted = a.get("status");
    if (wanted && std::find(statuses.begin(), statuses.end(), *wanted) == statuses.end()) {
        const auto near = config::nearest(*wanted, statuses);
        return complain({"no member is ever '" + *wanted + "'", near ? "did you mean --status " + *near + "?" : "--status alive, degraded, suspect, dead or left"}, usage);
    }
    auto answer = ask(a, "/v1/members");
    if (const int* code = std::get_if<int>(&answer)) return *code;
    Json& j = std::get<Json>(answer);
    if (!j.contains("members") || !j["members"].is_array()) return complain({"what answers is not a grapevine node", "--at names another port"}, failed);
    if (wanted) {
        auto kept = Json::array();
        for (const auto& m : j["members"])
            if (m.value("status", "") == *wanted) kept.push_back(m);
        j["members"] = std::move(kept);
    }
    if (a.has("json")) {
        std::printf("%s\n", j.dump(2).c_str());
        return finished;
    }
    // Two of one name are told apart by the id.
    std::map<std::string, int> called;
    for (const auto& m : j["members"]) ++called[m.value("name", "")];
    std::stable_sort(j["members"].begin(), j["members"].end(), [](const Json& a, const Json& b) { return a.value("name", "") < b.value("name", ""); });
    std::vector<std::vector<std::string>> rows{{"NAME", "STATUS", "ADDRESS", "ROUND TRIP", "AGE", "STEPS", "SAMPLES/S", "DEVICE", "INCARNATION", ""}};
    for (const auto& m : j["members"]) {
        const std::string name = text(m, "name");
        std::string address = text(m, "control"), note = m.value("self", false) ? "(asked)" : "";
        if (address.rfind("tcp://", 0) == 0) address = address.substr(6);
        if (text(m, "reach") == "outbound") note += std::string(note.empty() ? "" : " ") + (m.value("in_reach", true) ? "(only dials out)" : "(only dials out, no link to it)");
        if (const std::string way = text(m, "bulk_way"); way == "shut" || way == "narrow") note += std::string(note.empty() ? "" : " ") + "(bulk unreachable)";
        else if (way == "doubtful") note += std::string(note.empty() ? "" : " ") + "(skipped)";
        if (text(m, "suspected_by") != "-") note = "(suspected by " + text(m, "suspected_by") + ")";
        const auto steps = number(m, "steps"), incarnation = number(m, "incarnation");
        rows.push_back({called[m.value("name", "")] > 1 ? name + " " + text(m, "id") : name, text(m, "status"), address, record::format_seconds(number(m, "round_trip")),
                        record::format_seconds(number(m, "age")), record::format_count(steps), record::format_count(number(m, "speed")),
                        text(m, "device"), record::format_count(incarnation), note});
    }
    print_table(rows, {false, false, false, true, true, true, true, false, true, false});
    return finished;
}

}  // namespace

Verb members_verb() {
    return {"members", "[--at PORT|NAME] [--status S] [--json]", "who is in the cluster, as a running node sees it",
            "Asks a node of this machine for its members: name, status, address, round trip, how long it runs, its steps and\n"
            "samples a second (as it said last: half a minute ago at most, longer in large clusters), device, and incarnation.\n\n"
            "  alive     it answers\n"
            "  degraded  it answers, and has found its own links bad: it is not mixed with until they are better\n"
            "  suspect   it did not answer the member that is named, nor its helpers; held for dead unless it answers soon\n"
            "  dead      it did not; called now and then, and forgotten after a day\n"
            "  left      it said so, a later process took its name, or somebody said so for it (force-leave)\n\n"
            "(bulk unreachable): it answers pings, and the node that was asked gets no parameters through to it: a firewall, or\n"
            "packets of full size that vanish. (skipped): its last exchanges with that node came to nothing. Either is tried again\n"
            "after a while, and concerns these two alone.",
            {at_option(), token_option(), {"status", "S", "only those alive, degraded, suspect, dead or left", false, true}, {"json", "", "as JSON"}}, 0, run};
}

}  // namespace grapevine::cli
