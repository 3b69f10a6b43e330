// Members that answer pings and with whom no exchange succeeds: a firewall, packets of full size that vanish on the way.
#include "grapevine/membership/bulk_ways.hpp"

#include <algorithm>

#include "grapevine/membership/membership.hpp"

namespace grapevine::membership {

BulkWays::Entry* BulkWays::find(PeerId peer) {
    const auto at = std::find_if(all_.begin(), all_.end(), [&](const Entry& e) { return e.peer == peer; });
    return at == all_.end() ? nullptr : &*at;
}

void BulkWays::rest(Entry& entry, Instant now) {
    entry.pause = entry.pause == Duration::zero() ? first_pause : std::min(2 * entry.pause, longest_pause);
    entry.since = now;
}

bool BulkWays::failed(PeerId peer, Instant now) {
    Entry* entry = find(peer);
    if (!entry) {
        if (all_.size() == most) all_.erase(std::min_element(all_.begin(), all_.end(), [](const Entry& a, const Entry& b) { return a.since < b.since; }));
        entry = &all_.emplace_back(Entry{.peer = peer});
    }
    if (entry->way != Way::open) return false;  // it was under way, or the other one has begun it
    entry->since = now;
    if (++entry->failures < in_a_row) return false;
    entry->way = Way::doubtful;
    rest(*entry, now);
    return true;
}

bool BulkWays::mixed(PeerId peer) {
    const bool was_open = of(peer) == Way::open;
    forget(peer);
    return !was_open;
}

bool BulkWays::echoed(PeerId peer, Way way, Instant now) {
    Entry* entry = find(peer);
    if (way == Way::open) {
        if (!entry || entry->way == Way::open || entry->way == Way::doubtful) return false;  // doubtful: it is not the way
        forget(peer);
        return true;
    }
    if (!entry) {
        failed(peer, now);
        entry = find(peer);
    }
    const bool new_to_us = entry->way != way;
    if (entry->way == Way::doubtful) entry->since = now;
    else rest(*entry, now);
    entry->failures = in_a_row;
    entry->way = way;
    return new_to_us;
}

void BulkWays::forget(PeerId peer) {
    std::erase_if(all_, [&](const Entry& e) { return e.peer == peer; });
}

Way BulkWays::of(PeerId peer) const {
    const auto at = std::find_if(all_.begin(), all_.end(), [&](const Entry& e) { return e.peer == peer; });
    return at == all_.end() ? Way::open : at->way;
}

std::size_t BulkWays::unreachable() const {
    return static_cast<std::size_t>(std::count_if(all_.begin(), all_.end(), [](const Entry& e) { return e.way >= Way::narrow; }));
}

std::vector<BulkWays::Over> BulkWays::over(Instant now) {
    std::erase_if(all_, [&](const Entry& e) { return e.way == Way::open && now - e.since > remembered; });
    std::vector<Over> over;
    for (Entry& e : all_) {
        if (e.way == Way::open || now - e.since < e.pause) continue;
        over.push_back({e.peer, e.way == Way::doubtful});
        e.since = now;  // of an echo nothing may be heard for a while
        if (e.way != Way::doubtful) continue;
        e.way = Way::open;
        e.failures = in_a_row - 1;
    }
    return over;
}

// ---- what a member makes of it. Nobody is skipped where nobody is probed, and in a partial view who does not answer is forgotten.

void Membership::unanswered(Instant now, PeerId partner, Out& out) {
    if (view_) return forget_partner(partner, out);
    const auto* e = config_.probing ? roster_.find(partner) : nullptr;
    if (!e || e->standing != Standing::alive || !occasional().bulk.failed(partner, now)) return;  // a suspect's pings fail as well
    roster_.skip(partner, true);
    out.tell(BulkWay{partner, Way::doubtful});
    out.tell(EchoWanted{partner});
}

void Membership::mixed_with(PeerId partner, Out& out) {
    if (!occasional_ || !occasional_->bulk.mixed(partner)) return;
    roster_.skip(partner, false);
    out.tell(BulkWay{partner, Way::open});
}

void Membership::echoed(Instant now, const Echoed& echo, Out& out) {
    const auto* e = view_ || !config_.probing || echo.way == Way::doubtful ? nullptr : roster_.find(echo.peer);
    if (!e || e->standing != Standing::alive || !occasional().bulk.echoed(echo.peer, echo.way, now)) return;
    roster_.skip(echo.peer, echo.way != Way::open);
    out.tell(BulkWay{echo.peer, echo.way});
}

// Once a period.
void Membership::tend_bulk_ways(Instant now, Out& out) {
    if (!occasional_ || occasional_->bulk.empty()) return;
    for (const auto& [peer, on_trial] : occasional_->bulk.over(now))
        if (on_trial) roster_.skip(peer, false);
        else out.tell(EchoWanted{peer});
}

}  // namespace grapevine::membership
