#include "grapevine/membership/probe_order.hpp"

#include <algorithm>

namespace grapevine::membership {

std::optional<PeerId> ProbeOrder::next(const Roster& roster, Random& random) {
    for (bool fresh_round = false;;) {
        if (const auto peer = nearest(roster)) return peer;
        if (fresh_round) return std::nullopt;
        fresh_round = true;
        key_ = random.bits() | 1;
        last_ = {};
    }
}

std::optional<PeerId> ProbeOrder::nearest(const Roster& roster) {
    if (key_ == 0) return std::nullopt;
    for (bool looked = false;;) {
        while (ahead_ && !ahead_->next.empty()) {
            last_ = ahead_->next.back().peer;
            ahead_->next.pop_back();
            if (roster.contains(last_)) return last_;
        }
        if (roster.entries().size() <= ahead) break;
        if (ahead_ && !ahead_->more && looked) return std::nullopt;
        look_ahead(roster);
        looked = true;
    }
    ahead_.reset();
    const Place after = last();
    std::optional<Place> nearest;
    roster.each_present([&](PeerId peer) {
        const Place place = place_of(peer);
        if (after < place && (!nearest || place < *nearest)) nearest = place;
    });
    if (!nearest) return std::nullopt;
    return last_ = nearest->peer;
}

// The `ahead` places that follow the last: kept as a heap while looking, its greatest gives way.
void ProbeOrder::look_ahead(const Roster& roster) {
    if (!ahead_) ahead_ = std::make_unique<Ahead>();
    auto& next = ahead_->next;
    ahead_->more = false;
    const Place after = last();
    roster.each_present([&](PeerId peer) {
        const Place place = place_of(peer);
        if (place <= after) return;
        if (next.size() == ahead) {
            ahead_->more = true;
            if (next.front() < place) return;
            std::pop_heap(next.begin(), next.end());
            next.pop_back();
        }
        next.push_back(place);
        std::push_heap(next.begin(), next.end());
    });
    std::sort(next.begin(), next.end(), std::greater<>());
}

void ProbeOrder::added(PeerId peer) {
    if (!ahead_) return;  // it will be found
    auto& next = ahead_->next;
    const Place place = place_of(peer);
    if (place <= last()) return;                                 // its turn is in the next round
    if (ahead_->more && (next.empty() || place > next.front())) return;  // it will be found
    const auto at = std::lower_bound(next.begin(), next.end(), place, std::greater<>());
    if (at != next.end() && *at == place) return;
    next.insert(at, place);
    if (next.size() > ahead) {
        next.erase(next.begin());
        ahead_->more = true;
    }
}

}  // namespace grapevine::membership
