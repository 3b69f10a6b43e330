#include <cstdio>

#include "outer.hpp"

namespace grapevine::gossip {

namespace {
const char* refused_one_way(const Config& config) {
    if (config.kind == Kind::epidemic && config.pushes == 0) return "an epidemic exchange that pushes to nobody exchanges nothing";
    if (config.encoding == Encoding::top_k) return "top-k is for differences: epidemic and push-sum send models";
    if (config.fragments > 1 || config.speed_scaled) return "epidemic and push-sum have no fragments and no scaling by speed";
    if (config.kind == Kind::push_sum && (config.quasi_global > 0 || config.clip != Clip::off)) return "push-sum has no quasi-global momentum and no clipping";
    if (config.kind != Kind::push_sum || !config.robust) return nullptr;
    if (config.graph != Graph::ring) return "robust push-sum knows the graph \"ring\" only: its sums need neighbours that stay, a slot for each";
    if (config.encoding) return "robust push-sum sends sums, of which differences are taken: an encoding would spoil them";
    return nullptr;
}

std::string shown(double x) {
    char text[32];
    std::snprintf(text, sizeof text, "%.4g", x);
    return text;
}

// What an outer step among partners makes of their spread; 0 where there is nothing to spread.
double spread_factor(const Config& config) {
    if (config.kind != Kind::outer || config.group_size == 0) return 0;
    return outer_factor(config.momentum, config.rate, config.group_size);
}

std::string better(const Config& config) {
    for (const double momentum : {0.5, 0.3, 0.0})
        if (const double factor = outer_factor(momentum, 0.7, config.group_size); factor < 0.9)
            return "momentum = " + shown(momentum) + " and rate = 0.7 make it " + shown(factor);
    return "less of both is better";
}

// Tensors of merge kind `sum` hold what all peers have counted, and each peer adds its changes to its own: only the mean
// over peers means anything, and what is added to it or lost from it once stays so.
const char* refused_for_sums(const Config& config) {
    switch (config.kind) {
        case Kind::gossip:
            if (config.form == Form::convex)
                return "this model holds sums, and convex gossip takes back half of what a peer adds while its partner's are on their way: form = \"delta\"";
            if (config.staleness_weight > 0) return "this model holds sums: 'staleness_weight' lets one side of an exchange take less than the other gives";
            break;
        case Kind::epidemic: return "this model holds sums, and the mean of an epidemic exchange drifts: use gossip, dpsgd, group or allreduce";
        case Kind::outer: return "this model holds sums, and outer momentum goes on adding to them: use gossip, dpsgd, group or allreduce";
        case Kind::parameter_server:
        case Kind::fedavg: return "this model holds sums, and a server's model takes the place of a worker's: what it had added is lost. Use gossip, dpsgd, group or allreduce";
        case Kind::allreduce:
            if (config.backup > 0) return "this model holds sums: with 'backup' workers what those left out had added is lost";
            break;
        case Kind::push_sum: return "this model holds sums, and push-sum weighs what a peer adds by the mass it holds just then: use gossip, dpsgd, group or allreduce";
        case Kind::dpsgd:
        case Kind::group:
        case Kind::local: break;
    }
    if (config.clip != Clip::off) return "this model holds sums: 'clip' lets one side of an exchange take less than the other gives";
    if (config.quasi_global > 0) return "this model holds sums, and momentum goes on adding to them: quasi_global = 0";
    if (config.encoding) return "this model holds sums, and what rounding loses on the way is never given back: encoding = \"float32\"";
    return nullptr;
}

}  // namespace

std::optional<std::string> refused(const Config& config, bool common_clock) {
    if (config.kind == Kind::local) return std::nullopt;
    if (config.sums)
        if (const char* why = refused_for_sums(config)) return why;
    switch (config.kind) {
        case Kind::epidemic:
        case Kind::push_sum:
            if (const char* why = refused_one_way(config)) return why;
            break;
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
    if (config.kind == Kind::allreduce && config.backup > 0 && !config.every_steps)
        return "backup workers are about who has made its steps first: give every_steps in place of a period";
    if (config.kind == Kind::allreduce && config.algorithm == Algorithm::halving_doubling && config.encoding == Encoding::int8)
        return "int8 has a scale for each 256 values, counted from where a message begins: halving and doubling would round anew in each, and peers end apart. Use the ring";
    if (config.kind == Kind::allreduce && config.buckets > 1)
        return "buckets of gradients are not there: a learner hands out parameters after its step, never a gradient in the middle of one";
    if (config.period && !common_clock && (config.clock == Clock::rounds || config.clock == Clock::shuffled))
        return "clocks \"rounds\" and \"shuffled\" need one clock for all peers, which only a simulation has";
    const bool asynchronous = config.kind == Kind::parameter_server && config.mode == Mode::async;
    if ((config.kind == Kind::fedavg || asynchronous) && config.period)
        return "what is handed in to this server is made of steps: give every_steps, and a model that is trained";
    if ((config.kind == Kind::fedavg || config.kind == Kind::parameter_server) && config.encoding == Encoding::top_k)
        return "top-k leaves out most of a model: a server cannot hand that out";
    const bool groups = config.kind == Kind::group || (config.kind == Kind::outer && !talks(config));
    if (groups && config.period && config.clock != Clock::rounds && config.clock != Clock::fixed)
        return "groups begin a round together: clock = \"fixed\" (whoever is first wakes the others) or \"rounds\"";
    if ((config.kind == Kind::group || config.kind == Kind::outer) && config.encoding == Encoding::top_k)
        return "top-k is for differences between two that meet again, and groups and partners change: use another encoding";
    if (config.encoding == Encoding::top_k) {
        if (config.kind != Kind::dpsgd || config.graph != Graph::ring)
            return "top-k leaves most of a model out, and what it left out is only made up for with error feedback, which needs fixed partners: dpsgd on a ring";
        if (!config.every_steps) return "top-k wants every round made by all: every_steps, not a period, which a slow peer would skip";
        if (config.clip != Clip::off) return "clipping looks at whole models, and top-k sends differences";
    }
    if (const double factor = spread_factor(config); factor > 1 && !config.unchecked)
        return "outer steps with momentum = " + shown(config.momentum) + " and rate = " + shown(config.rate) +
               " drive the peers apart: each multiplies the spread by " + shown(factor) + "; " + better(config);
    return std::nullopt;
}

std::optional<std::string> doubtful(const Config& config) {
    const double factor = spread_factor(config);
    if (factor <= 0.99 || factor > 1) return std::nullopt;
    return "outer steps with momentum = " + shown(config.momentum) + " and rate = " + shown(config.rate) +
           " hardly bring the peers together: each multiplies the spread by " + shown(factor) + "; " + better(config);
}

}  // namespace grapevine::gossip
