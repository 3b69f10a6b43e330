#include "rounds.hpp"

#include <algorithm>
#include <cassert>

namespace grapevine::gossip {

namespace {
// Who is silent for a minute is no longer on the roll, and no round takes less than a millisecond.
constexpr std::uint64_t most_ahead = 1 << 16;

std::pair<std::uint64_t, std::uint64_t> roll_and_round(const Message& message) {
    if (const auto* m = std::get_if<RoundModel>(&message)) return {m->roll, m->round};
    if (const auto* m = std::get_if<Part>(&message)) return {m->roll, m->round};
    if (const auto* m = std::get_if<Ready>(&message)) return {m->roll, m->round};
    if (const auto* m = std::get_if<Chosen>(&message)) return {m->roll, m->round};
    return {0, 0};
}
}  // namespace

Rounds::Rounds(const Config& config, PeerId self, Random random)
    : config_(config), self_(self), ticks_(random.split(2)), roll_(config, self),
      in_groups_(config.kind == Kind::group || config.kind == Kind::outer),
      waits_for_all_(config.kind == Kind::allreduce || (config.kind == Kind::outer && config.group_size == 0)) {
    next_due_step_ = config.every_steps.value_or(0);
}

void Rounds::step(Instant now, Input&& input, const Company& company, Out& out) {
    std::visit(
        Cases{
            [&](Start&) {
                started(out);
                ticks_.start(config_, now, out);
                if (roll_.start(now, company, out)) roll_changed(now, out);
            },
            [&](PeerUp&) {
                if (roll_.view_changed(now, company, out)) roll_changed(now, out);
            },
            [&](PeerDown& down) {
                if (roll_.view_changed(now, company, out)) roll_changed(now, out);
                if (in_round_) lost_peer(now, *roll_.in_force(), down.peer, out);
            },
            [&](Received<Message>& received) { receive(now, received.from, std::move(received.message), company, out); },
            [&](Woken<Timer>& woken) {
                if (const auto* due = std::get_if<Due>(&woken.timer)) {
                    const auto turn = ticks_.woken(config_, now, *due, out);
                    if (!turn || halted_ || finishing_) return;
                    turn_ = *turn;
                    if (!roll_.in_force() || roll_.in_force()->size() < 2) return;
                    if (in_round_) return out.tell(Skipped{});
                    if (!woken_by_others()) return begin(now, turn_, out);
                    if (std::exchange(begun_since_tick_, false)) return;  // others were first
                    begin(now, round_ + 1, out);
                    begun_since_tick_ = false;
                } else if (const auto* due = std::get_if<Overdue>(&woken.timer)) {
                    if (due->stamp != watch_) return;  // one that was set earlier. By a clock that was slowed this one may come early
                    watching_ = false;
                    if (!in_round_) return;
                    if (in_slices_) overdue_at_ = now + patience();  // it is our own step that takes so long
                    if (now >= overdue_at_) overdue(now, *roll_.in_force(), out);
                    else watch(out);
                } else if (std::holds_alternative<RollDue>(woken.timer)) {
                    if (roll_.woken(now, company, out)) roll_changed(now, out);
                }
            },
            [&](Undelivered& u) {
                // Also what was sent in the round before: we may be through it, and who needs it not. And also to
                // somebody we hold for dead just now: while it is on the roll the others count on it.
                undelivered(u.to, u.ticket);
                if (!roll_.in_force() || !std::binary_search(roll_.in_force()->ids->begin(), roll_.in_force()->ids->end(), u.to)) return;
                for (const Sent& sent : sent_)
                    if (sent.to == u.to && ticket(sent.message) == u.ticket) return out.send(sent.to, sent.message);
            },
            [&](Completion& completion) {
                samples_ = completion.samples_behind;
                if (const auto* trained = std::get_if<Trained>(&completion.what)) return this->trained(now, *trained, out);
                --orders_out_;
                if (stale_orders_ > 0) {
                    if (--stale_orders_ == 0 && !in_round_) train(now, out);
                    return;
                }
                if (in_round_) completed(now, *roll_.in_force(), std::move(completion), out);
            },
            [&](Finish&) {
                if (finishing_) return;
                finishing_ = true;
                training_.stop();
                ticks_.stop();
                if (!training_.slice()) out.tell(Finished{});  // after a round all that took part have what they agreed on
            },
            [&](Halt&) {
                halted_ = true;
                training_.stop();
                ticks_.stop();
                roll_.stop();
            },
        },
        input);
}

void Rounds::trained(Instant now, const Trained& trained, Out& out) {
    if (const auto slice = training_.slice()) {
        if (slice->index == 0 && in_slices_) entered_ = now;  // publishing begins
        if (slice->last() && in_slices_) {
            in_slices_ = false;
            overdue_at_ = now + patience();
        }
        if (in_round_) sliced(now, *roll_.in_force(), *slice, out);
        if (!slice->last()) return training_.next_slice([&](Train t) { out.tell(Order{++tag_, t}); });
        if (finishing_) out.tell(Finished{});
    }
    training_.ended(now, trained);
    out.tell(TrainedSome{trained.steps, trained.loss});
    train(now, out);
}

void Rounds::roll_changed(Instant now, Out& out) {
    abandon();
    in_slices_ = false;
    if (in_round_) {
        in_round_ = false;
        stale_orders_ = orders_out_;
    }
    early_.clear();
    sent_.clear();
    round_ = 0;
    ended_ = now;
    steps_then_ = training_.steps();
    begun_since_tick_ = overtaken_ = false;
    mixed_on_roll_ = 0;
    if (config_.every_steps) next_due_step_ = training_.steps() + (training_.steps() > 0 ? 0 : *config_.every_steps);
    if (roll_.in_force()) train(now, out);
}

// Trains on, or begins the round that is due. Without a roll there is nobody to wait for, and nobody to mix
// with: an exchange of rounds then stands still, as its users expect of it.
void Rounds::train(Instant now, Out& out) {
    if (halted_ || finishing_ || in_round_ || training_.under_way() || !roll_.in_force() || stale_orders_ > 0) return;
    const bool alone = roll_.in_force()->size() < 2;
    if (woken_by_others() && !alone && has_trained() && (overtaken_ || !early_.empty())) return begin(now, round_ + 1, out);
    if (falls_in() && !alone && has_trained()) return begin(now, latest_early(), out);
    if (config_.every_steps && (training_.steps() >= next_due_step_ || overtaken_)) {
        if (!alone) return begin(now, round_ + 1, out);
        next_due_step_ = training_.steps() + *config_.every_steps;
    }
    if (!alone && left_out() && training_.steps() + *config_.every_steps > next_due_step_) return begin(now, round_ + 1, out);
    if (!alone && config_.backup > 0 && !training_.wanted(config_)) return begin(now, round_ + 1, out);
    // One that has made its steps trains no more, but takes part in the rounds of those who have not.
    if (!training_.wanted(config_) && !ticks_.any(config_) && !early_.empty()) {
        std::uint64_t next = ~std::uint64_t{0};
        for (const Early& e : early_) next = in_groups_ ? round_ + 1 : std::min(next, roll_and_round(e.message).second);
        return begin(now, next, out);
    }
    std::uint64_t most = ~std::uint64_t{0};
    if (config_.every_steps) most = next_due_step_ - training_.steps();
    if (config_.buckets > 1 && !alone && training_.wanted(config_) && --most == 0) {
        in_slices_ = true;
        begin(now, round_ + 1, out);
        return training_.begin_slices(now, config_.buckets, [&](Train t) { out.tell(Order{++tag_, t}); });
    }
    training_.begin(config_, now, most, [&](Train t) {
        t.drift = drift();
        out.tell(Order{++tag_, t});
    });
}

void Rounds::begin(Instant now, std::uint64_t round, Out& out) {
    in_round_ = begun_since_tick_ = true;
    overtaken_ = false;
    std::erase_if(sent_, [&](const Sent& s) { return s.round != round_; });  // the round before stays
    round_ = round;
    entered_ = now;
    overdue_at_ = now + patience();
    if (!watching_ || overdue_at_ < watched_until_) watch(out);
    enter(now, *roll_.in_force(), out);
    std::vector<Early> kept = std::move(early_);
    early_.clear();
    for (Early& e : kept) take(now, e.from, std::move(e.message), out);
}

Duration Rounds::patience() const {
    Duration patience = patience_.now(config_);
    // A part that is lost is sent again when the transport has given it up, which takes it three seconds.
    if (in_groups_ && !config_.patience) patience = std::max(patience, Duration(std::chrono::seconds(5)));
    if (waits_for_all_ && !config_.patience) patience = std::chrono::minutes(10);  // slow is waited for; dead leave the roll
    return patience;
}

void Rounds::look_again(Instant at, Out& out) {
    overdue_at_ = at;
    if (!watching_ || overdue_at_ < watched_until_) watch(out);
}

// One timer watches whatever round we are in: one a round would outlive it, by minutes where patience is long.
void Rounds::watch(Out& out) {
    watching_ = true;
    watched_until_ = overdue_at_;
    out.wake(overdue_at_, Overdue{++watch_});
}

void Rounds::done(Instant now, How how, Out& out) {
    in_round_ = false;
    stale_orders_ = orders_out_;  // of a round that was given up while the learner was still at it
    if (how == How::mixed) {  // what was waited for in vain says nothing of how long a round takes
        // The next wait may be for a slow one where this was for none: what counts is the time between rounds. Half of those who
        // wait for one partner do not wait at all; by the waits alone patience would soon be too short for the others.
        patience_.took(now - ended_);
        ++mixed_on_roll_;
    }
    overtaken_ = how == How::overtaken;
    ended_ = now;
    steps_then_ = training_.steps();
    if (config_.every_steps) next_due_step_ = training_.steps() + *config_.every_steps;
    train(now, out);
}

void Rounds::receive(Instant now, PeerId from, Message&& message, const Company& company, Out& out) {
    const Snapshot* snapshot = parameters(message);
    const bool of_a_round = snapshot || std::holds_alternative<Ready>(message) || std::holds_alternative<Chosen>(message);
    if (!of_a_round) {
        if (roll_.received(now, from, message, company, out)) roll_changed(now, out);
        return;
    }
    if (halted_) return;
    roll_.heard(now, from, out);
    if (roll_.implied(roll_and_round(message).first, out)) roll_changed(now, out);
    if (!roll_.in_force()) return;
    if (roll_and_round(message).first != roll_.in_force()->hash) return roll_.outdated(from, out);
    if (!std::binary_search(roll_.in_force()->ids->begin(), roll_.in_force()->ids->end(), from)) return;
    if (!snapshot) return told(now, *roll_.in_force(), from, message, out);
    if (!fits(*snapshot, config_.layout, config_.size)) return out.tell(Failed{from, Failure::other_layout});
    take(now, from, std::move(message), out);
}

void Rounds::take(Instant now, PeerId from, Message&& message, Out& out) {
    const std::uint64_t round = roll_and_round(message).second;
    if (config_.backup > 0 && !in_round_) return;  // nothing comes but for who has said that it is ready
    if (in_round_ && (round == round_ || (config_.backup > 0 && round > round_))) return arrived(now, *roll_.in_force(), from, std::move(message), out);
    if (round <= round_) return late(*roll_.in_force(), from, message, out);
    if (config_.every_steps && round - round_ > most_ahead) return;  // one would go through all of them to get there
    if (config_.kind == Kind::allreduce) {
        if (!ticks_.any(config_) && round != round_ + 1) return;  // nobody can be further ahead than that
    } else {
        if (!make_room(from, round)) return;
    }
    const std::size_t ahead_of_us = std::max<std::size_t>(4 * std::size_t{config_.buckets}, ahead(*roll_.in_force()));
    if (early_.size() >= ahead_of_us * roll_.in_force()->size() + 16) return;  // more than any honest peer is ahead
    early_.push_back({from, std::move(message)});
    if (in_round_) return passed(now, *roll_.in_force(), from, out);
    if (!training_.wanted(config_) || woken_by_others() || falls_in()) train(now, out);
}

bool Rounds::falls_in() const {
    if (early_.empty() || !ticks_.any(config_) || config_.clock != Clock::rounds) return false;
    const std::uint64_t latest = latest_early();
    return latest > round_ && latest <= turn_;
}

std::uint64_t Rounds::latest_early() const {
    std::uint64_t latest = 0;
    for (const Early& e : early_) latest = std::max(latest, roll_and_round(e.message).second);
    return latest;
}

// For one more early message of this sender. Not for one that came before, or that is older than enough others.
bool Rounds::make_room(PeerId from, std::uint64_t round) {
    std::size_t kept = 0;
    auto oldest = early_.end();
    for (auto e = early_.begin(); e != early_.end(); ++e) {
        if (e->from != from) continue;
        const std::uint64_t theirs = roll_and_round(e->message).second;
        if (theirs == round) return false;
        ++kept;
        if (oldest == early_.end() || theirs < roll_and_round(oldest->message).second) oldest = e;
    }
    if (kept < ahead(*roll_.in_force())) return true;
    if (round < roll_and_round(oldest->message).second) return false;
    early_.erase(oldest);
    return true;
}

std::uint32_t Rounds::order(decltype(Order::what) what, Out& out) {
    ++orders_out_;
    out.tell(Order{++tag_, std::move(what)});
    return tag_;
}

void Rounds::send(PeerId to, Message message, Out& out) {
    sent_.push_back({round_, to, message});
    out.send(to, std::move(message));
}

}  // namespace grapevine::gossip
