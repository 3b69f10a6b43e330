#include "grapevine/membership/round_trips.hpp"

#include <algorithm>
#include <limits>

namespace grapevine::membership {

std::uint32_t RoundTrips::kept_as(Duration d) {
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(d.count(), 0, std::numeric_limits<std::uint32_t>::max()));
}

const RoundTrips::Entry* RoundTrips::find(PeerId peer) const {
    for (const Entry& e : entries_)
        if (e.peer == static_cast<std::uint32_t>(peer.value)) return &e;
    return nullptr;
}

void RoundTrips::heard(PeerId peer, Duration sample) {
    typical_ = typical_ == Duration::zero() ? sample : typical_ + (sample - typical_) / 8;
    if (auto* e = const_cast<Entry*>(find(peer))) {
        const Duration mean(e->mean), deviation(e->deviation), off = sample > mean ? sample - mean : mean - sample;
        e->deviation = kept_as(deviation + (off - deviation) / 4);
        e->mean = kept_as(mean + (sample - mean) / 8);
        return;
    }
    if (entries_.size() == kept) entries_.erase_front(1);
    entries_.push_back({static_cast<std::uint32_t>(peer.value), kept_as(sample), kept_as(sample / 2)});
}

Duration RoundTrips::timeout(PeerId peer, Duration most) const {
    const Entry* e = find(peer);
    if (!e) return most;
    return std::min(std::max(Duration(e->mean) + 4 * Duration(e->deviation), Duration(std::chrono::milliseconds(50))), most);
}

std::optional<Duration> RoundTrips::mean(PeerId peer) const {
    const Entry* e = find(peer);
    return e ? std::optional(Duration(e->mean)) : std::nullopt;
}

}  // namespace grapevine::membership
