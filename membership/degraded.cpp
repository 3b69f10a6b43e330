// Bad links: found out by whoever has them, and published in its own record.
#include <algorithm>
#include <cstdlib>

#include "grapevine/membership/membership.hpp"

namespace grapevine::membership {

namespace {
constexpr std::uint32_t most_doubtful = 8, given_up = 5;
}

// Once a period. Published when it changes much, and seldom: every change is told to everybody.
void Membership::judge_links(Instant now, Out& out) {
    if (now - last_heard_ > 5 * config_.period) return;  // who hears nobody has nothing to say that would help: it may be buried by now
    const bool was_degraded = book_.degraded(self_);
    const std::uint32_t was_failing = book_.failing(self_);
    const std::uint32_t failing = links_.failing();
    const bool often = links_.probes() % 4 == 0;  // the median costs a walk
    bool degraded = was_degraded;
    if (often || was_degraded)
        degraded = links_.worse_than(roster_.median_failing(), was_degraded) || (occasional_ && occasional_->complaints.fresh(now) >= Complaints::enough);
    const std::uint32_t moved = failing > was_failing ? failing - was_failing : was_failing - failing;
    const Duration seldom = scaled(config_.period, std::max(30.0, static_cast<double>(members()) / 4));
    const Instant described_at = occasional_ ? occasional_->described_at : Instant{};
    const bool may = now - described_at >= seldom || described_at == Instant{};
    const bool says_otherwise = occasional_ && occasional_->metadata && *occasional_->metadata != book_.metadata(self_);
    if (degraded == was_degraded && !(may && ((moved >= 10 && links_.probes() >= 20) || says_otherwise))) return;
    Record record = book_.at(self_);
    record.failing = static_cast<std::uint8_t>(failing);
    record.degraded = degraded;
    if (says_otherwise) record.metadata = *occasional_->metadata;
    occasional().described_at = now;
    change_self(now, record, out);
}

// A member that answers helpers and not us is pinged in the next periods besides the order, until it answers; if it
// never does, it is the link, and helpers tell it so.
void Membership::link_failed(PeerId peer) {
    if (view_) return;  // there such a link is given up
    auto& doubtful = occasional().doubtful;
    const bool known = std::any_of(doubtful.begin(), doubtful.end(), [&](const DoubtfulLink& link) { return link.peer == peer; });
    if (!known && doubtful.size() < most_doubtful && roster_.present() > 1) doubtful.push_back({peer, 0, 0});
}

void Membership::link_works(PeerId peer) {
    if (occasional_) std::erase_if(occasional_->doubtful, [&](const DoubtfulLink& link) { return link.peer == peer; });
}

void Membership::try_doubtful_links(Out& out) {
    if (!occasional_) return;
    auto& doubtful = occasional_->doubtful;
    std::erase_if(doubtful, [&](const DoubtfulLink& link) { return !roster_.contains(link.peer); });
    for (DoubtfulLink& link : doubtful) {
        if (++link.failures <= given_up) {
            link.round = ++round_;
            send(link.peer, Ping{link.round, {}, false}, out, news_for(link.peer));
        } else {
            for (const PeerId helper : helpers_for(link.peer)) send(helper, PingRequest{++round_, link.peer, true}, out);
        }
    }
    std::erase_if(doubtful, [&](const DoubtfulLink& link) { return link.failures > given_up; });
}

bool Membership::doubtful_link_answered(PeerId from, std::uint32_t round) {
    return occasional_ && std::erase_if(occasional_->doubtful, [&](const DoubtfulLink& link) { return link.peer == from && link.round == round; }) > 0;
}

}  // namespace grapevine::membership
