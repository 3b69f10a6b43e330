#include "grapevine/membership/round_trips.hpp"

#include <algorithm>

namespace grapevine::membership {

void RoundTrips::heard(PeerId peer, Duration sample) {
    typical_ = typical_ == Duration::zero() ? sample : typical_ + (sample - typical_) / 8;
    for (Entry& e : entries_)
        if (e.peer == peer) {
            const Duration off = sample > e.mean ? sample - e.mean : e.mean - sample;
            e.deviation += (off - e.deviation) / 4;
            e.mean += (sample - e.mean) / 8;
            return;
        }
    const Entry first{peer, sample, sample / 2};
    if (entries_.size() < kept) {
        entries_.push_back(first);
    } else {
        entries_[next_] = first;
        next_ = (next_ + 1) % kept;
    }
}

Duration RoundTrips::timeout(PeerId peer, Duration most) const {
    for (const Entry& e : entries_)
        if (e.peer == peer)
            return std::min(std::max(e.mean + 4 * e.deviation, Duration(std::chrono::milliseconds(50))), most);
    return most;
}

std::optional<Duration> RoundTrips::mean(PeerId peer) const {
    for (const Entry& e : entries_)
        if (e.peer == peer) return e.mean;
    return std::nullopt;
}

}  // namespace grapevine::membership
