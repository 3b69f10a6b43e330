#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "grapevine/config/config.hpp"
#include "grapevine/gossip/sharding.hpp"
#include "grapevine/learn/task.hpp"
#include "grapevine/sim/world.hpp"
#include "population.hpp"

namespace grapevine::sim {

// Which rows every peer trains on, as a node's driver sees to it: with [data] shards = "auto" each reckons its blocks by its own view, a
// second after that has changed. Speeds are those of the peer's life so far, and known to all at once: nodes tell them with their records.
// Whatever the shards are, it knows how often a row is used.
class Sharding {
public:
    Sharding(const config::Config& config, std::shared_ptr<const learn::Task> task, World& world, const Population& population);

    std::optional<Instant> next() const { return deals_ ? std::optional(next_) : std::nullopt; }  // a look at all views
    void look(Instant now);

    // Of a sample. uses(): how often a pass of all over what they have uses a row, the mean over time so far.
    void count(Instant now, double samples);
    std::optional<double> rows() const { return rows_; }      // of a peer that trains, mean
    std::optional<double> epochs() const { return epochs_; }  // passes of all, so far
    std::optional<double> uses() const { return over_ > 0 ? std::optional(uses_ / over_) : std::nullopt; }

private:
    struct Share {
        gossip::Resharding resharding;
        std::uint64_t seen = 0;           // of its view
        Instant begun{};
        gossip::SpeedLevel level = gossip::unknown_speed;
        std::size_t rows = 0;             // 0: not seen yet
        std::vector<std::uint32_t> due;   // dealt, and not taken up: it came in the middle of a step
    };
    gossip::Claimant claimant(std::uint32_t peer) const;
    void take_up(std::uint32_t peer);
    void see_who_is_new(Instant now);

    const config::Config& config_;
    World& world_;
    const Population& population_;
    bool deals_;
    std::size_t all_ = 0;                 // rows of the set; 0: there is none
    std::vector<std::uint32_t> order_;    // block after block
    std::vector<Share> shares_;           // by peer
    Instant next_{};
    std::optional<double> rows_, epochs_;
    double uses_ = 0, over_ = 0, last_ = 0, samples_ = 0;
};

}  // namespace grapevine::sim
