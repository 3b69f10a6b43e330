// grapevine join, leave, force-leave: what a running node can be told.
#include <cstdio>

#include "http.hpp"
#include "joins.hpp"
#include "terminal.hpp"
#include "verb.hpp"

namespace grapevine::cli {

namespace {

constexpr std::size_t most_asked = 32;  // by a node at once

int join(const Arguments& a) {
    if (a.positional.empty()) return complain({"join wants an address", "'grapevine join HOST[:PORT]...'; port 7470 unless said"}, usage);
    const auto read = sources("join", a.positional);
    if (const auto* error = std::get_if<Error>(&read)) return complain(*error, usage);
    // Names and files are looked up here: a path means something to who typed it.
    node::Found found = node::find(std::get<0>(read), "127.0.0.1");
    for (const std::string& what : found.missing) std::fprintf(stderr, "note: %s\n", what.c_str());
    if (found.endpoints.empty()) return complain({"no address to join through", "see above"}, failed);
    if (found.endpoints.size() > most_asked) {
        std::fprintf(stderr, "note: of %zu addresses the first %zu are tried\n", found.endpoints.size(), most_asked);
        found.endpoints.resize(most_asked);
    }
    Fields fields;
    for (std::string& endpoint : found.endpoints) fields.emplace_back("address", std::move(endpoint));
    const auto answer = tell(a, "/v1/join", fields);
    if (const int* code = std::get_if<int>(&answer)) return *code;
    const Json& j = std::get<Json>(answer);
    if (a.has("json")) std::printf("%s\n", j.dump(2).c_str());
    std::string why_not;
    for (const auto& seed : j.value("seeds", Json::array())) {
        const std::string address = plain(seed.value("address", "?"));
        if (seed.value("joined", false)) {
            if (!a.has("json")) std::printf("joined through %s (%s)\n", plain(seed.value("name", "?")).c_str(), address.c_str());
        } else {
            why_not += (why_not.empty() ? "" : "\n           ") + address + ": " + (seed.contains("why_not") && seed["why_not"].is_string() ? plain(seed["why_not"].get<std::string>()) : "no answer");
        }
    }
    if (j.value("joined", 0) > 0) {
        if (!why_not.empty()) std::fprintf(stderr, "not %s\n", why_not.c_str());
        return finished;
    }
    return complain({"joined nobody", why_not}, failed);
}

int leave(const Arguments& a) {
    const auto answer = tell(a, "/v1/leave");
    if (const int* code = std::get_if<int>(&answer)) return *code;
    const Json& j = std::get<Json>(answer);
    if (a.has("json")) std::printf("%s\n", j.dump(2).c_str());
    else std::printf("%s has left\n", plain(j.value("name", "it")).c_str());
    return finished;
}

int force_leave(const Arguments& a) {
    if (a.positional.empty()) return complain({"force-leave wants a member", "'grapevine members --status dead' lists whom it is for"}, usage);
    const auto answer = tell(a, "/v1/force-leave", {{"node", a.positional[0]}});
    if (const int* code = std::get_if<int>(&answer)) return *code;
    const Json& j = std::get<Json>(answer);
    const std::string name = plain(j.value("name", "?")), was = j.value("was", "");
    if (a.has("json")) std::printf("%s\n", j.dump(2).c_str());
    else if (was == "left") std::printf("%s had left already\n", name.c_str());
    else std::printf("%s (%s) is held for left\n", name.c_str(), was.c_str());
    if (was == "alive" || was == "degraded")
        std::fprintf(stderr, "note: %s is there: it says so and is back in a moment. To make it leave: grapevine leave --at %s, on its machine\n", name.c_str(), name.c_str());
    return finished;
}

}  // namespace

Verb join_verb() {
    return {"join", "HOST[:PORT]|dns:NAME[:PORT]|file:PATH... [--at PORT|NAME] [--json]", "tells a running node to join through further addresses",
            "For a node that was started alone, or was cut off. Exit status 1 if nobody answers. Two runs never become one: only a\n"
            "node that was given --join itself and found nobody gives up the run it began meanwhile.",
            {at_option(), token_option(), {"json", "", "as JSON"}}, 32, join};
}

Verb leave_verb() {
    return {"leave", "[--at PORT|NAME] [--json]", "tells a running node to leave",
            "As ^C does: it says goodbye, so that nobody has to suspect it, writes its files and ends with status 0. Returns when\n"
            "the goodbye is said.",
            {at_option(), token_option(), {"json", "", "as JSON"}}, 0, leave};
}

Verb force_leave_verb() {
    return {"force-leave", "NODE [--at PORT|NAME] [--json]", "has a dead member held for left, everywhere",
            "For a member that was killed and will not come back: it is not suspected or called any more. NODE is its name, or its\n"
            "id cut to no less than four digits; among several of one name the dead and suspect ones are meant. As with serf, a\n"
            "member that is alive is not refused and not stopped: it hears of it, says that it is there, and is back in a moment.",
            {at_option(), token_option(), {"json", "", "as JSON"}}, 1, force_leave};
}

}  // namespace grapevine::cli
