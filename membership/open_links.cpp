// Members that nobody can dial: who reaches them, and through whom the others do.
#include "grapevine/membership/open_links.hpp"

#include <algorithm>

#include "grapevine/membership/membership.hpp"

namespace grapevine::membership {

std::vector<OpenLinks::Link>::iterator OpenLinks::place(PeerId peer) {
    return std::lower_bound(links_.begin(), links_.end(), peer, [](const Link& link, PeerId p) { return link.peer < p; });
}

void OpenLinks::used(PeerId peer, Instant now) {
    const auto at = place(peer);
    if (at != links_.end() && at->peer == peer) at->heard = now;
    else links_.insert(at, {peer, now});
}

void OpenLinks::lose(PeerId peer) {
    if (const auto at = place(peer); at != links_.end() && at->peer == peer) links_.erase(at);
}

std::vector<PeerId> OpenLinks::expire(Instant now) {
    std::vector<PeerId> gone;
    std::erase_if(links_, [&](const Link& link) {
        const bool old = now - link.heard > trusted;
        if (old) gone.push_back(link.peer);
        return old;
    });
    return gone;
}

std::vector<PeerId> keepers_of(PeerId peer, const Roster& roster, const Book& book) {
    struct Candidate {
        std::uint64_t hash;
        PeerId who;
    };
    std::array<Candidate, keepers> best{};
    const std::uint64_t salt = Random::mix(peer.value);
    for (const auto& e : roster.entries()) {
        if (!present(e.standing) || book.outbound(e.record)) continue;
        const PeerId who = book.id(e.record);
        if (who == peer) continue;
        Candidate next{Random::mix(who.value ^ salt), who};
        for (Candidate& c : best)
            if (!c.who || next.hash > c.hash) std::swap(c, next);
    }
    std::vector<PeerId> found;
    for (const Candidate& c : best)
        if (c.who) found.push_back(c.who);
    return found;
}

std::vector<PeerId> Calls::due(Instant now, PeerId self, const Roster& roster, const Book& book) {
    if (reckoned_for_ != roster.digest()) {
        reckoned_for_ = roster.digest();
        std::array<Call, keepers> next{};
        std::size_t n = 0;
        for (const PeerId keeper : keepers_of(self, roster, book)) {
            const auto before = std::find_if(calls_.begin(), calls_.end(), [&](const Call& c) { return c.keeper == keeper; });
            next[n++] = {keeper, before != calls_.end() ? before->last : now - every};
        }
        calls_ = next;
    }
    std::vector<PeerId> due;
    for (Call& call : calls_)
        if (call.keeper && now - call.last >= every) {
            call.last = now;
            due.push_back(call.keeper);
        }
    return due;
}

// ---- what a member makes of it: can reach = dialable, or a link is open. In a partial view the neighbours, who probe each
// other, keep theirs open, and the view draws no others of this kind.

void Membership::heard_directly(Instant now, PeerId from) {
    if (!book_.any_outbound() || view_) return;
    const auto* e = roster_.find(from);
    if (!e || !book_.outbound(e->record)) return;
    occasional().open_links.used(from, now);
    roster_.reach(from, true);
}

bool Membership::reaches(PeerId peer) const {
    const auto* e = roster_.find(peer);
    return !e || e->reachable;
}

void Membership::link_is_shut(PeerId peer) {
    occasional().open_links.lose(peer);
    roster_.reach(peer, false);
}

// Once a period.
void Membership::tend_links(Instant now, Out& out) {
    if (!book_.any_outbound() || view_) return;
    if (!occasional().open_links.empty())
        for (const PeerId peer : occasional().open_links.expire(now)) roster_.reach(peer, false);
    if (!book_.outbound(self_)) return;
    for (const PeerId keeper : occasional().calls.due(now, id_, roster_, book_)) send(keeper, Ping{++round_, {}, false}, out, news_for(keeper));
}

// A driver has found out whether we can be dialled.
void Membership::dialable(Instant now, bool yes, Out& out) {
    if (book_.outbound(self_) != yes || leaving_) return;
    Record record = book_.at(self_);
    record.outbound = !yes;
    change_self(now, record, out);
}

}  // namespace grapevine::membership
