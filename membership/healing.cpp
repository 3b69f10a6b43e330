// The dead are remembered, and called: perhaps they were only cut off.
#include <algorithm>

#include "grapevine/membership/membership.hpp"

namespace grapevine::membership {

void Graveyard::risen(PeerId peer) {
    graves_.erase(graves_.begin(), graves_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
    std::erase_if(graves_, [&](const Grave& g) { return g.peer == peer; });
}

std::optional<PeerId> Graveyard::forget(Instant since, std::size_t cap) {
    if (size() == 0 || (graves_[first_].at >= since && size() <= cap)) return std::nullopt;
    const PeerId peer = graves_[first_++].peer;
    if (first_ * 2 > graves_.size()) {
        graves_.erase(graves_.begin(), graves_.begin() + static_cast<std::ptrdiff_t>(first_));
        first_ = 0;
    }
    return peer;
}

void Membership::forget_old(Instant now, Out& out) {
    if (!occasional_) return;
    const std::size_t cap = view_ ? Graveyard::in_partial_view : std::max<std::size_t>(1024, roster_.present());
    while (const auto peer = occasional_->graveyard.forget(now - config_.forget_dead, cap)) {
        const auto* e = roster_.find(*peer);
        if (!e || present(e->standing)) continue;
        roster_.remove(*peer);
        if (!view_ || !view_->contains(*peer)) out.tell(Unreachable{*peer});
    }
}

// The cluster as a whole contacts some dead member max(1 a second, dead / 30 s) times; each of us takes its
// share. One that answers hears that it is thought dead, refutes it, and both sides tell each other who is there.
void Membership::contact_the_dead(Out& out) {
    if (roster_.present() == 0 && occasional_ && !occasional_->seeds.empty() && !joining_ && random_.chance(0.1)) {  // alone: perhaps a seed is back
        const auto& seeds = occasional_->seeds;
        send(book_.id(seeds[random_.below(seeds.size())]), Join{}, out, about_self());
    }
    if (roster_.dead() == 0) return;
    const double rate = std::max(1.0, static_cast<double>(roster_.dead()) / 30.0);
    const double share = rate * seconds(period()) / static_cast<double>(members());
    if (!random_.chance(std::min(share, 1.0))) return;
    const Handle dead = roster_.draw_dead(random_);
    if (view_) {
        out.tell(Reachable{book_.id(dead), dead});
        strangers_.push_back(dead);
    }
    const Rumor verdict{dead, Standing::dead, id_};  // said also with buddy off: it is why we call
    send(book_.id(dead), Join{}, out, verdict);
}

}  // namespace grapevine::membership
