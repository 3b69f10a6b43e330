#pragma once

#include <optional>
#include <string>
#include <vector>

#include "grapevine/peer/peer.hpp"

namespace grapevine::sim {

// What membership must never do, whatever happens to the world, and who did it first.
struct Violation {
    Instant at;
    std::uint32_t peer;
    std::string what;
};

// Looks at every step that hears news, and compares what a peer holds before and after it:
//
//   - no rumor carries a generation or an incarnation of a member higher than that member's own: nobody but the
//     subject raises it. Here alone both are known, which is why no peer can check it;
//   - the incarnation of an entry never falls, at the same incarnation its standing never goes back (no resurrection),
//     and what has left never becomes dead;
//   - the rumors that wait stay under their cap;
//   - a view holds nobody twice, and not its owner (when it is asked to look: a view is long).
//
// It costs a look-up for each rumor: a place in the roster is guessed first, since ids follow the index here.
class Invariants {
public:
    // `selves`: the record that each peer has of itself, by index; kept up to date here. Where several look at the same time, each
    // changes those of its own peers: what one reads of another's may be as old as the window.
    Invariants(const membership::Book& book, std::vector<membership::Handle>& selves) : book_(book), selves_(selves) {}

    // Before a step; false: this input brings no news, and there is nothing to look at after it.
    bool before(Instant now, std::uint32_t peer, const membership::Membership& observer, const Peer::Input& input);
    void after(Instant now, std::uint32_t peer, const membership::Membership& observer, std::size_t rumor_cap);
    // From now on messages arrive that nobody wrote: what a rumor says of a member's incarnation may be anything.
    void words_may_be_garbled() { garbled_ = true; }
    void look_at_roster(Instant now, std::uint32_t peer, const membership::Roster& roster);

    const std::optional<Violation>& first() const { return first_; }

private:
    struct Seen {  // what was held about one member before the step
        PeerId about;
        std::size_t place;
        membership::Roster::Entry entry;
    };
    std::optional<std::size_t> place_of(PeerId about, const membership::Roster& roster, std::size_t guess) const;
    void remember(PeerId about, const membership::Membership& observer);
    membership::Handle self_of(std::uint64_t peer) const;
    void hear(Instant now, std::uint32_t peer, const membership::Rumor& rumor);
    void compare(Instant now, std::uint32_t peer, const Seen& seen, const membership::Roster::Entry& is);
    void say(Instant now, std::uint32_t peer, std::string what);

    const membership::Book& book_;
    std::vector<membership::Handle>& selves_;
    std::vector<Seen> seen_;
    std::optional<Violation> first_;
    bool garbled_ = false;
};

}  // namespace grapevine::sim
