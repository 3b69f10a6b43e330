// What is heard and what is told. The probes are in probing.cpp.
#include "grapevine/membership/membership.hpp"

#include <algorithm>

namespace grapevine::membership {

Membership::Membership(Book& book, Handle self, const Config& config, Random random, const std::vector<Handle>& known)
    : book_(book), self_(self), id_(book.id(self)), config_(config), random_(random), roster_(book, known),
      rumors_(config.rumor_cap) {}

void Membership::step(Instant now, Input&& input, Out& out) {
    std::visit(Cases{
                   [&](const Start&) { start(now, out); },
                   [&](const Met& met) { meet(now, met.who, out); },
                   [&](const Received<Message>& received) { receive(now, received.from, received.message, out); },
                   [&](const Woken<Timer>& woken) { wake(now, woken.timer, out); },
                   [&](const Leave&) { leave(now, out); },
               },
               input);
}

void Membership::start(Instant now, Out& out) {
    started_ = true;
    if (!config_.probing) return;
    // A phase of one's own, so that a cluster that starts together does not probe in step.
    out.wake(now + Duration(1 + static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(config_.period.count())))), ProbeDue{});
    // Soon at first: in a storm of joins the news of one another is thinly spread.
    out.wake(now + scaled(config_.period, 2 + 4 * random_.uniform()), SyncDue{});
    for (const auto& e : roster_.entries()) order_.push_back(e.record);
    next_in_order_ = order_.size();  // shuffled before the first probe
}

void Membership::wake(Instant now, const Timer& timer, Out& out) {
    std::visit(Cases{
                   [&](const ProbeDue&) { probe(now, out); },
                   [&](const DirectOverdue& overdue) { ask_helpers(overdue.round, out); },
                   [&](const NackDue& due) {
                       for (const Relay& r : relays_)
                           if (r.round == due.relay) send(r.asker, Nack{r.their_round}, out);
                   },
                   [&](const SuspicionDue& due) { suspicion_due(now, due, out); },
                   [&](const GossipDue&) { gossip(now, out); },
                   [&](const SyncDue&) { sync(now, out); },
                   [&](const JoinDue&) {
                       if (!joining_ || leaving_) return;
                       // The same seed a second time, then the others in turn: any of them may have died.
                       const Handle seed = seeds_[(++join_tries_ / 2) % seeds_.size()];
                       send(book_.id(seed), Join{}, out, Rumor{self_, Standing::alive, {}});
                       out.wake(now + config_.period, JoinDue{});
                   },
               },
               timer);
}

void Membership::receive(Instant now, PeerId from, const Message& message, Out& out) {
    if (from == id_) return;
    const bool welcome = std::holds_alternative<Welcome>(message.body);
    for (const Rumor& rumor : message.rumors) hear(now, rumor, welcome, out);
    std::visit(Cases{
                   [&](const Join&) {
                       send_roster(from, out);
                       // Somebody we had buried asks who is there: tell it so, and ask back. Both sides of a
                       // healed cut learn of each other by this. Now and then is enough: news spread by itself.
                       const auto news = news_for(from);
                       if (!news || news->standing != Standing::dead || now < next_heal_) return;
                       next_heal_ = now + 5 * config_.period;
                       send(from, Join{}, out, news);
                   },
                   [&](const Welcome& w) {
                       if (w.part >= w.parts) return;
                       if (welcomed_.size() != w.parts) welcomed_.assign(w.parts, false);  // it grew: all anew
                       welcomed_[w.part] = true;
                       if (std::find(welcomed_.begin(), welcomed_.end(), false) == welcomed_.end()) joining_ = false;
                   },
                   [&](const Sync& theirs) {
                       if (theirs.digest == digest()) return;
                       send_roster(from, out);
                       if (!theirs.answer) send(from, Sync{digest(), true}, out);
                   },
                   [&](const Ping& ping) { send(from, Ack{ping.round}, out, news_for(from)); },
                   [&](const Ack& ack) { answered(now, from, ack.round, out); },
                   [&](const PingRequest& request) { relay_probe(now, from, request, out); },
                   [&](const Nack& nack) {
                       if (!probe_.answered && nack.round == probe_.round) ++probe_.nacks;
                   },
                   [&](const Gossip&) {},
               },
               message.body);
}

