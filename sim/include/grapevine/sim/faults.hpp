#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "grapevine/config/config.hpp"
#include "grapevine/random.hpp"
#include "grapevine/time.hpp"

namespace grapevine::sim {

// What a fault does to each message that it meets, besides losing it.
struct Harm {
    std::optional<config::Distribution> delay{};  // it comes that much later
    std::optional<Instant> held_until{};          // it sets out then, if it was sent before
    double garbled = 0;                           // probability that bytes of it are changed
    double again = 0;                             // probability that it comes once more, ...
    config::Distribution after{};                 // ... so long after the first time
};

// What is wrong between whom at the moment, besides what the links lose: each fault stands for itself, those in
// force add up, and each ends by itself. Only peers that a fault touches are written down, and while there is
// none a message asks one question (any()).
class Faults {
public:
    using Key = std::uint64_t;
    using Peers = std::vector<std::uint32_t>;

    // side[i] of peer i; peers on different sides hear nothing of each other. -1: hears everybody.
    Key partition(const std::vector<int>& side);
    Key one_way(const Peers& from, const Peers& to);           // nothing that `from` sends reaches `to`
    Key cut(const Peers& a, const Peers& b);                   // both ways
    Key bulk_cut(const Peers& a, const Peers& b);              // likewise, and of parameters only: a firewall between them
    // Whatever these send or receive is lost with that probability, by chances of their own: between two of them
    // it has to be lucky twice.
    Key lossy(const Peers& peers, double loss);
    Key lossy_between(const Peers& a, const Peers& b, double loss);
    // Peers in a ring, of which each hears those around it, a bare majority with itself, and no two the same majority.
    Key majorities(const Peers& ring);
    Key harmed(const Peers& peers, const Harm& harm);          // as lossy(): whatever these send or receive
    Key harmed_between(const Peers& a, const Peers& b, const Harm& harm);

    void end(Key key);
    void end_all() { all_.clear(), harming_ = 0; }
    bool any() const { return !all_.empty(); }

    bool cut_off(std::uint32_t from, std::uint32_t to, bool bulk = false) const;  // nothing of that plane gets through, certainly
    // Whether one message is lost to a fault. `random` is for this alone, so that a fault changes no other draw.
    bool take(std::uint32_t from, std::uint32_t to, Random& random, bool bulk = false) const;
    // What else is done to it. `random` is the message's own.
    struct Mischief {
        Duration delay{};
        bool garbled = false;
        std::optional<Duration> again{};
    };
    Mischief meddle(Instant now, std::uint32_t from, std::uint32_t to, Random random) const;
    bool harms() const { return harming_ > 0; }

    // A newcomer stands where the peer stands through which it came: on that side of each partition.
    void joins(std::uint32_t peer, std::uint32_t through);
    // The same machine again: whatever is wrong with its links is wrong with them still.
    void replaces(std::uint32_t peer, std::uint32_t before);

private:
    struct Fault {
        Key key;
        enum class Kind { sides, one_way, both_ways, touching, ring } kind;
        double loss;                      // 1: nothing gets through
        std::vector<std::uint32_t> part{};  // of each peer, as the kind reads it; 0 and beyond the end: none
        std::optional<Harm> harm{};
        std::uint32_t around = 0;         // ring: how many there are
        bool bulk_only = false;
        std::uint32_t of(std::uint32_t peer) const { return peer < part.size() ? part[peer] : 0; }
        void put(std::uint32_t peer, std::uint32_t what);
        int chances(std::uint32_t from, std::uint32_t to) const;  // how often a message from here to there may be lost to it
    };
    Key add(Fault::Kind kind, double loss, const Peers& a, const Peers& b, std::optional<Harm> harm = {});

    std::vector<Fault> all_;
    std::size_t harming_ = 0;             // of them, those that do more than lose
    Key last_ = 0;
};

}  // namespace grapevine::sim
