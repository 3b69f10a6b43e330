#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "grapevine/membership/roster.hpp"
#include "grapevine/random.hpp"

namespace grapevine::membership {

// Whom to probe next: every member once a round, in an order drawn anew for each round, so that no two probes of a
// member by one peer lie more than 2n - 1 apart (SWIM, section 4.3). The order is not stored: it is that of a hash of
// the ids under the round's key. A newcomer falls somewhere into it, as if it had been inserted at random. In a roster of
// up to 64 the next one is looked for each time; in a longer one the next 64 are found in one walk, and kept.
class ProbeOrder {
public:
    std::optional<PeerId> next(const Roster& roster, Random& random);  // nobody if there is nobody
    void added(PeerId peer);                                           // it became a member

private:
    struct Place {
        std::uint64_t hash;
        PeerId peer;
        friend auto operator<=>(const Place&, const Place&) = default;
    };
    struct Ahead {
        std::vector<Place> next;  // the nearest after the last, the first of them last
        bool more = false;        // others come after those
    };
    Place place_of(PeerId peer) const { return {Random::mix(peer.value ^ key_), peer}; }
    Place last() const { return last_ ? place_of(last_) : Place{}; }
    std::optional<PeerId> nearest(const Roster& roster);  // after the last; becomes it
    void look_ahead(const Roster& roster);

    static constexpr std::size_t ahead = 64;  // found in one walk over the roster
    std::uint64_t key_ = 0;                   // of the round; 0: none has begun
    PeerId last_{};                           // probed; all of the round that come before it are done
    std::unique_ptr<Ahead> ahead_;            // of a long roster
};

}  // namespace grapevine::membership
