#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "grapevine/peer_id.hpp"
#include "grapevine/time.hpp"

namespace grapevine::membership {

// What the clock on the wall shows here, and by how much the others' differ: for whoever holds logs of several machines side by
// side. Nothing is decided by it. An answer to a ping says what it was there; it was sent half a round trip ago, give or
// take half of one (Cristian 1989).
class WallTime {
public:
    // Nanoseconds since 1970, as they travel; 0: not known.
    static constexpr std::int64_t latest = std::int64_t{1} << 62;  // the year 2116

    // Ours, at Instant{}. Told anew when it was set: what is known of others is held against the new one.
    void set(std::int64_t at_zero);
    std::int64_t at(Instant now) const;

    // `by` has answered what we sent it: its clock showed that much.
    void answered(Instant sent, Instant now, PeerId by, std::int64_t showed);

    // By how much the others' clocks are ahead of ours: the median of those who answered last, and of the two in the middle the one nearer
    // to ours. Nothing before the first answer.
    std::optional<Duration> others_ahead() const;

    static constexpr std::size_t kept = 16;

private:
    struct Other {
        PeerId who{};
        std::int64_t ahead = 0;  // ns
    };
    std::int64_t at_zero_ = 0;   // 0: not told
    std::array<Other, kept> others_{};
    std::size_t count_ = 0, next_ = 0;  // a ring: who has not answered for longest gives way
};

}  // namespace grapevine::membership
