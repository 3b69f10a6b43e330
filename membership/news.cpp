// What is heard of others and of ourselves, and what follows from it.
#include <algorithm>

#include "grapevine/membership/membership.hpp"
#include "grapevine/portable_math.hpp"

namespace grapevine::membership {

namespace {
// Nobody raises its incarnation by so much while we do not look; and who would claim it for somebody else must not
// bring it near the end of its numbers.
constexpr std::uint32_t highest_step = 1u << 16, highest_first = 1u << 20, highest = 1u << 31;

// What is said at second hand. The subject itself is always believed, and goes no further than others follow it.
bool believable(std::uint32_t ours, std::uint32_t theirs) { return theirs <= highest_first || (theirs > ours && theirs - ours <= highest_step && theirs <= highest); }

bool same_but_incarnation(Record a, const Record& b) {
    a.incarnation = b.incarnation;
    return a == b;
}
}  // namespace

void Membership::hear(Instant now, PeerId from, const Rumor& rumor, bool hearsay, Out& out) {
    const PeerId who = book_.id(rumor.about);
    if (who == id_) return hear_about_self(now, rumor, out);
    const Roster::Entry* known = roster_.find(who);
    if (!known) return view_ ? hear_of_nobody_of_ours(now, rumor, out) : hear_about_stranger(now, rumor, hearsay, out);

    Standing standing = rumor.standing;
    if (hearsay && standing == Standing::dead) standing = Standing::suspect;
    // Whom we hold for dead may speak for itself, and against nobody.
    if (standing == Standing::suspect || standing == Standing::dead)
        if (const auto* speaker = roster_.find(from); speaker && !present(speaker->standing)) return;

    // One sick observer must not kill whom everybody else hears: who is well refutes it in time.
    if (config_.confirm && standing == Standing::dead && known->standing == Standing::alive) standing = Standing::suspect;

    const PeerId accuser = rumor.standing == Standing::suspect ? rumor.accuser : from;
    const Standing before = known->standing;
    const std::uint32_t incarnation = book_.incarnation(rumor.about), ours = book_.incarnation(known->record);
    if (incarnation < ours || (incarnation > ours && from != who && !believable(ours, incarnation))) return;
    if (incarnation == ours) {
        if (standing == Standing::suspect && before == Standing::suspect) return accuse(now, who, accuser, out);  // perhaps one more
        if (standing <= before) return;
        // The record stays ours: of two that contradict each other the first counts, until their subject settles it.
        if (standing == Standing::suspect) return accuse(now, who, accuser, out);
        if (!present(before)) {  // dead, and now known to have left
            roster_.put(known->record, standing);
            return spread(now, {known->record, standing, {}}, out);
        }
        return bury(now, who, standing, out);
    }
    if (before == Standing::left && standing == Standing::dead) return;  // LEFT never becomes dead
    if (present(standing) && claim(now, rumor.about, out) != Claim::fine) return;

    const Handle was = known->record;
    end_suspicion(who);
    switch (standing) {
        case Standing::alive:
        case Standing::suspect:
            roster_.put(rumor.about, Standing::alive);
            if (view_) roster_.reach(who, true);
            if (before == Standing::suspect && standing == Standing::alive) {
                occasional().flapping.refuted(who, now);
                out.tell(Refuted{who});
            }
            if (!present(before)) {
                comes_back(now, rumor.about, out);
                if (!roster_.contains(who)) return;
            } else if (!same_but_incarnation(book_.at(was), book_.at(rumor.about))) out.tell(Changed{who, rumor.about});
            spread(now, {rumor.about, Standing::alive, {}}, out);
            if (standing == Standing::suspect) accuse(now, who, accuser, out);
            break;
        case Standing::dead:
        case Standing::left:
            roster_.put(rumor.about, present(before) ? Standing::alive : standing);
            if (present(before)) bury(now, who, standing, out);
            else spread(now, {rumor.about, standing, {}}, out);
            break;
    }
}

void Membership::hear_about_stranger(Instant now, const Rumor& rumor, bool hearsay, Out& out) {
    if (roster_.entries().size() >= config_.most_members || book_.incarnation(rumor.about) > highest_first) return;
    const PeerId who = book_.id(rumor.about);
    if (!present(rumor.standing)) {
        // Not one of us. But a dead one is remembered, so that we too can find out whether it is back.
        if (!hearsay || rumor.standing != Standing::dead) return;
        remember_dead(now, rumor.about);
        out.tell(Reachable{who, rumor.about});
        return;
    }
    if (claim(now, rumor.about, out) != Claim::fine) return;
    roster_.put(rumor.about, Standing::alive);
    order_.added(who);
    out.tell(Joined{who, rumor.about});
    if (!hearsay) spread(now, {rumor.about, Standing::alive, {}}, out);  // who welcomed us knew it before
    if (rumor.standing == Standing::suspect) accuse(now, who, rumor.accuser, out);
}

void Membership::remember_dead(Instant now, Handle record) {
    if (book_.incarnation(record) > highest_first) return;
    roster_.put(record, Standing::dead);
    occasional().graveyard.bury(now, book_.id(record));
}

// With a higher incarnation than that which was dead or had left.
void Membership::comes_back(Instant now, Handle record, Out& out) {
    const PeerId who = book_.id(record);
    if (view_) return welcome_back(now, record, out);
    sync_within(now, 10, out);  // a cut has healed: what else did we miss?
    if (occasional_) occasional_->graveyard.risen(who);
    order_.added(who);
    out.tell(Joined{who, record});
}

// A doubt is answered by a higher incarnation, and so is whoever speaks in our name.
void Membership::hear_about_self(Instant now, const Rumor& rumor, Out& out) {
    if (leaving_) return;
    const std::uint32_t incarnation = book_.incarnation(rumor.about), ours = book_.incarnation(self_);
    if (incarnation < ours) {  // refuted already, but not for whom we hear it from
        if (rumor.standing != Standing::alive && !rumors_.contains(id_)) spread(now, about_self(), out, true);
        return;
    }
    if (rumor.standing == Standing::alive && rumor.about == self_) return;
    if (incarnation >= highest || !believable(ours, incarnation + 1)) return;  // nobody would believe our answer
    Record record = book_.at(self_);
    record.incarnation = incarnation;  // that which must be passed
    change_self(now, record, out);
    if (rumor.standing == Standing::suspect || rumor.standing == Standing::dead) health_.doubt(1);  // we may be slow ourselves
}

void Membership::change_self(Instant now, const Record& record, Out& out) {
    Record next = record;
    ++next.incarnation;
    const auto handle = book_.intern(book_.sealed(std::move(next)));
    if (!handle) return;
    self_ = *handle;
    if (view_) view_->self_is(self_);
    roster_.degrade_self(book_.degraded(self_));
    spread(now, about_self(), out, true);
}

void Membership::accuse(Instant now, PeerId about, PeerId accuser, Out& out) {
    const Roster::Entry* entry = roster_.find(about);
    if (!entry || !present(entry->standing)) return;
    if (!config_.suspicion) return bury(now, about, Standing::dead, out);
    const Handle record = entry->record;
    const std::size_t n = members();
    Suspicion* s = suspicion_of(about);
    if (!s) {
        const bool flapping = flaps(now, record);
        if (flapping && occasional_ && occasional_->flapping.since(about, now, 10 * config_.period)) return;  // it spoke just now
        const auto k = static_cast<std::uint8_t>(config_.dogpile && !flapping && n > 2 && !view_ ? std::min<std::size_t>(3, n - 2) : 0);
        // A flapping member gets all the time there is. In partial mode nobody else who probes it is told of it: there is nothing to wait for.
        roster_.put(record, Standing::suspect);
        s = &occasional().suspicions.begin(about, now, k, accuser);
        s->patient = flapping;
        out.tell(Suspected{about, accuser});
    } else {
        // One that counts is a member, and not one of those that have been counted.
        if (!s->takes_more() || s->accused_by(accuser) || (accuser != id_ && !roster_.contains(accuser))) return;
        s->accusers[s->count++] = accuser;
    }
    spread(now, {record, Standing::suspect, accuser}, out);
    const Duration min = shortest_suspicion(n, config_.alpha, config_.period);
    const Duration max = scaled(min, config_.beta);
    s->ends = now + remaining_suspicion(s->confirmations(), s->k, now - s->since, s->patient ? max : min, max);
    s->armed = std::max(now, s->ends);
    out.wake(s->armed, SuspicionDue{about, s->since});
}

bool Membership::flaps(Instant now, Handle record) const {
    return config_.damping && (book_.degraded(record) || (occasional_ && occasional_->flapping.often(book_.id(record), now)));
}

void Membership::suspicion_due(Instant now, const SuspicionDue& due, Out& out) {
    Suspicion* s = suspicion_of(due.about);
    if (!s || s->since != due.since) return;
    if (now >= s->ends) return bury(now, due.about, Standing::dead, out);
    if (s->armed > now) return;
    s->armed = s->ends;  // it was postponed
    out.wake(s->armed, due);
}

void Membership::bury(Instant now, PeerId about, Standing why, Out& out) {
    const Roster::Entry* entry = roster_.find(about);
    if (!entry) return;
    const Handle record = entry->record;
    const bool was_present = present(entry->standing);
    roster_.put(record, why);
    end_suspicion(about);
    if (was_present) {
        occasional().graveyard.bury(now, about);
        occasional().bulk.forget(about);
        roster_.skip(about, false);
        out.tell(Gone{about, why});
        if (view_) no_neighbour_more(now, about, out);
    }
    spread(now, {record, why, {}}, out);
}

}  // namespace grapevine::membership
