#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <variant>

#include "grapevine/few.hpp"
#include "grapevine/membership/anti_entropy.hpp"
#include "grapevine/membership/book.hpp"
#include "grapevine/membership/partial_view.hpp"
#include "grapevine/membership/standing.hpp"
#include "grapevine/time.hpp"

namespace grapevine::membership {

// News about one member, passed on a few times and then dropped. Only the member itself may raise its
// incarnation; that is how it answers a suspicion.
struct Rumor {
    Handle about = 0;
    Standing standing = Standing::alive;
    PeerId accuser{};  // of a suspect: who failed to reach it first-hand
};

// Up to sixteen rumors. Most messages carry none or few, and ride on the agenda of a simulation: those lie in it.
class RumorList {
public:
    static constexpr std::size_t capacity = 16;
    void push_back(const Rumor& rumor) {
        assert(!full());
        if (rumors_.size() == few) rumors_.reserve(capacity);
        rumors_.push_back(rumor);
    }
    std::size_t size() const { return rumors_.size(); }
    bool empty() const { return rumors_.empty(); }
    bool full() const { return rumors_.size() == capacity; }
    const Rumor* begin() const { return rumors_.begin(); }
    const Rumor* end() const { return rumors_.end(); }

private:
    static constexpr std::uint32_t few = 3;
    Few<Rumor, few> rumors_;
};

struct Join {};  // "tell me who is there": answered with Welcomes. Its first rumor is about the sender
struct Welcome { // the members that the sender knows, in `parts` messages; rumors hold those of part `part`
    std::uint16_t part = 0;
    std::uint16_t parts = 1;
};
struct NameTaken {};  // answer to a Join: somebody with another key bears your name

// Anti-entropy: one asks whether the other knows the same; if not it is told what the other knows, by buckets; it
// answers with its records of those that differ and asks for the other's.
struct Sync {
    std::uint64_t digest = 0;
};
struct Known {
    std::shared_ptr<const Buckets> buckets;
};
struct Want {
    std::uint8_t bits = 0;
    Mask mask;
};
struct Records {};  // hearsay, in its rumors

struct Ping {
    std::uint32_t round = 0;
    PeerId asker{};     // whom the sender pings for; 0: itself
    bool deaf = false;  // the asker's own pings have failed again and again
};
struct Ack {
    std::uint32_t round = 0;
    std::int64_t clock = 0;  // what the sender's shows, as WallTime has it: decides nothing
};
struct PingRequest {  // "I cannot reach it: can you?"
    std::uint32_t round = 0;
    PeerId target;
    bool deaf = false;
};
struct Nack {  // "I asked it for you and have no answer yet": the helper is well, so doubt the target, not yourself
    std::uint32_t round = 0;
};
struct Gossip {};  // rumors alone

struct MeasureRequest {  // "how long is your round trip to it?"
    std::uint32_t serial = 0;
    PeerId target;
};
struct MeasureReport {
    std::uint32_t serial = 0;
    bool answered = false;
    std::uint64_t nanoseconds = 0;
};

struct Message {
    std::variant<Join, Welcome, NameTaken, Sync, Known, Want, Records, Ping, Ack, PingRequest, Nack, Gossip, MeasureRequest, MeasureReport, ViewMessage>
        body;
    RumorList rumors;
};

}  // namespace grapevine::membership
