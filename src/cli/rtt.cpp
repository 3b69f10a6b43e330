// grapevine rtt: the round trip between two members, measured now.
#include <cstdio>

#include "grapevine/record/format.hpp"
#include "http.hpp"
#include "terminal.hpp"
#include "verb.hpp"

namespace grapevine::cli {

namespace {

int run(const Arguments& a) {
    if (a.positional.empty()) return complain({"rtt wants a member", "'grapevine rtt NAME' from the asked node to NAME, 'grapevine rtt A B' between two others"}, usage);
    const auto pings = a.number("pings", 1, 20);
    if (const auto* error = std::get_if<Error>(&pings)) return complain(*error, usage);
    Fields fields{{"from", a.positional[0]}};
    if (a.positional.size() > 1) fields.emplace_back("to", a.positional[1]);
    fields.emplace_back("pings", std::to_string(static_cast<int>(std::get<std::optional<double>>(pings).value_or(5))));
    const auto answer = ask(a, "/v1/rtt", fields, std::chrono::seconds(45));
    if (const int* code = std::get_if<int>(&answer)) return *code;
    const Json& j = std::get<Json>(answer);
    const auto name = [&](const char* key) {
        const Json who = j.value(key, Json::object());
        return plain(who.value("name", "?"));
    };
    const auto seconds = [&](const char* key) { return j.contains(key) && j[key].is_number() ? record::format_seconds(j[key].get<double>()) : std::string("-"); };
    const double answered = j.value("answered", 0.0), sent = j.value("pings", 0.0);
    if (a.has("json")) std::printf("%s\n", j.dump(2).c_str());
    else if (answered > 0)
        std::printf("%s to %s: min %s, mean %s, max %s (%.0f of %.0f pings answered)\n", name("from").c_str(), name("to").c_str(), seconds("min").c_str(), seconds("mean").c_str(),
                    seconds("max").c_str(), answered, sent);
    if (answered > 0) return finished;
    return complain({name("to") + " does not answer " + name("from") + " (" + std::to_string(static_cast<int>(sent)) + " pings)",
                     "is it stopped, or does a firewall stand between the two? 'grapevine members' shows what the cluster thinks of it"}, failed);
}

}  // namespace

Verb rtt_verb() {
    return {"rtt", "A [B] [--at PORT|NAME] [--pings N] [--json]", "the round trip between two members",
            "Has A ping B and prints the least, mean and longest round trip; without B it is from the asked node to A. A and B\n"
            "are names, or ids cut to no less than four digits. Pings are those of the membership: they go through the nodes'\n"
            "own loops, so a busy machine shows. Exit status 1 if none is answered.",
            {at_option(), token_option(), {"pings", "N", "one after the other; default 5, at most 20"}, {"json", "", "as JSON, in seconds"}}, 2, run};
}

}  // namespace grapevine::cli
