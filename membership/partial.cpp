// Membership over a partial view: its neighbours are the roster, which the detector probes as it does a full one. What
// is said of others than neighbours concerns nobody here but the view.
#include <algorithm>
#include <utility>

#include "grapevine/membership/membership.hpp"

namespace grapevine::membership {

namespace {
constexpr std::uint8_t rounds_between_shuffles = 3, hurried_rounds = 30, rounds_between_looks = 16;
constexpr std::uint8_t counted_rounds = hurried_rounds + 4 * rounds_between_shuffles * rounds_between_looks;  // then it begins again after the hurry
}

class Membership::ViewEffects final : public ViewOut {
public:
    ViewEffects(Membership& members, Out& out) : m_(members), out_(out) {}

    void send(Handle to, const ViewMessage& message) override {
        const PeerId peer = m_.book_.id(to);
        const auto* e = m_.roster_.find(peer);
        // To the view it is silent, which it is; but who knows nobody else asks also the dead to let it in.
        if (e && !present(e->standing) && !std::holds_alternative<Enter>(message)) return;
        if (!m_.view_->contains(peer)) {
            out_.tell(Reachable{peer, to});
            m_.strangers_.push_back(to);
        }
        m_.send(peer, message, out_);
    }
    void answer(PeerId to, const ViewMessage& message) override { m_.send(to, message, out_); }
    void known(Handle who) override { out_.tell(Reachable{m_.book_.id(who), who}); }
    void unknown(PeerId who) override { out_.tell(Unreachable{who}); }
    void up(Handle who) override {
        const PeerId peer = m_.book_.id(who);
        if (const auto* e = m_.roster_.find(peer)) {
            // The view may have an older record than the rumors; who is dead here does not get so far.
            if (m_.book_.incarnation(e->record) >= m_.book_.incarnation(who)) return;
        }
        m_.roster_.put(who, Standing::alive);
        m_.roster_.reach(peer, true);
        m_.order_.added(peer);
        out_.tell(Joined{peer, who});
        m_.tell_of_the_dead();
    }
    void down(PeerId who) override {
        m_.end_suspicion(who);
        m_.roster_.remove(who);
    }

private:
    Membership& m_;
    Out& out_;
};

void Membership::enter_through(Instant, Handle contact, Out& out) {
    ViewEffects effects(*this, out);
    view_->join(contact, effects);
    settled_ = true;
}

void Membership::enter_view(Out& out) {
    ViewEffects effects(*this, out);
    view_->start(effects);
}

// Once a period.
void Membership::tend_view(Instant now, Out& out) {
    ViewEffects effects(*this, out);
    // Strangers of the round before last have had the time to be written to.
    for (std::size_t i = 0; i < passed_strangers_; ++i)
        if (const PeerId peer = book_.id(strangers_[i]); !view_->contains(peer)) out.tell(Unreachable{peer});
    strangers_.erase_front(passed_strangers_);
    passed_strangers_ = static_cast<std::uint32_t>(strangers_.size());
    view_->repair(effects);
    const bool hurry = view_rounds_ < hurried_rounds;
    if (hurry || view_rounds_ % rounds_between_shuffles == 0) view_->shuffle(effects);
    if (occasional_ && view_rounds_ % rounds_between_looks == 0 && occasional_->over(now, config_.period)) occasional_.reset();
    if (++view_rounds_ == counted_rounds) view_rounds_ = hurried_rounds;
}

void Membership::receive(Instant, PeerId from, const ViewMessage& message, Out& out) {
    if (leaving_ || !view_) return;  // it may come from somebody whose views are otherwise than ours
    ViewEffects effects(*this, out);
    view_->receive(from, message, effects);
}

void Membership::stranger_pinged(Instant, PeerId from, Out& out) {
    ViewEffects effects(*this, out);
    view_->stranger_pinged(from, effects);
}

void Membership::forget_partner(PeerId partner, Out& out) {
    ViewEffects effects(*this, out);
    view_->forget(partner, effects);
}

// Somebody whom we hold for dead, or who has left, writes. It has to refute that before it is anything to us again;
// that it may, it is told, now and then, and who we are if it thinks the same of us.
bool Membership::heard_from_the_dead(Instant now, PeerId from, const Message& message, Out& out) {
    const auto gone = [&] {
        const auto* e = roster_.find(from);
        return e && !present(e->standing);
    };
    if (!gone()) return false;
    for (const Rumor& rumor : message.rumors)
        if (book_.id(rumor.about) == from || book_.id(rumor.about) == id_) hear(now, from, rumor, false, out);
    if (!gone()) return false;
    if (now < occasional().next_heal) return true;
    occasional().next_heal = now + config_.period / 2;
    const auto* e = roster_.find(from);
    Message answer{Gossip{}, {}};
    answer.rumors.push_back({e->record, e->standing, id_});
    answer.rumors.push_back(about_self());
    out.send(from, std::move(answer));
    return true;
}

// It lives: it is called on, and so the two clusters that a cut had made find together.
void Membership::welcome_back(Instant, Handle record, Out& out) {
    const PeerId who = book_.id(record);
    if (occasional_) occasional_->graveyard.risen(who);
    end_suspicion(who);
    roster_.remove(who);
    ViewEffects effects(*this, out);
    view_->reunite(record, effects);
}

void Membership::no_neighbour_more(Instant, PeerId peer, Out& out) {
    ViewEffects effects(*this, out);
    view_->member_down(peer, effects);
}

void Membership::hear_of_nobody_of_ours(Instant now, const Rumor& rumor, Out& out) {
    const PeerId who = book_.id(rumor.about);
    ViewEffects effects(*this, out);
    if (view_->contains(who)) {
        // It has refuted that since. Dead that all have found alive would else be told of on and on, by who has not, and each time
        // be called, and somebody's neighbour give way for them.
        const auto later = [&](Handle h) { return book_.id(h) == who && book_.incarnation(h) > book_.incarnation(rumor.about); };
        const auto any_later = [&](const auto& view) {
            for (const Handle h : view)
                if (later(h)) return true;
            return false;
        };
        if (!present(rumor.standing) && (any_later(view_->active()) || any_later(view_->passive()))) return;
        if (!present(rumor.standing)) view_->member_down(who, effects);
        else if (rumor.standing == Standing::alive) view_->renew(rumor.about, effects);
    }
    // Where many are linked, many have lost somebody themselves. Where few are (nobody has all its neighbours), who did may
    // be gone itself when a cut heals, and the others would know no way to the other side.
    if (rumor.standing == Standing::dead && view_->room() && roster_.dead() < Graveyard::in_partial_view) remember_dead(now, rumor.about);
}

// To a new neighbour, with whatever we tell it: it may have come after they were held for dead.
void Membership::tell_of_the_dead() {
    if (!view_->room()) return;
    for (const auto& e : roster_.entries())
        if (e.standing == Standing::dead) rumors_.put(book_, rumor_of(e), false);
}

// Whoever asks us to ping somebody says who that is.
void Membership::reach_target(const Message& message, PeerId target, Out& out) {
    for (const Rumor& rumor : message.rumors)
        if (book_.id(rumor.about) == target && !view_->contains(target)) out.tell(Reachable{target, rumor.about});
}

void Membership::lose_target(PeerId target, Out& out) {
    if (view_ && !view_->contains(target)) out.tell(Unreachable{target});
}

}  // namespace grapevine::membership