void Membership::meet(Instant now, Handle who, Out& out) {
    if (book_.id(who) == id_ || leaving_) return;
    hear(now, Rumor{who, Standing::alive, {}}, true, out);
    seeds_.push_back(who);
    send(book_.id(who), Join{}, out, Rumor{self_, Standing::alive, {}});
    if (joining_) return;
    joining_ = true;
    out.wake(now + config_.period, JoinDue{});
}

void Membership::sync(Instant now, Out& out) {
    if (leaving_) return;
    double times = 1;  // as memberlist scales its push-pull: one more for each doubling above 32
    for (std::size_t n = 32; n < roster_.present() + 1; n *= 2) ++times;
    out.wake(now + scaled(config_.sync_every, times * (0.75 + 0.5 * random_.uniform())), SyncDue{});
    if (const auto to = roster_.draw(random_)) send(*to, Sync{digest(), false}, out);
}

std::uint64_t Membership::digest() const { return roster_.digest() ^ Roster::digest_of(id_, book_.incarnation(self_)); }

void Membership::send_roster(PeerId to, Out& out) {
    // The dead go too: told at first hand they may refute it, and that is how two halves of a cluster find
    // each other again. Who hears of a death in a welcome takes it as a suspicion, never as a verdict.
    std::vector<RumorList> parts(1);
    std::size_t bytes = 0;
    const auto add = [&](const Rumor& rumor) {
        const std::size_t size = wire_bytes(book_.at(rumor.about));
        if (parts.back().full() || (bytes + size > config_.rumor_bytes && !parts.back().empty())) {
            parts.emplace_back();
            bytes = 0;
        }
        parts.back().push_back(rumor);
        bytes += size;
    };
    add({self_, leaving_ ? Standing::left : Standing::alive, {}});
    for (const auto& e : roster_.entries())
        if (book_.id(e.record) != to) add({e.record, e.standing, accuser_of(book_.id(e.record))});
    const auto count = static_cast<std::uint16_t>(std::min<std::size_t>(parts.size(), 0xffff));
    for (std::uint16_t i = 0; i < count; ++i) out.send(to, Message{Welcome{i, count}, parts[i]});
}

// ---- news ---------------------------------------------------------------------------------------------

void Membership::hear(Instant now, const Rumor& rumor, bool hearsay, Out& out) {
    const PeerId who = book_.id(rumor.about);
    const std::uint32_t incarnation = book_.incarnation(rumor.about);
    if (who == id_) {
        const auto before = self_;
        hear_about_self(rumor);
        if (self_ != before) arm_gossip(now, out);
        return;
    }
    const Roster::Entry* known = roster_.find(who);
    Standing standing = rumor.standing;
    if (hearsay && standing == Standing::dead) {
        if (!known) {  // not one of us; but remembered, so that we too can find out whether it is back
            roster_.put(rumor.about, Standing::dead);
            departed_.push_back({now, who});
            return;
        }
        standing = Standing::suspect;
    }

    if (!known) {
        if (standing >= Standing::dead) return;  // nobody we would miss
        roster_.put(rumor.about, Standing::alive);
        // At a random place of what is left of this round or of the next, so that a newcomer does not wait
        // for a whole round and a storm of them does not all come next.
        const std::size_t at = random_.below(order_.size() + 1);
        if (config_.probing && started_) {
            order_.insert(order_.begin() + static_cast<std::ptrdiff_t>(at), rumor.about);
            if (at < next_in_order_) ++next_in_order_;
        }
        out.tell(Joined{who, rumor.about});
        if (!hearsay) spread({rumor.about, Standing::alive, {}}, out, now);  // who welcomed us knew it before
        if (standing == Standing::suspect) accuse(now, who, rumor.accuser, out);
        return;
    }

    const std::uint32_t ours = book_.incarnation(known->record);
    if (incarnation < ours) return;
    if (incarnation == ours) {
        if (standing == Standing::suspect && known->standing == Standing::suspect) {
            accuse(now, who, rumor.accuser, out);  // perhaps one accuser more
            return;
        }
        if (standing <= known->standing) return;
    }
    if (known->standing == Standing::left && standing != Standing::alive) return;  // LEFT never becomes dead

    switch (standing) {
        case Standing::alive: {
            const Standing before = known->standing;
            roster_.put(rumor.about, Standing::alive);
            for (Handle& h : order_)
                if (book_.id(h) == who) h = rumor.about;
            end_suspicion(who);
            if (before == Standing::suspect) out.tell(Refuted{who});
            if (before >= Standing::dead) {
                std::erase_if(departed_, [&](const Departure& d) { return d.peer == who; });
                if (config_.probing) order_.push_back(rumor.about);
                out.tell(Joined{who, rumor.about});
            }
            spread({rumor.about, Standing::alive, {}}, out, now);
            break;
        }
        case Standing::suspect:
            if (known->standing >= Standing::dead) {
                // It was thought dead and has spoken since, with a higher incarnation that others doubt again.
                std::erase_if(departed_, [&](const Departure& d) { return d.peer == who; });
                if (config_.probing) order_.push_back(rumor.about);
                out.tell(Joined{who, rumor.about});
            }
            end_suspicion(who);
            roster_.put(rumor.about, Standing::alive);
            accuse(now, who, rumor.accuser, out);
            break;
        case Standing::dead:
        case Standing::left: {
            const bool present = known->standing <= Standing::suspect;
            roster_.put(rumor.about, known->standing);
            if (present) {
                bury(now, who, standing, out);
            } else {
                roster_.put(rumor.about, standing);
                spread({rumor.about, standing, {}}, out, now);
            }
            break;
        }
    }
}

