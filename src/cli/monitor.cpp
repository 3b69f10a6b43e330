// grapevine monitor: what happens at a running node, as it happens.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <thread>

#include "http.hpp"
#include "terminal.hpp"
#include "verb.hpp"

namespace grapevine::cli {

namespace {

using namespace std::chrono_literals;

const std::vector<std::string> known_kinds{"joined", "suspected", "refuted", "dead", "left", "changed", "departed", "superseded", "refused", "mixed",
                                           "declined", "timed_out", "undelivered", "partner_gone", "other_layout", "no_graph", "clipped", "roll", "finished", "log"};

// "12:04:31.207 INFO  gossip   mixed with gpu-b ...": as the node's own log.
void print(const Json& event) {
    const double at = event.value("unix_time", 0.0);
    const std::time_t whole = static_cast<std::time_t>(at);
    std::tm local{};
    localtime_r(&whole, &local);
    char clock[32];
    std::strftime(clock, sizeof clock, "%H:%M:%S", &local);
    const auto text = [&](const char* key) { return event.contains(key) && event[key].is_string() ? plain(event[key].get<std::string>()) : std::string("?"); };
    std::printf("%s.%03d %-5s %-8s %s\n", clock, static_cast<int>((at - static_cast<double>(whole)) * 1e3), text("level").c_str(), text("area").c_str(), text("text").c_str());
}

int run(const Arguments& a) {
    Fields kinds;
    for (const std::string& kind : a.all("kind")) {
        if (std::find(known_kinds.begin(), known_kinds.end(), kind) == known_kinds.end()) {
            const auto near = config::nearest(kind, known_kinds);
            return complain({"no event is of kind '" + kind + "'", near ? "did you mean --kind " + *near + "?" : "'grapevine help monitor' lists them"}, usage);
        }
        kinds.emplace_back("kind", kind);
    }
    const auto last = a.number("last", 0, 1024);
    if (const auto* error = std::get_if<Error>(&last)) return complain(*error, usage);
    const auto at = node_at(a);
    if (const auto* error = std::get_if<Error>(&at)) return complain(*error, usage);
    const auto& address = std::get<StatusAddress>(at);

    Fields fields = kinds;
    fields.emplace_back("last", std::to_string(static_cast<int>(std::get<std::optional<double>>(last).value_or(10))));
    const auto ended = [] {
        std::fprintf(stderr, "the node has ended\n");
        return finished;
    };
    for (bool first = true, leaving = false;; first = false) {
        const auto asked = std::chrono::steady_clock::now();
        const auto heard = http_get(address, "/v1/events", fields, 20s);
        if (!heard && leaving) return ended();  // it went between two questions
        if (!heard && !first) return complain({"the node is gone without a word", "was it killed? 'grapevine members' at another node shows what they think of it"}, failed);
        const auto answer = understood(address, heard);
        if (const int* code = std::get_if<int>(&answer)) return *code;
        const Json& j = std::get<Json>(answer);
        const Json events = j.value("events", Json::array());
        const double dropped = j.value("dropped", 0.0);
        if (dropped > 0 && a.has("json")) std::printf("{\"kind\":\"dropped\",\"count\":%.0f}\n", dropped);
        if (dropped > 0) std::fprintf(stderr, "%.0f events were dropped: they came faster than they were read\n", dropped);
        for (const auto& event : events) {
            if (!event.is_object()) continue;
            if (a.has("json")) std::printf("%s\n", event.dump().c_str());
            else print(event);
        }
        if (std::fflush(stdout) != 0) return finished;  // whoever read us has gone: monitor | head
        if (j.value("ended", false)) return ended();
        leaving = j.value("leaving", false);
        fields = kinds;
        fields.emplace_back("after", j.value("next", "0.0"));
        fields.emplace_back("wait", "10");
        // Where too many watch already, it does not let us wait.
        if (!first && events.empty() && std::chrono::steady_clock::now() - asked < 1s) std::this_thread::sleep_for(500ms);
    }
}

}  // namespace

Verb monitor_verb() {
    return {"monitor", "[--at PORT|NAME] [--kind K]... [--last N] [--json]", "what happens at a running node, as it happens",
            "Events and lines of log until ^C, as they come; first the last ten, as 'tail -f' does. The node keeps the last 512\n"
            "mixes and the last 512 of all else; who reads more slowly than that is told how many were dropped, and costs the\n"
            "node nothing. Ends with status 0 when the node ends, 1 when it is gone without a word.\n\n"
            "kinds: joined suspected refuted dead left changed departed superseded refused (members)\n"
            "       mixed declined timed_out undelivered partner_gone other_layout no_graph clipped roll finished (exchange)\n"
            "       log (what is no event)",
            {at_option(), token_option(), {"kind", "K", "only these; repeated", true}, {"last", "N", "begin with the last N it still knows, of those kinds; default 10"},
             {"json", "", "an object a line, as in events.jsonl"}}, 0, run};
}

}  // namespace grapevine::cli
