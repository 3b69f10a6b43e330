// grapevine info: what a running node is, and how it is.
#include <cstdio>

#include "grapevine/record/format.hpp"
#include "http.hpp"
#include "terminal.hpp"
#include "verb.hpp"

namespace grapevine::cli {

namespace {

// What lies at a path such as {"health", "degraded"}, as text; "-" if it is not known.
struct Info {
    const Json& j;
    const Json* at(std::initializer_list<const char*> path) const {
        const Json* here = &j;
        for (const char* key : path) {
            if (!here->is_object() || !here->contains(key)) return nullptr;
            here = &(*here)[key];
        }
        return here->is_null() ? nullptr : here;
    }
    std::optional<double> number(std::initializer_list<const char*> path) const {
        const Json* x = at(path);
        return x && x->is_number() ? std::optional(x->get<double>()) : std::nullopt;
    }
    std::string text(std::initializer_list<const char*> path) const {
        const Json* x = at(path);
        return !x ? "-" : x->is_string() ? plain(x->get<std::string>()) : plain(x->dump());
    }
};

void line(const char* what, const std::string& is) { std::printf("%-10s %s\n", what, is.c_str()); }

int run(const Arguments& a) {
    const auto answer = ask(a, "/v1/info");
    if (const int* code = std::get_if<int>(&answer)) return *code;
    const Json& j = std::get<Json>(answer);
    if (a.has("json")) {
        std::printf("%s\n", j.dump(2).c_str());
        return finished;
    }
    const Info i{j};
    const auto count = [&](std::initializer_list<const char*> path) { return record::format_count(i.number(path)); };
    line("node", i.text({"name"}) + ", id " + i.text({"id"}) + ", generation " + (i.number({"generation"}).value_or(0) > 0 ? i.text({"generation"}) : "none (its name is no identity: see --name)") +
                     ", incarnation " + i.text({"incarnation"}));
    line("program", "grapevine " + i.text({"version"}) + ", wire version " + i.text({"wire_version"}) + ", process " + i.text({"pid"}) + ", for " + record::format_seconds(i.number({"age"})));
    line("run", i.text({"run_name"}) + ", id " + i.text({"run"}) + ", " + i.text({"phase"}));
    line("trains", i.text({"model"}) + ", exchange " + i.text({"exchange"}) + ", layout " + i.text({"layout"}) + ", on " + i.text({"device"}));
    line("progress", count({"steps"}) + " steps, " + count({"speed"}) + " samples/s, " + count({"mixes"}) + " mixes, loss " + record::format_short(i.number({"loss"})) +
                         ", accuracy " + record::format_percent(i.number({"accuracy"})));
    line("cluster", "loss " + record::format_short(i.number({"cluster", "loss"})) + ", accuracy " + record::format_percent(i.number({"cluster", "accuracy"})) + ", worst " +
                        record::format_percent(i.number({"cluster", "worst_accuracy"})) + ", models apart " + record::format_percent(i.number({"cluster", "consensus_relative"})) + " (over all peers, as of the last tally)");
    line("addresses", "control " + i.text({"addresses", "control"}) + ", bulk " + i.text({"addresses", "bulk"}) + ", status " + i.text({"addresses", "status"}));
    line("files", i.text({"directory"}));
    std::string members;
    for (const char* status : {"alive", "degraded", "suspect", "dead", "left"})
        if (const auto n = i.number({"members", status}); n && (*n > 0 || std::string(status) == "alive")) members += (members.empty() ? "" : ", ") + record::format_count(n) + " " + status;
    line("members", members + " (itself included)");
    line("health", "doubts itself " + i.text({"health", "local_health"}) + " of 8; " + record::format_percent(i.number({"health", "failing"})) + " of its last probes failed" +
                       (i.at({"health", "degraded"}) && *i.at({"health", "degraded"}) == true ? "; DEGRADED: the others do not mix with it" : "") +
                       "; round trip " + record::format_seconds(i.number({"health", "round_trip"})));
    line("memory", i.text({"health", "rumors_waiting"}) + " of " + i.text({"health", "rumor_cap"}) + " rumors, " + i.text({"health", "remembered"}) + " of " +
                       i.text({"health", "most_members"}) + " members, " + i.text({"health", "records"}) + " records");
    line("traffic", "a second: " + count({"per_second", "messages_sent"}) + " messages out, " + count({"per_second", "messages_received"}) + " in; " +
                        record::format_bytes(i.number({"per_second", "bytes_sent"})) + " out, " + record::format_bytes(i.number({"per_second", "bytes_received"})) + " in");
    return finished;
}

}  // namespace

Verb info_verb() {
    return {"info", "[--at PORT|NAME] [--json]", "what a running node is, and how it is",
            "Name, identity, run, model, addresses, progress, how many members it knows of each status, how well it holds itself,\n"
            "what waits in its queues and what it sends.",
            {at_option(), token_option(), {"json", "", "as JSON"}}, 0, run};
}

}  // namespace grapevine::cli
