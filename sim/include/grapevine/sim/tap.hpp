#pragma once

#include <cstdint>
#include <vector>

#include "grapevine/membership/book.hpp"
#include "grapevine/peer/peer.hpp"
#include "grapevine/sim/network.hpp"
#include "grapevine/time.hpp"

namespace grapevine::sim {

// Listens in on a world, and changes nothing in it: traces, diagrams, recordings and stories are taps. Every call names the
// simulated instant, and instants never go back. Peers are named by their index; what a reference is to lasts as long as the call.
//
// What is told comes in the order in which one thread handles it. A world that is shared among threads has no such order,
// and takes no tap.
class Tap {
public:
    // A peer as it is built, which is all that it takes to build another that does the same.
    struct Birth {
        const membership::Book& book;
        membership::Handle self;
        const PeerConfig& config;
        std::uint64_t seed;                        // its randomness: of this seed, and then
        const std::vector<std::uint64_t>& splits;  // split for one purpose after the other
        const std::vector<membership::Handle>& known;
        std::uint32_t group;
    };
    // A message on its way. The copies of one have the serials `serial` to serial + copies - 1, which are the sender's
    // and never come again.
    struct Passage {
        std::uint32_t from, to, serial;
    };
    struct Parcel {
        Passage passage;               // `to` may be a peer that never was: then it is lost
        const Peer::Message& message;
        std::uint64_t payload, control;  // bytes: of parameters, and of all else
        Plane plane;
        int copies;                    // 0: lost
    };

    virtual void born(Instant, std::uint32_t /*peer*/, const Birth&) {}
    virtual void stopped(Instant, std::uint32_t /*peer*/) {}                 // it has crashed, or left
    virtual void paused(Instant, std::uint32_t /*peer*/) {}
    virtual void resumed(Instant, std::uint32_t /*peer*/) {}

    virtual void sent(Instant, const Parcel&) {}                             // handed to the network card
    virtual void arrived(Instant, const Passage&, bool /*taken*/) {}         // not taken: nobody is there any more

    // Before the step. `shown`: the peer's own clock, which is all that it knows of the time.
    virtual void handed(Instant, std::uint32_t /*peer*/, const Peer::Input&, Instant /*shown*/) {}
    virtual void answered(Instant, std::uint32_t /*peer*/, const Peer::Effects&) {}  // after it: all that the peer wants
    virtual void told(Instant, std::uint32_t /*peer*/, const Peer::Event&) {}       // but for orders

    virtual void order_begun(Instant, std::uint32_t /*peer*/, const Order&) {}
    virtual void order_ended(Instant, std::uint32_t /*peer*/, const Order&) {}      // not after a crash

    virtual ~Tap() = default;
};

// Several as one, in their order.
class Taps final : public Tap {
public:
    void add(Tap* tap) { taps_.push_back(tap); }
    bool empty() const { return taps_.empty(); }

    void born(Instant t, std::uint32_t p, const Birth& b) override { for (Tap* tap : taps_) tap->born(t, p, b); }
    void stopped(Instant t, std::uint32_t p) override { for (Tap* tap : taps_) tap->stopped(t, p); }
    void paused(Instant t, std::uint32_t p) override { for (Tap* tap : taps_) tap->paused(t, p); }
    void resumed(Instant t, std::uint32_t p) override { for (Tap* tap : taps_) tap->resumed(t, p); }
    void sent(Instant t, const Parcel& parcel) override { for (Tap* tap : taps_) tap->sent(t, parcel); }
    void arrived(Instant t, const Passage& passage, bool taken) override { for (Tap* tap : taps_) tap->arrived(t, passage, taken); }
    void handed(Instant t, std::uint32_t p, const Peer::Input& input, Instant shown) override { for (Tap* tap : taps_) tap->handed(t, p, input, shown); }
    void answered(Instant t, std::uint32_t p, const Peer::Effects& effects) override { for (Tap* tap : taps_) tap->answered(t, p, effects); }
    void told(Instant t, std::uint32_t p, const Peer::Event& event) override { for (Tap* tap : taps_) tap->told(t, p, event); }
    void order_begun(Instant t, std::uint32_t p, const Order& order) override { for (Tap* tap : taps_) tap->order_begun(t, p, order); }
    void order_ended(Instant t, std::uint32_t p, const Order& order) override { for (Tap* tap : taps_) tap->order_ended(t, p, order); }

private:
    std::vector<Tap*> taps_;
};

}  // namespace grapevine::sim
