#pragma once

#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <variant>

#include "grapevine/membership/book.hpp"

namespace grapevine::membership {

// In the order in which news may replace news of the same incarnation.
enum class Standing : std::uint8_t { alive, suspect, dead, left };

// News about one member, passed on a few times and then dropped. Only the member itself may raise its
// incarnation; that is how it answers a suspicion.
struct Rumor {
    Handle about = 0;
    Standing standing = Standing::alive;
    PeerId accuser{};  // of a suspect: who failed to reach it first-hand
};

// Up to sixteen rumors, inline: a message that rides on the agenda of a simulation allocates nothing.
class RumorList {
public:
    static constexpr std::size_t capacity = 16;
    void push_back(const Rumor& rumor) {
        assert(count_ < capacity);
        rumors_[count_++] = rumor;
    }
    std::size_t size() const { return count_; }
    bool empty() const { return count_ == 0; }
    bool full() const { return count_ == capacity; }
    const Rumor* begin() const { return rumors_.data(); }
    const Rumor* end() const { return rumors_.data() + count_; }

private:
    std::array<Rumor, capacity> rumors_{};
    std::uint8_t count_ = 0;
};

struct Join {};  // "tell me who is there": answered with Welcomes. Its first rumor is about the sender
struct Welcome { // the members that the sender knows, in `parts` messages; rumors hold those of part `part`
    std::uint16_t part = 0;
    std::uint16_t parts = 1;
};
struct Sync {  // anti-entropy: "do we know the same?" Answered with Welcomes where not, and asked back once
    std::uint64_t digest = 0;
    bool answer = false;
};
struct Ping {
    std::uint32_t round = 0;
};
struct Ack {
    std::uint32_t round = 0;
};
struct PingRequest {  // "I cannot reach it: can you?"
    std::uint32_t round = 0;
    PeerId target;
};
struct Nack {  // "I asked it for you and have no answer yet": the helper is well, so doubt the target, not yourself
    std::uint32_t round = 0;
};
struct Gossip {};  // rumors alone

struct Message {
    std::variant<Join, Welcome, Sync, Ping, Ack, PingRequest, Nack, Gossip> body;
    RumorList rumors;
};

}  // namespace grapevine::membership
