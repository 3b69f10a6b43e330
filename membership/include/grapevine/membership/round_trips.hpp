#pragma once

#include <cstdint>
#include <optional>

#include "grapevine/few.hpp"
#include "grapevine/peer_id.hpp"
#include "grapevine/time.hpp"

namespace grapevine::membership {

// Round trips of the members probed lately: mean and mean deviation, as TCP reckons them (RFC 6298).
class RoundTrips {
public:
    void heard(PeerId peer, Duration sample);
    // mean + 4 deviations, between 50 ms and `most`; `most` for who was not probed lately
    Duration timeout(PeerId peer, Duration most) const;
    std::optional<Duration> mean(PeerId peer) const;
    Duration typical() const { return typical_; }  // over all members, smoothed; 0 before the first

private:
    // In nanoseconds, at most 4.29 s: longer ones count as that long. Of the id the lower half is enough to tell so few apart:
    // one in sixty million would share its neighbour's figures.
    struct Entry {
        std::uint32_t peer, mean, deviation;
    };
    static std::uint32_t kept_as(Duration d);
    const Entry* find(PeerId peer) const;

    static constexpr std::size_t kept = 64;
    Duration typical_{};
    Few<Entry, 0> entries_;  // oldest first, which gives way
};

}  // namespace grapevine::membership
