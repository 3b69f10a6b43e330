#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "grapevine/config/config.hpp"
#include "grapevine/random.hpp"
#include "grapevine/sim/bursts.hpp"
#include "grapevine/sim/faults.hpp"
#include "grapevine/sim/nat.hpp"
#include "grapevine/time.hpp"

namespace grapevine::sim {

// One draw, in seconds, never negative. `drawn` counts draws of a trace file's values.
double draw(const config::Distribution& distribution, Random& random, std::uint32_t& drawn);
double least(const config::Distribution& distribution);  // that can be drawn

// The two planes, which do not wait for each other (they have sockets of their own).
enum class Plane : std::uint8_t { control, bulk };

// A network card: when each direction of each plane is next free. Rates in bytes per second; 0 is no limit.
struct Card {
    // At these rates from now on. What is on its way comes as it was to; what is sent now waits for the rest of it as long as
    // that takes at the new rate.
    void go_at(Instant now, double up, double down);

    // A message whose first byte is here now, and which needs so long: when its last byte is, after all that came before it.
    Instant takes(Instant now, Duration held, Plane plane);

    double uplink = 0, downlink = 0;
    Instant up_free[2]{}, down_free[2]{};
    std::unique_ptr<Connections> connections{};  // behind NAT, once it has sent something
};

// What becomes of messages; does nothing about it. Links are between groups and computed, not stored: the last
// in the file that matches counts, and a pair that none covers takes no time and loses nothing.
class Network {
public:
    Network() = default;
    Network(const std::vector<config::Group>& groups, const std::vector<config::Link>& links, std::uint64_t seed = 1);

    struct Fate {
        int copies = 0;          // 0: lost
        Instant arrives[3]{};    // the first byte, at the receiver's card
        Duration held{};         // for so long both cards are held by it
        Duration takes{};        // from its first byte to its last: longer where the path is slower than both cards
        int in_line = 0;         // so many of them take their turn at the receiver's card; others pass beside it
        bool garbled = false;    // bytes of it were changed on the way
    };
    struct End {
        std::uint32_t peer, group;
        Card* card;              // none: infinitely fast
    };
    // Reserves the sender's card. Cut-through: sending starts when the uplink is free, receiving a latency later or when the
    // downlink is free, which shows when the first byte is there; both are held for as long as the slower of the two needs.
    // `random` is for what links do, `faulty` for what is wrong besides: a fault takes a message away and leaves all other draws
    // as they were. What few links and faults do has draws of the message's own: `serial` is the sender's number of it. `traced`
    // counts what this sender has drawn from traces.
    Fate send(Instant now, End from, End to, std::uint64_t bytes, Plane plane, Random& random, Random& faulty, std::uint32_t serial, std::uint32_t& traced) const;
    // Whether a message that arrives gets through to the peer: not to one behind NAT, unless that has itself sent to the other
    // of late, and never from another behind NAT. Asked where it arrives, since only there it is known.
    bool lets_in(Instant now, std::uint32_t from, std::uint32_t from_group, End to) const;
    bool behind_nat(std::uint32_t group) const { return group < nat_.size() && nat_[group]; }

    // No message between any two peers takes less than this, while it is not zero.
    Duration least_latency() const { return least_latency_; }

    Faults& faults() { return faults_; }
    const Faults& faults() const { return faults_; }
    void partition(const std::vector<int>& side) { faults_.partition(side); }
    void heal() { faults_.end_all(); }

private:
    struct Between {
        config::Distribution latency;
        double loss = 0, duplicate = 0;
        std::optional<config::Distribution> distance;
        std::optional<BurstLoss> bursts;
        double reorder = 0, rate = 0;
        std::uint64_t largest = 0;
    };
    Duration distance(const Between& link, std::uint32_t a, std::uint32_t b) const;

    Random pairs_;                     // what belongs to two peers for good
    std::vector<bool> nat_;            // by group
    std::vector<Between> links_;
    std::vector<std::int32_t> table_;  // (from group, to group) -> link, or -1
    std::size_t groups_ = 0;
    Duration least_latency_{};
    Faults faults_;
};

}  // namespace grapevine::sim
