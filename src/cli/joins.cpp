#include "joins.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <unistd.h>

#include "addresses.hpp"

namespace grapevine::cli {

namespace {

// The port that was asked for; faults in it are told where it is read.
std::optional<std::uint16_t> port_asked_for(const Arguments& a) {
    if (const auto listen = a.get("listen")) {
        const auto parsed = host_and_port("--listen", *listen);
        if (const auto* where = std::get_if<0>(&parsed); where && where->second) return where->second;
    }
    const auto port = a.get("port");
    return port ? port_of(*port) : std::nullopt;
}

template <class Kind>
const Kind* one_of(const std::vector<node::Source>& sources) {
    for (const node::Source& s : sources)
        if (const auto* found = std::get_if<Kind>(&s)) return found;
    return nullptr;
}

}  // namespace

std::optional<std::string> variable(const char* name) {
    const char* value = std::getenv(name);
    return value && *value ? std::optional<std::string>(value) : std::nullopt;
}

std::variant<std::vector<node::Source>, Error> sources(const std::string& what, const std::vector<std::string>& words, std::uint16_t port) {
    std::vector<node::Source> all;
    for (const std::string& several : words) {
        auto read = node::read_sources(several, variable, port);
        if (const auto* error = std::get_if<config::Error>(&read)) return Error{what + " " + error->what, error->hint};
        for (node::Source& s : std::get<0>(read))
            if (std::find(all.begin(), all.end(), s) == all.end()) all.push_back(std::move(s));
    }
    // A variable that was empty: to begin a run of one's own is not what was asked for.
    if (all.empty() && !words.empty()) return Error{what + " '" + words.front().substr(0, 40) + "' names nobody", "HOST[:PORT], dns:NAME[:PORT], slurm, env or file:PATH"};
    return all;
}

std::optional<Error> join_with(const Arguments& a, node::Options& o) {
    const auto asked = port_asked_for(a);
    auto read = sources("--join", a.all("join"), asked.value_or(node::default_port));
    if (const auto* error = std::get_if<Error>(&read)) return *error;
    o.joins = std::get<0>(std::move(read));
    const auto placed = node::place_among(o.joins, variable);
    if (const auto* error = std::get_if<config::Error>(&placed)) return Error{"--join " + error->what, error->hint};
    const auto& place = std::get<node::Place>(placed);
    const auto* job = one_of<node::SlurmJob>(o.joins);
    const auto* master = one_of<node::Master>(o.joins);
    if (job && asked == 0) return Error{"--port 0 with --join slurm: the other tasks could not know our port", "leave --port out, or give the first of them: --port $((20000 + SLURM_JOB_ID % 10000))"};
    if (job || master) {
        const unsigned first = asked ? *asked : master ? master->at.port : node::default_port;
        const unsigned port = first == 0 ? 0 : first + place.on_machine * node::ports_of_a_node;
        if (port > 65533) return Error{"three ports from " + std::to_string(port) + " on are not there", "a smaller --port: each node of a machine takes three, one after the other"};
        o.control_port = static_cast<std::uint16_t>(port);
        o.bulk_port = static_cast<std::uint16_t>(port == 0 ? 0 : port + 1);
        o.status_port = static_cast<std::uint16_t>(port == 0 ? 0 : port + 2);
    }
    if (job && o.listen_host.starts_with("127.") && std::any_of(job->hosts.begin(), job->hosts.end(), [&](const std::string& h) { return h != job->own_host; }))
        std::fprintf(stderr, "note: nodes on other machines of this job cannot reach this one, which listens on loopback only; --listen 0.0.0.0 lets them\n");
    if (place.in_all && o.name.empty()) {
        char host[65] = "";
        gethostname(host, sizeof host - 1);
        o.name = std::string(host).substr(0, 50) + "-" + std::to_string(*place.in_all);
    }
    return std::nullopt;
}

bool begins_itself(const std::vector<node::Source>& joins) {
    return std::all_of(joins.begin(), joins.end(), [](const node::Source& s) { return std::holds_alternative<node::SlurmJob>(s); });
}

}  // namespace grapevine::cli
