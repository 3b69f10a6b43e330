#pragma once

#include <cstdint>
#include <vector>

#include "grapevine/config/config.hpp"
#include "grapevine/random.hpp"
#include "grapevine/sim/faults.hpp"
#include "grapevine/time.hpp"

namespace grapevine::sim {

// One draw, in seconds, never negative. `drawn` counts draws of a trace file's values.
double draw(const config::Distribution& distribution, Random& random, std::uint32_t& drawn);
double least(const config::Distribution& distribution);  // that can be drawn

// The two planes, which do not wait for each other (they have sockets of their own).
enum class Plane : std::uint8_t { control, bulk };

// A network card: when each direction of each plane is next free. Rates in bytes per second; 0 is no limit.
struct Card {
    double uplink = 0, downlink = 0;
    Instant up_free[2]{}, down_free[2]{};
};

// What becomes of messages; does nothing about it. Links are between groups and computed, not stored: the last
// in the file that matches counts, and a pair that none covers takes no time and loses nothing.
class Network {
public:
    Network() = default;
    Network(const std::vector<config::Group>& groups, const std::vector<config::Link>& links);

    struct Fate {
        int copies = 0;          // 0: lost
        Instant arrives[2]{};    // the first byte, at the receiver's card
        Duration held{};         // for so long both cards are held by it
        bool queues = false;     // the receiver's card takes one message after the other
    };
    struct End {
        std::uint32_t peer, group;
        Card* card;              // none: infinitely fast
    };
    // Reserves the sender's card. Cut-through: sending starts when the uplink is free, receiving a latency later or when the
    // downlink is free, which shows when the first byte is there; both are held for as long as the slower of the two needs.
    // `random` is for what links do, `faulty` for what is wrong besides: a fault takes a message away and leaves all other draws
    // as they were. `traced` counts what this sender has drawn from traces.
    Fate send(Instant now, End from, End to, std::uint64_t bytes, Plane plane, Random& random, Random& faulty, std::uint32_t& traced) const;

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
    };
    std::vector<Between> links_;
    std::vector<std::int32_t> table_;  // (from group, to group) -> link, or -1
    std::size_t groups_ = 0;
    Duration least_latency_{};
    Faults faults_;
};

}  // namespace grapevine::sim
