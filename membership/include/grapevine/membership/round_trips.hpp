#pragma once

#include <optional>
#include <vector>

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
    struct Entry { PeerId peer; Duration mean; Duration deviation; };
    static constexpr std::size_t kept = 64;
    std::vector<Entry> entries_;  // ring: the oldest is overwritten
    std::size_t next_ = 0;
    Duration typical_{};
};

}  // namespace grapevine::membership
