// grapevine members: who is there, as a running node sees it.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "http.hpp"
#include "terminal.hpp"
#include "verb.hpp"

namespace grapevine::cli {

namespace {

// From the network: shown without what would move a terminal's cursor.
std::string plain(std::string text) {
    for (char& c : text)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
    return text;
}

int run(const Arguments& a) {
    const auto address = node_at(a);
    if (const auto* error = std::get_if<Error>(&address)) return complain(*error, usage);
    const auto& [host, port] = std::get<StatusAddress>(address);
    const auto body = get_from(host, port, "/v1/members");
    if (!body)
        return complain({"no node answers at " + host + ":" + std::to_string(port), "is one running? 'grapevine node' starts one; --at names another port"}, failed);
    auto j = nlohmann::ordered_json::parse(*body, nullptr, false);
    if (!j.is_object() || !j.contains("members") || !j["members"].is_array())
        return complain({"what answers at " + host + ":" + std::to_string(port) + " is not a grapevine node", "--at names another port"}, failed);
    if (const auto wanted = a.get("standing")) {
        auto kept = nlohmann::ordered_json::array();
        for (const auto& m : j["members"])
            if (m.value("standing", "") == *wanted) kept.push_back(m);
        j["members"] = std::move(kept);
    }
    if (a.has("json")) {
        std::printf("%s\n", j.dump(2).c_str());
        return finished;
    }
    std::printf("%-20s %-9s %-28s %12s %s\n", "NAME", "STANDING", "ADDRESS", "ROUND TRIP", "INCARNATION");
    for (const auto& m : j["members"]) {
        char trip[32] = "-";
        if (m.contains("round_trip") && m["round_trip"].is_number()) std::snprintf(trip, sizeof trip, "%.2f ms", m["round_trip"].get<double>() * 1e3);
        const bool self = m.value("self", false);
        std::printf("%-20s %-9s %-28s %12s %u%s\n", plain(m.value("name", "?")).c_str(), plain(m.value("standing", "?")).c_str(),
                    plain(m.value("control", "?")).c_str(), trip, m.value("incarnation", 0u), self ? "  (asked)" : "");
    }
    return finished;
}

}  // namespace

Verb members_verb() {
    return {"members", "[--at PORT|NAME] [--json]", "who is in the cluster, as a running node sees it",
            "Asks a node of this machine for its members: name, standing (alive, suspect, dead, left), address, round trip.",
            {at_option(), {"standing", "S", "only those alive, suspect, dead or left"}, {"json", "", "as JSON"}}, 0, run};
}

}  // namespace grapevine::cli
