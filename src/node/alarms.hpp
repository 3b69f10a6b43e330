#pragma once

#include <cstdint>
#include <optional>
#include <queue>
#include <vector>

#include "grapevine/peer/peer.hpp"

namespace grapevine::node {

// A node's timers: a queue, earliest first, and those of one instant in the order they were set.
class Alarms {
public:
    void set(Instant at, Peer::Timer timer) { queue_.push({at, set_++, std::move(timer)}); }
    std::optional<Instant> next() const { return queue_.empty() ? std::nullopt : std::optional(queue_.top().at); }
    std::optional<Peer::Timer> due(Instant now) {
        if (queue_.empty() || queue_.top().at > now) return std::nullopt;
        Peer::Timer timer = queue_.top().timer;
        queue_.pop();
        return timer;
    }

private:
    struct Alarm {
        Instant at;
        std::uint64_t order;
        Peer::Timer timer;
        bool operator<(const Alarm& other) const { return at != other.at ? at > other.at : order > other.order; }
    };
    std::priority_queue<Alarm> queue_;
    std::uint64_t set_ = 0;
};

}  // namespace grapevine::node