void Membership::hear_about_self(const Rumor& rumor) {
    if (rumor.standing == Standing::alive || leaving_) return;
    const std::uint32_t incarnation = book_.incarnation(rumor.about);
    if (incarnation < book_.incarnation(self_)) return;  // refuted already
    Record record = book_.at(self_);
    record.incarnation = incarnation + 1;
    const auto handle = book_.intern(record);
    if (!handle) return;
    self_ = *handle;
    doubt_self(+1);  // whoever is suspected may be slow itself
    rumors_.put(book_, {self_, Standing::alive, {}}, true);
}

void Membership::accuse(Instant now, PeerId about, PeerId accuser, Out& out) {
    const Roster::Entry* entry = roster_.find(about);
    if (!entry || entry->standing > Standing::suspect) return;
    const Rumor rumor{entry->record, Standing::suspect, accuser};
    if (!config_.suspicion) {
        bury(now, about, Standing::dead, out);
        return;
    }
    const std::size_t n = roster_.present() + 1;
    auto found = std::find_if(suspicions_.begin(), suspicions_.end(), [&](const Suspicion& s) { return s.about == about; });
    if (found == suspicions_.end()) {
        roster_.put(entry->record, Standing::suspect);
        const auto k = static_cast<std::uint32_t>(config_.dogpile && n > 2 ? std::min<std::size_t>(3, n - 2) : 0);
        suspicions_.push_back({about, now, now, k, {accuser}});
        found = std::prev(suspicions_.end());
        out.tell(Suspected{about, accuser});
        spread(rumor, out, now);
    } else {
        auto& accusers = found->accusers;
        if (accusers.size() > found->k || std::find(accusers.begin(), accusers.end(), accuser) != accusers.end()) return;
        accusers.push_back(accuser);
        spread(rumor, out, now);  // an accuser that counts is worth telling on
    }
    const Duration min = shortest_suspicion(n, config_.alpha, config_.period);
    const auto confirmations = static_cast<std::uint32_t>(found->accusers.size() - 1);
    found->ends = now + remaining_suspicion(confirmations, found->k, now - found->since, min, scaled(min, config_.beta));
    out.wake(std::max(now, found->ends), SuspicionDue{about, found->since});
}

void Membership::suspicion_due(Instant now, const SuspicionDue& due, Out& out) {
    for (const Suspicion& s : suspicions_)
        if (s.about == due.about && s.since == due.since) {
            if (now < s.ends) return;
            return bury(now, due.about, Standing::dead, out);
        }
}

void Membership::end_suspicion(PeerId about) {
    std::erase_if(suspicions_, [&](const Suspicion& s) { return s.about == about; });
}

