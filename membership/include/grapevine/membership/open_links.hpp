#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "grapevine/membership/roster.hpp"
#include "grapevine/time.hpp"

namespace grapevine::membership {

// Members that only dial out (behind a router that lets nobody in), and when each last wrote to us: until a while after that
// the connection it has opened is there, and serves both directions.
class OpenLinks {
public:
    // Routers and our own transport let go of what nobody has used for 60 s.
    static constexpr Duration trusted = std::chrono::seconds(45);

    void used(PeerId peer, Instant now);
    void lose(PeerId peer);                   // it did not answer there
    std::vector<PeerId> expire(Instant now);  // who has not written for too long, and is forgotten by this
    bool empty() const { return links_.empty(); }

private:
    struct Link {
        PeerId peer;
        Instant heard;
    };
    std::vector<Link>::iterator place(PeerId peer);
    std::vector<Link> links_;  // by peer
};

// Who keeps a link to a member that only dials out: the three that can be dialled and have the highest hash with it
// (rendezvous hashing: Thaler, Ravishankar 1998). It calls them now and then, so that they can reach it at any time; and
// everybody whose view is the same reckons the same three, and asks them for it. None is told who they are.
inline constexpr std::size_t keepers = 3;
std::vector<PeerId> keepers_of(PeerId peer, const Roster& roster, const Book& book);  // of those present, the highest first

// The calls of a member that only dials out.
class Calls {
public:
    static constexpr Duration every = OpenLinks::trusted / 3;
    // Whom to call now. Once a period: a keeper that is new is called at once.
    std::vector<PeerId> due(Instant now, PeerId self, const Roster& roster, const Book& book);

private:
    struct Call {
        PeerId keeper{};
        Instant last{};
    };
    std::array<Call, keepers> calls_{};
    std::optional<std::uint64_t> reckoned_for_;  // a roster's digest: the walk is made when it has changed
};

}  // namespace grapevine::membership
