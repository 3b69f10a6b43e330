#include "grapevine/gossip/exchange.hpp"

#include <cassert>

#include "baselines/local.hpp"
#include "baselines/ring_allreduce.hpp"
#include "dpsgd.hpp"
#include "pairwise.hpp"

namespace grapevine::gossip {

std::unique_ptr<Exchange> make_exchange(const Config& config, PeerId self, Random random) {
    assert(!refused(config, true));
    switch (config.kind) {
        case Kind::gossip: return std::make_unique<Pairwise>(config, self, random);
        case Kind::dpsgd: return std::make_unique<Dpsgd>(config, self, random);
        case Kind::allreduce: return std::make_unique<RingAllreduce>(config, self, random);
        case Kind::local: return std::make_unique<Local>(config);
        case Kind::epidemic:
        case Kind::push_sum:
        case Kind::group:
        case Kind::outer:
        case Kind::parameter_server:
        case Kind::fedavg: break;
    }
    return nullptr;
}

const char* refused(const Config& config, bool common_clock) {
    if (config.kind == Kind::local) return nullptr;
    switch (config.kind) {
        case Kind::epidemic:
        case Kind::push_sum:
        case Kind::group:
        case Kind::outer:
        case Kind::parameter_server:
        case Kind::fedavg: return "this exchange is not there yet";
        default: break;
    }
    if (config.period && config.every_steps) return "an exchange is due by time or by steps, not by both";
    if (!config.period && !config.every_steps) return "an exchange needs a period or a number of steps";
    if (config.period && *config.period <= Duration::zero()) return "the period of an exchange must be longer than nothing";
    if (config.every_steps && *config.every_steps == 0) return "an exchange every 0 steps is due always";
    if (config.every_steps && !config.trains) return "a model that is not trained makes no steps: give a period";
    if (config.kind == Kind::dpsgd && config.graph == Graph::file && !config.adjacency)
        return "the graph of this run lies in a file of whoever began it: give this node the run's own configuration, with the file beside it";
    if (config.kind == Kind::dpsgd && config.graph == Graph::base && config.base < 2) return "a graph of base 1 has no neighbours";
    const bool rounds = config.kind == Kind::dpsgd || config.kind == Kind::allreduce;
    if (rounds && config.period && config.clock != Clock::rounds)
        return "an exchange of rounds on a period needs clock = \"rounds\": everybody begins at the same instant";
    if (config.period && !common_clock && (config.clock == Clock::rounds || config.clock == Clock::shuffled))
        return "clocks \"rounds\" and \"shuffled\" need one clock for all peers, which only a simulation has";
    return nullptr;
}

}  // namespace grapevine::gossip