void Membership::bury(Instant now, PeerId about, Standing why, Out& out) {
    const Roster::Entry* entry = roster_.find(about);
    if (!entry) return;
    const Handle record = entry->record;
    roster_.put(record, why);
    end_suspicion(about);
    departed_.push_back({now, about});
    out.tell(Gone{about, why});
    spread({record, why, {}}, out, now);
}

void Membership::forget_old(Instant now) {
    const std::size_t cap = std::max<std::size_t>(1024, roster_.present());
    while (!departed_.empty() && (departed_.front().at + config_.forget_dead < now || departed_.size() > cap)) {
        roster_.remove(departed_.front().peer);
        departed_.pop_front();
    }
}

void Membership::doubt_self(int change) {
    if (!config_.local_health) return;
    health_ = static_cast<std::uint32_t>(std::clamp(static_cast<int>(health_) + change, 0, 8));
}

// ---- telling ------------------------------------------------------------------------------------------

void Membership::spread(const Rumor& rumor, Out& out, Instant now) {
    rumors_.put(book_, rumor, false);
    arm_gossip(now, out);
}

void Membership::arm_gossip(Instant now, Out& out) {
    if (gossip_armed_ || !config_.probing) return;
    gossip_armed_ = true;
    // After a random part of the interval: rumors heard together are not told on in step.
    const auto span = static_cast<std::uint64_t>(config_.gossip_every.count());
    out.wake(now + Duration(1 + static_cast<std::int64_t>(random_.below(span))), GossipDue{});
}

void Membership::gossip(Instant now, Out& out) {
    gossip_armed_ = false;
    // To different ones: with few members a telling must not be wasted on one who has just been told.
    std::vector<PeerId> told;
    const std::size_t most = std::min<std::size_t>(config_.gossip_to, roster_.present());
    for (int tries = 0; told.size() < most && !rumors_.empty() && tries < 16; ++tries) {
        const auto to = roster_.draw_present(random_);
        if (std::find(told.begin(), told.end(), *to) != told.end()) continue;
        told.push_back(*to);
        send(*to, Gossip{}, out);
    }
    if (leaving_ && farewells_ > 0 && --farewells_ == 0) out.tell(Departed{});
    if (rumors_.empty() && !(leaving_ && farewells_ > 0)) return;
    gossip_armed_ = true;
    out.wake(now + config_.gossip_every, GossipDue{});
}

void Membership::leave(Instant now, Out& out) {
    if (leaving_) return;
    leaving_ = true;
    joining_ = false;
    rumors_.put(book_, {self_, Standing::left, {}}, true);
    const std::uint32_t limit = telling_limit(roster_.present() + 1, config_.lambda);
    const auto a_tick = std::clamp<std::size_t>(config_.gossip_to, 1, std::max<std::size_t>(roster_.present(), 1));
    farewells_ = static_cast<std::uint32_t>(limit / a_tick) + 1;
    if (!config_.probing || roster_.present() == 0) {
        farewells_ = 0;
        out.tell(Departed{});
        return;
    }
    gossip(now, out);
}

std::optional<Rumor> Membership::news_for(PeerId to) const {
    const Roster::Entry* entry = roster_.find(to);
    if (!entry || entry->standing == Standing::alive || entry->standing == Standing::left) return std::nullopt;
    if (entry->standing == Standing::suspect && !config_.buddy) return std::nullopt;
    return Rumor{entry->record, entry->standing, accuser_of(to)};
}

// Who suspected it first, as far as we know; ourselves where nobody did.
PeerId Membership::accuser_of(PeerId about) const {
    for (const Suspicion& s : suspicions_)
        if (s.about == about) return s.accusers.front();
    return id_;
}

void Membership::send(PeerId to, decltype(Message::body) body, Out& out, std::optional<Rumor> first) {
    Message message{std::move(body), {}};
    PeerId already{};
    if (first) {
        message.rumors.push_back(*first);
        already = book_.id(first->about);
    }
    rumors_.take(book_, message.rumors, config_.rumor_bytes, telling_limit(roster_.present() + 1, config_.lambda), already);
    out.send(to, std::move(message));
}

}  // namespace grapevine::membership
