#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "grapevine/membership/roster.hpp"
#include "grapevine/random.hpp"

namespace grapevine::membership {

// Whom to probe next: every member once a round, in an order drawn anew for each round, so that no two probes of a
// member by one peer lie more than 2n - 1 apart (SWIM, section 4.3). The order is not stored: it is that of a hash of
// the ids under the round's key. A newcomer falls somewhere into it, as if it had been inserted at random.
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
    Place place_of(PeerId peer) const { return {Random::mix(peer.value ^ key_), peer}; }
    void look_ahead(const Roster& roster);

    static constexpr std::size_t ahead = 64;  // found in one walk over the roster
    std::uint64_t key_ = 0;                   // of the round; 0: none has begun
    Place last_{};                            // probed; all of the round that come before it are done
    std::vector<Place> next_;                 // the nearest after it, the first of them last
    bool more_ = false;                       // others come after those
};

}  // namespace grapevine::membership
