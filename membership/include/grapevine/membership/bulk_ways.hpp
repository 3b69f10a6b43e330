#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "grapevine/peer_id.hpp"
#include "grapevine/time.hpp"

namespace grapevine::membership {

// Of the way by which parameters go between us and a member that answers pings.
enum class Way : std::uint8_t {
    open,      // or nothing is known of it
    doubtful,  // exchanges came to nothing, one after the other
    narrow,    // an echo of few bytes came back, and a long one did not
    shut,      // none did
};

// The ways that are not open, as far as we have found out: whoever is behind one is skipped for a while, and then for longer. It is
// a matter of two members: each may mix with all others.
//
//            third failure in a row                 an echo failed
//    open --------------------------> doubtful ----------------------> narrow, shut
//     ^ ^                              |    ^                           |    ^  |
//     | |              the pause is over    | failed: twice as long     |    |  | the pause is over:
//     | |                              v    |                           |    +--+ another echo
//     | +-- mixed with it ----------- on trial                          |
//     +---- mixed with it, or an echo came back ------------------------+
class BulkWays {
public:
    static constexpr std::uint32_t in_a_row = 3;
    static constexpr Duration first_pause = std::chrono::seconds(10), longest_pause = std::chrono::minutes(2);
    static constexpr Duration remembered = std::chrono::minutes(10);  // a failure that nothing followed
    static constexpr std::size_t most = 256;  // the one longest quiet gives way

    // Whether its way is another by that.
    bool failed(PeerId peer, Instant now);               // an exchange with it
    bool mixed(PeerId peer);
    bool echoed(PeerId peer, Way way, Instant now);      // not doubtful
    void forget(PeerId peer);

    Way of(PeerId peer) const;
    std::size_t unreachable() const;                     // narrow or shut
    struct Over {
        PeerId peer;
        bool on_trial;  // or an echo is wanted
    };
    std::vector<Over> over(Instant now);                 // whose pause is
    bool empty() const { return all_.empty(); }

private:
    struct Entry {
        PeerId peer;
        std::uint32_t failures = 0;  // in a row
        Way way = Way::open;
        Duration pause{};            // the last one; none so far: 0
        Instant since{};             // of the last that happened
    };
    Entry* find(PeerId peer);
    static void rest(Entry& entry, Instant now);
    std::vector<Entry> all_;
};

}  // namespace grapevine::membership
