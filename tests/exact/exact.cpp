// Clusters of every exchange under faults, each run in several ways that must not matter: whole or in slices of 100 ms, by time
// or swept, in three shards, with and without a story, messages as values and as bytes. Prints the trace hash of each, a line a cluster;
// other builds must print the same. Status 1 if two ways differ.
#include <cassert>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <sstream>

#include "../support/cluster.hpp"

using namespace grapevine;
using namespace grapevine::test;

namespace {

struct Case {
    const char* name;
    std::function<void(ClusterOptions&)> set;
};

using Kind = config::Distribution::Kind;
config::Distribution distribution(Kind kind, double a, double b) { return {kind, a, b, {}, {}}; }

void by_steps(ClusterOptions& o) {
    o.exchange.period.reset();
    o.exchange.every_steps = 10;
}

// From a window of 5 ms up, so that there may be shards.
const std::vector<Case> cases = {
    {"gossip", [](ClusterOptions&) {}},
    {"gossip-delta", [](ClusterOptions& o) { o.exchange.form = gossip::Form::delta; }},
    {"epidemic", [](ClusterOptions& o) { o.exchange.kind = gossip::Kind::epidemic; }},
    {"push-sum", [](ClusterOptions& o) { o.exchange.kind = gossip::Kind::push_sum; }},
    {"dpsgd", [](ClusterOptions& o) { o.exchange.kind = gossip::Kind::dpsgd, by_steps(o); }},
    {"group", [](ClusterOptions& o) { o.exchange.kind = gossip::Kind::group, by_steps(o), o.exchange.group_size = 4; }},
    {"outer", [](ClusterOptions& o) { o.exchange.kind = gossip::Kind::outer, by_steps(o), o.exchange.group_size = 2, o.exchange.rate = 0.7, o.exchange.momentum = 0.5; }},
    {"allreduce", [](ClusterOptions& o) { o.exchange.kind = gossip::Kind::allreduce, by_steps(o); }},
    {"server", [](ClusterOptions& o) { o.exchange.kind = gossip::Kind::parameter_server, by_steps(o); }},
    {"fedavg", [](ClusterOptions& o) { o.exchange.kind = gossip::Kind::fedavg, by_steps(o); }},
    {"partial", [](ClusterOptions& o) { o.membership.partial = true, o.peers = 60; }},
    {"joins", [](ClusterOptions& o) { o.joins = true; }},
    {"uniform", [](ClusterOptions& o) { o.jitter = distribution(Kind::uniform, 0.005, 0.050); }},
    {"pareto", [](ClusterOptions& o) { o.jitter = distribution(Kind::pareto, 0.005, 1.5); }},
    {"shifted", [](ClusterOptions& o) { o.jitter = distribution(Kind::shifted_exponential, 0.005, 0.020); }},
    {"lognormal", [](ClusterOptions& o) { o.jitter = distribution(Kind::lognormal, 0.010, 0.5); }},
    {"weibull", [](ClusterOptions& o) { o.jitter = distribution(Kind::weibull, 0.010, 0.7); }},
    {"slow-cards", [](ClusterOptions& o) { o.rate = 20e3, o.dimension = 40; }},
    {"lossy", [](ClusterOptions& o) { o.loss = 0.1, o.duplicate = 0.1; }},
};

enum class Way { whole, sliced, swept, sharded, told, encoded };

std::uint64_t hash_of(const Case& c, Way way) {
    ClusterOptions o = gossiping(12);
    o.latency = 5ms;
    o.exponential_steps = true;
    c.set(o);
    if (const auto why = gossip::refused(o.exchange, true)) {
        std::printf("FAILED: %s: %s\n", c.name, why->c_str());
        std::exit(1);
    }
    std::ostringstream story;
    if (way == Way::told) o.story = &story;
    o.encoded = way == Way::encoded;
    o.shards = way == Way::sharded ? 3 : way == Way::swept ? 1 : 0;
    Cluster cluster(o);
    sim::World& world = cluster.world();
    if (way == Way::sharded && !o.jitter) assert(world.shards() == 3);  // the window is as long as the shortest message
    const auto run = [&](Duration d) {
        if (way != Way::sliced) return cluster.run_for(d);
        for (; d > 0ms; d -= 100ms) cluster.run_for(100ms);
    };
    run(3s);
    world.crash(3);
    world.pause(5, sim::World::Timers::wait);
    const auto fault = world.network().faults().lossy({1, 2}, 0.5);
    run(4s);
    world.resume(5, sim::World::Timers::wait);
    cluster.join(7);
    world.slow(8, 4);
    run(4s);
    world.network().faults().end(fault);
    const auto cut = world.network().faults().cut({0, 1, 2, 4}, {6, 7, 8, 9});
    world.pause(10, sim::World::Timers::run);
    run(6s);
    world.network().faults().end(cut);
    world.resume(10, sim::World::Timers::run);
    world.leave(9);
    run(13s);
    return world.trace_hash();
}

}  // namespace

int main() {
    int wrong = 0;
    for (const Case& c : cases) {
        const std::uint64_t hash = hash_of(c, Way::whole);
        std::printf("%-14s %016llx\n", c.name, static_cast<unsigned long long>(hash));
        for (const auto& [way, name] : {std::pair(Way::whole, "a second time"), {Way::sliced, "in slices"}, {Way::swept, "swept"}, {Way::sharded, "in three shards"},
                                        {Way::told, "with a story"}, {Way::encoded, "as bytes"}})
            if (hash_of(c, way) != hash) {
                std::printf("FAILED: %s differs %s\n", c.name, name);
                ++wrong;
            }
    }
    return wrong > 0;
}
