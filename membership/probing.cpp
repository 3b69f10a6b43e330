// Finding out whether a member still answers: one probe a period, helpers, health.
//
// Of one that cannot be dialled and has no link to us open the helpers are asked at once, those that keep links to it. That
// says nothing about us, and nothing about our links.
#include <algorithm>

#include "grapevine/membership/membership.hpp"

namespace grapevine::membership {

Duration Membership::period() const {
    const Duration least = std::max(config_.period, 4 * round_trips_.typical());
    // In a partial view most neighbours may be dead at once and it is not us; a verdict costs no more than a link.
    return view_ ? least : health_.stretched(least);
}

void Membership::probe(Instant now, Out& out) {
    conclude_probe(now, out);
    if (leaving_) return;  // it still answers, but asks nobody
    judge_links(now, out);
    out.wake(now + period(), ProbeDue{});
    forget_old(now, out);
    contact_the_dead(out);
    if (view_) tend_view(now, out);
    else try_doubtful_links(out);
    tend_links(now, out);
    tend_bulk_ways(now, out);
    const auto target = order_.next(roster_, random_);
    if (!target) return;
    probe_ = {*target, now, ++round_, false, false, reaches(*target), 0, 0};
    if (!probe_.direct) return ask_helpers(round_, out);
    send(*target, Ping{round_, {}, false}, out, news_for(*target));
    const Duration patience = std::min(health_.stretched(round_trips_.timeout(*target, config_.probe_timeout)),
                                       period() * 4 / 5);  // leave the helpers some time
    out.wake(now + patience, DirectOverdue{round_});
}

void Membership::ask_helpers(std::uint32_t round, Out& out) {
    if (probe_.answered || probe_.round != round || probe_.helped) return;
    probe_.helped = true;
    for (const PeerId helper : helpers_for(probe_.target)) {
        ++probe_.helpers;
        send(helper, PingRequest{round, probe_.target, false}, out, about_target());
    }
}

std::vector<PeerId> Membership::helpers_for(PeerId target) {
    std::vector<PeerId> helpers;
    if (const auto* e = view_ ? nullptr : roster_.find(target); e && book_.outbound(e->record)) {
        for (const PeerId keeper : keepers_of(target, roster_, book_))
            if (helpers.size() < config_.indirect) helpers.push_back(keeper);
        return helpers;
    }
    const std::size_t most = std::min<std::size_t>(config_.indirect, roster_.present() > 0 ? roster_.present() - 1 : 0);
    for (int tries = 0; helpers.size() < most && tries < 32; ++tries) {
        const auto helper = roster_.draw_alive(random_);
        if (helper && *helper != target && std::find(helpers.begin(), helpers.end(), *helper) == helpers.end()) helpers.push_back(*helper);
    }
    return helpers;
}

// A helper may not know it, where views are partial.
std::optional<Rumor> Membership::about_target() const {
    const auto* e = view_ ? roster_.find(probe_.target) : nullptr;
    return e ? std::optional(rumor_of(*e)) : std::nullopt;
}

void Membership::pinged(Instant now, PeerId from, const Ping& ping, Out& out) {
    if (view_ && !ping.asker && !view_->neighbour(from)) stranger_pinged(now, from, out);
    if (ping.asker && ping.deaf && roster_.contains(ping.asker)) occasional().complaints.from(ping.asker, now);
    send(from, ack(now, ping.round), out, news_for(from));
}

Ack Membership::ack(Instant now, std::uint32_t round) const { return {round, wall_time_ ? wall_time_->at(now) : 0}; }

void Membership::relay_probe(Instant now, PeerId asker, const PingRequest& request, const Message& message, Out& out) {
    if (occasional_)
        while (!occasional_->relays.empty() && occasional_->relays.front().expires < now) {  // they all live equally long
            lose_target(occasional_->relays.front().target, out);
            occasional_->relays.erase(occasional_->relays.begin());
        }
    if (request.target == id_) return send(asker, ack(now, request.round), out);
    if (occasional_ && occasional_->relays.size() >= 256) return;
    if (view_) reach_target(message, request.target, out);
    else if (!roster_.find(request.target)) return;
    else if (!reaches(request.target)) return send(asker, Nack{request.round}, out);
    const Duration patience = round_trips_.timeout(request.target, config_.probe_timeout);
    occasional().relays.push_back({++round_, asker, request.target, request.round, now + config_.period * 4});
    send(request.target, Ping{round_, asker, request.deaf}, out, news_for(request.target));
    if (config_.nacks) out.wake(now + patience * 4 / 5, NackDue{round_});
}

void Membership::nack(std::uint32_t relay, Out& out) {
    if (!occasional_) return;
    for (const Relay& r : occasional_->relays)
        if (r.round == relay) return send(r.asker, Nack{r.their_round}, out);
}

void Membership::answered(Instant now, PeerId from, const Ack& ack, Out& out) {
    const std::uint32_t round = ack.round;
    if (occasional_) {
        auto& relays = occasional_->relays;
        if (const auto at = std::find_if(relays.begin(), relays.end(), [&](const Relay& r) { return r.round == round; }); at != relays.end()) {
            send(at->asker, this->ack(now, at->their_round), out);
            lose_target(at->target, out);
            relays.erase(at);
            return;
        }
    }
    if (probe_.answered || round != probe_.round) {
        if (!doubtful_link_answered(from, round)) measured(now, round, true, out);
        return;
    }
    probe_.answered = true;
    if (from == probe_.target) {  // a helper's ack says nothing of our link
        round_trips_.heard(from, now - probe_.sent);
        if (wall_time_) wall_time_->answered(probe_.sent, now, from, ack.clock);
        link_works(from);
        links_.probed(!probe_.helped);
    } else if (!probe_.direct) {
        return;
    } else if (const auto* e = roster_.find(probe_.target); e && book_.outbound(e->record) && !view_) {
        link_is_shut(probe_.target);
    } else {
        link_failed(probe_.target);
        links_.probed(false);
    }
    health_.trust();
}

// At the end of a period: the probe that nobody answered becomes a suspicion.
void Membership::conclude_probe(Instant now, Out& out) {
    if (probe_.answered) return;
    probe_.answered = true;
    if (!probe_.direct && probe_.helpers == 0) return;  // nobody could try
    if (probe_.direct) health_.doubt(config_.nacks && probe_.nacks < probe_.helpers ? 2 : 1);
    if (!roster_.contains(probe_.target)) return;
    if (probe_.direct) links_.probed(false);
    out.tell(ProbeFailed{probe_.target});
    accuse(now, probe_.target, id_, out);
}

}  // namespace grapevine::membership
