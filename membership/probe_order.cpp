#include "grapevine/membership/probe_order.hpp"

#include <algorithm>

namespace grapevine::membership {

std::optional<PeerId> ProbeOrder::next(const Roster& roster, Random& random) {
    for (bool fresh_round = false;;) {
        while (!next_.empty()) {
            last_ = next_.back();
            next_.pop_back();
            if (roster.contains(last_.peer)) return last_.peer;
        }
        if (!more_) {
            if (fresh_round) return std::nullopt;
            fresh_round = true;
            key_ = random.bits() | 1;
            last_ = {};
        }
        look_ahead(roster);
    }
}

// The `ahead` places that follow the last: kept as a heap while looking, its greatest gives way.
void ProbeOrder::look_ahead(const Roster& roster) {
    more_ = false;
    roster.each_present([&](PeerId peer) {
        const Place place = place_of(peer);
        if (place <= last_) return;
        if (next_.size() == ahead) {
            more_ = true;
            if (next_.front() < place) return;
            std::pop_heap(next_.begin(), next_.end());
            next_.pop_back();
        }
        next_.push_back(place);
        std::push_heap(next_.begin(), next_.end());
    });
    std::sort(next_.begin(), next_.end(), std::greater<>());
}

void ProbeOrder::added(PeerId peer) {
    const Place place = place_of(peer);
    if (key_ == 0 || place <= last_) return;           // its turn is in the next round
    if (more_ && (next_.empty() || place > next_.front())) return;  // it will be found
    const auto at = std::lower_bound(next_.begin(), next_.end(), place, std::greater<>());
    if (at != next_.end() && *at == place) return;
    next_.insert(at, place);
    if (next_.size() > ahead) {
        next_.erase(next_.begin());
        more_ = true;
    }
}

}  // namespace grapevine::membership
