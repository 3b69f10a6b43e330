// Coming in: who is asked, what is told, and whether a name is one's own.
#include <algorithm>
#include <utility>

#include "grapevine/membership/membership.hpp"

namespace grapevine::membership {

void Membership::meet(Instant now, Handle who, Out& out) {
    if (book_.id(who) == id_ || leaving_) return;
    if (view_) return enter_through(now, who, out);
    hear(now, book_.id(who), Rumor{who, Standing::alive, {}}, true, out);
    auto& seeds = occasional().seeds;
    if (std::find(seeds.begin(), seeds.end(), who) == seeds.end()) seeds.push_back(who);
    send(book_.id(who), Join{}, out, about_self());
    joining_ = true;
    if (join_armed_) return;
    join_armed_ = true;
    out.wake(now + config_.period, JoinDue{});
}

void Membership::join_again(Instant now, Out& out) {
    join_armed_ = joining_ && !leaving_;
    if (!join_armed_) return;
    // The same seed a second time, then the others in turn: any of them may have died.
    const auto& seeds = occasional().seeds;
    const Handle seed = seeds[(++occasional().join_tries / 2) % seeds.size()];
    send(book_.id(seed), Join{}, out, about_self());
    out.wake(now + config_.period, JoinDue{});
}

void Membership::join_asked(Instant now, PeerId from, const Message& message, Out& out) {
    for (const Rumor& rumor : message.rumors) {
        if (book_.id(rumor.about) == from && present(rumor.standing) && !roster_.find(from) &&
            claim(now, rumor.about, out) == Claim::taken)
            return send(from, NameTaken{}, out);
        hear(now, from, rumor, false, out);
    }
    successor_speaks(from, out);
    if (told_lately(now, from)) return;
    send_roster(from, out);
    // Somebody we had buried asks who is there: tell it so, and ask back. Both sides of a healed cut learn of each
    // other by this. Now and then is enough: news spread by themselves.
    const auto news = news_for(from);
    if (!news || news->standing != Standing::dead || now < occasional().next_heal) return;
    occasional().next_heal = now + 5 * config_.period;
    send(from, Join{}, out, news);
}

void Membership::welcomed(Instant now, const Welcome& part, Out& out) {
    if (part.part >= part.parts) return;
    auto& welcomed = occasional().welcomed;
    if (welcomed.size() != part.parts) welcomed.assign(part.parts, false);  // it grew: all anew
    welcomed[part.part] = true;
    if (std::find(welcomed.begin(), welcomed.end(), false) != welcomed.end()) return;
    // Told by ourselves too: where many come at once, those who welcome them have more to tell than they can.
    if (joining_ && !leaving_) spread(now, about_self(), out, true);
    joining_ = false;
    settled_ = true;
}

// A short question must not cost us a long answer again and again. A loss costs the asker one period.
bool Membership::told_lately(Instant now, PeerId peer) {
    constexpr std::size_t remembered = 32;
    auto& answered = occasional().answered;
    for (Answered& a : answered)
        if (a.peer == peer) {
            if (now - a.at < config_.period / 2) return true;
            a.at = now;
            return false;
        }
    if (answered.size() < remembered) {
        answered.push_back({peer, now});
    } else {
        answered[occasional().next_answered] = {peer, now};
        occasional().next_answered = (occasional().next_answered + 1) % remembered;
    }
    return false;
}

void Membership::send_roster(PeerId to, Out& out) {
    // The dead go too: told at first hand they may refute it, and that is how two halves of a cluster find
    // each other again. Who hears of a death in a welcome takes it as a suspicion, never as a verdict.
    std::vector<RumorList> parts(1);
    std::size_t bytes = 0;
    const auto add = [&](const Rumor& rumor) {
        const std::size_t size = book_.wire_bytes(rumor.about);
        if (parts.back().full() || (bytes + size > config_.rumor_bytes && !parts.back().empty())) {
            parts.emplace_back();
            bytes = 0;
        }
        parts.back().push_back(rumor);
        bytes += size;
    };
    add(about_self());
    for (const auto& e : roster_.entries())
        if (book_.id(e.record) != to) add(rumor_of(e));
    const auto count = static_cast<std::uint16_t>(std::min<std::size_t>(parts.size(), 0xffff));
    for (std::uint16_t i = 0; i < count; ++i) out.send(to, Message{Welcome{i, count}, parts[i]});
}

// ---- identity -----------------------------------------------------------------------------------------
//
// A name that is an identity belongs to its latest generation under one key. What a record claims:
//     the later run of a name we know under another id: that other one has left
//     an earlier run than one that is there: old news, whoever brings them
//     the same name under another key while its bearer is there: not let in

Membership::Claim Membership::claim(Instant now, Handle about, Out& out) {
    const std::uint64_t generation = book_.generation(about);
    if (generation == 0) return Claim::fine;
    const std::string_view key = book_.key(about);
    const PeerId who = book_.id(about);
    std::vector<PeerId> earlier;
    for (Handle h = book_.namesake(about); h != about; h = book_.namesake(h)) {
        const PeerId other = book_.id(h);
        if (other == who) continue;
        if (other == id_) {
            if (h != self_) continue;
            if (book_.key(h) != key) return Claim::taken;
            if (!claimed_by(now, about, out)) return Claim::outdated;
            continue;
        }
        const Roster::Entry* known = roster_.find(other);
        if (!known || known->record != h) continue;
        if (book_.key(h) != key) {
            if (present(known->standing)) return Claim::taken;
            continue;
        }
        if (book_.generation(h) > generation) {
            if (present(known->standing)) return Claim::outdated;
            continue;  // the later one is gone; perhaps it was a mistake, and the earlier one is there still
        }
        if (book_.generation(h) < generation) earlier.push_back(other);
    }
    for (const PeerId other : earlier)
        if (const auto* e = roster_.find(other); e && e->standing != Standing::left) bury(now, other, Standing::left, out);
    return Claim::fine;
}

// Somebody else runs under our name and key. If we are new here, it is the run before us (whose clock may have been
// ahead of ours); else it may be the next one, which then has to say so itself. Whether it is.
bool Membership::claimed_by(Instant now, Handle namesake, Out& out) {
    const std::uint64_t theirs = book_.generation(namesake), ours = book_.generation(self_);
    if (!settled_ && theirs >= ours) {
        Record record = book_.at(self_);
        record.generation = theirs + 1;
        change_self(now, record, out);
    } else if (theirs > ours) {
        occasional().successor = book_.id(namesake);  // believed when it speaks itself
        return true;
    }
    send(book_.id(namesake), Gossip{}, out, about_self());  // so that it ends, if it runs still
    return false;
}

void Membership::successor_speaks(PeerId from, Out& out) {
    if (occasional_ && from == occasional_->successor && !leaving_) out.tell(Superseded{std::exchange(occasional_->successor, PeerId{})});
}

}  // namespace grapevine::membership
