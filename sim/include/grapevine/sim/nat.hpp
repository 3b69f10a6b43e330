#pragma once

#include <cstdint>
#include <vector>

#include "grapevine/time.hpp"

namespace grapevine::sim {

// The connections of a peer behind a router that lets nobody in (NAT). One that it opened serves both directions until
// nobody has used it for a while; what comes from anybody else stops at the router. Kept at this peer alone, and of those
// only with whom it has a connection.
class Connections {
public:
    static constexpr Duration idle = std::chrono::seconds(60);  // as a node's transport closes what is idle

    void sends(Instant now, std::uint32_t to);         // opens one, or uses it
    bool lets_in(Instant now, std::uint32_t from);     // and then uses it

    std::size_t kept() const { return open_.size(); }

private:
    struct Open {
        std::uint32_t peer;
        Instant used;
    };
    std::vector<Open>::iterator place(std::uint32_t peer);
    std::vector<Open> open_;       // by peer
    std::size_t tidy_at_ = 16;     // when there are so many, those that have closed are let go
};

}  // namespace grapevine::sim
