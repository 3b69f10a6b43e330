#pragma once

#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "grapevine/sim/story.hpp"
#include "grapevine/sim/world.hpp"
#include "toy_learner.hpp"

namespace grapevine::test {

using namespace std::chrono_literals;

// A world of toy learners, for tests that look at one law or one story. By default nothing is in the way:
// messages take 10 ms and none is lost, links are infinitely fast, a step takes 10 ms, peer i starts at i.
struct ClusterOptions {
    std::uint32_t peers = 4;
    std::uint64_t seed = 1;
    Duration latency = 10ms;
    double loss = 0, duplicate = 0;
    double rate = 0;             // bytes per second, both ways; 0: no limit
    membership::Config membership;
    gossip::Config exchange;
    std::optional<Duration> tally;
    bool joins = false;          // all through the first; else everybody knows everybody
    std::size_t dimension = 1;
    std::vector<std::vector<double>> initial;  // what each peer starts at; none: peer i at i in all places
    std::vector<double> goals;   // what each peer trains towards; none: all towards 0
    std::vector<double> adds;    // in place of goals: what each peer adds to its model in a step
    double step_seconds = 0.010;
    bool exponential_steps = false;  // of that mean; else all alike
    std::ostream* story = nullptr;
    std::optional<config::Distribution> jitter = {};  // in place of `latency`
    bool encoded = false;            // messages travel as bytes
    std::uint32_t shards = 0;        // run one after the other; 0: by time
    sim::Tap* tap = nullptr;     // where there is no story
};

inline ClusterOptions gossiping(std::uint32_t peers, Duration period = 250ms) {
    ClusterOptions o;
    o.peers = peers;
    o.exchange.kind = gossip::Kind::gossip;
    o.exchange.period = period;
    return o;
}

// Peers that neither learn nor mix, and tell each other what they know of all.
inline ClusterOptions tallying(std::uint32_t peers, std::uint64_t seed = 1) {
    ClusterOptions o;
    o.peers = peers;
    o.seed = seed;
    o.exchange.kind = gossip::Kind::local;
    o.exchange.trains = false;
    o.membership.probing = false;
    o.tally = 500ms;
    return o;
}

class Cluster {
public:
    explicit Cluster(ClusterOptions options) : options_(std::move(options)), world_(world_options()) {
        std::vector<membership::Handle> all;
        for (std::uint32_t i = 0; i < options_.peers; ++i) all.push_back(world_.register_peer("p" + std::to_string(i + 1)));
        if (!options_.membership.probing) {
            auto ids = std::make_shared<std::vector<PeerId>>();
            for (std::uint32_t i = 0; i < options_.peers; ++i) ids->push_back(sim::id_of(i));
            options_.exchange.fixed_roll = ids;
        }
        for (std::uint32_t i = 0; i < options_.peers; ++i) {
            std::vector<membership::Handle> others;
            if (!options_.joins)
                for (std::uint32_t j = 0; j < options_.peers; ++j)
                    if (j != i) others.push_back(all[j]);
            add(i, std::move(others), options_.joins && i > 0 ? std::optional(0u) : std::nullopt, false);
        }
    }

    // One more, that meets the given peer and is behind the others.
    std::uint32_t join(std::uint32_t through, bool serves = false) {
        const auto index = static_cast<std::uint32_t>(world_.size());
        world_.register_peer("p" + std::to_string(index + 1));
        add(index, {}, through, true, serves);
        return index;
    }

    sim::World& world() { return world_; }
    ToyLearner& learner(std::uint32_t i) { return static_cast<ToyLearner&>(world_.learner(i)); }
    double value(std::uint32_t i) { return learner(i).values()[0]; }
    void run_for(Duration d) { world_.run_until(world_.now() + d); }
    std::size_t members_seen_by(std::uint32_t i) { return world_.peer(i).members().roster().present() + 1; }

    double mean() {
        double sum = 0, count = 0;
        for (std::uint32_t i = 0; i < world_.size(); ++i)
            if (world_.up(i)) sum += value(i), ++count;
        return sum / count;
    }
    double spread() {  // sum over peers of (x - mean)^2
        const double m = mean();
        double sum = 0;
        for (std::uint32_t i = 0; i < world_.size(); ++i)
            if (world_.up(i)) sum += (value(i) - m) * (value(i) - m);
        return sum;
    }

private:
    sim::World::Options world_options() {
        config::Group group;
        config::Link link;
        link.latency = {config::Distribution::Kind::constant, seconds(options_.latency), 0, {}, {}};
        if (options_.jitter) link.latency = *options_.jitter;
        link.loss = options_.loss;
        link.duplicate = options_.duplicate;
        sim::World::Options o;
        o.seed = options_.seed;
        o.network = sim::Network({group}, {link});
        o.encoded = options_.encoded;
        o.shards = options_.shards;
        o.tap = options_.story ? &story_.emplace(*options_.story) : options_.tap;
        return o;
    }
    void add(std::uint32_t index, std::vector<membership::Handle> known, std::optional<std::uint32_t> meets, bool newcomer, bool serves = false) {
        sim::Newcomer n;
        n.config = {options_.membership, options_.exchange, options_.tally};
        n.config.exchange.newcomer = newcomer;
        n.config.exchange.serves = index == 0 || serves;  // of exchanges with a server
        n.config.exchange.seed = options_.seed;
        n.learner = std::make_unique<ToyLearner>(index < options_.initial.size() ? options_.initial[index] : std::vector<double>(options_.dimension, index), index < options_.goals.size() ? options_.goals[index] : 0);
        if (index < options_.adds.size()) static_cast<ToyLearner&>(*n.learner).adds(options_.adds[index]);
        n.step_time = {options_.exponential_steps ? config::Distribution::Kind::exponential : config::Distribution::Kind::constant, options_.step_seconds, 0, {}, {}};
        n.uplink = n.downlink = options_.rate;
        n.known = std::move(known);
        n.meets = meets;
        world_.add(std::move(n));
    }

    ClusterOptions options_;
    std::optional<sim::Story> story_;
    sim::World world_;
};

}  // namespace grapevine::test
