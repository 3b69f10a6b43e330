#include "grapevine/membership/flapping.hpp"

#include <algorithm>

namespace grapevine::membership {

namespace {
constexpr Duration remembered = std::chrono::minutes(1);
}

void Flapping::refuted(PeerId peer, Instant now) {
    for (Entry& e : entries_)
        if (e.peer == peer) {
            e.times = now - e.last <= remembered ? e.times + 1 : 1;
            e.last = now;
            return;
        }
    if (entries_.size() < kept) return entries_.push_back({peer, 1, now});
    *std::min_element(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) { return a.last < b.last; }) = {peer, 1, now};
}

bool Flapping::often(PeerId peer, Instant now) const {
    return std::any_of(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.peer == peer && e.times >= 2 && now - e.last <= remembered; });
}

bool Flapping::since(PeerId peer, Instant now, Duration d) const {
    return std::any_of(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.peer == peer && now - e.last <= d; });
}

bool Flapping::over(Instant now, Duration d) const {
    return std::all_of(entries_.begin(), entries_.end(), [&](const Entry& e) { return now - e.last > std::max(d, remembered); });
}

}  // namespace grapevine::membership
