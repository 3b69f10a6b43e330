#include "outer.hpp"

#include <cmath>
#include <limits>

#include "encoded.hpp"

namespace grapevine::gossip {

namespace {
constexpr std::uint32_t most_tries = 3;
constexpr Duration ask_again_after = std::chrono::milliseconds(250);
constexpr std::uint64_t finish_turn = ~std::uint64_t{0};  // turns that no clock comes to
constexpr std::uint64_t catch_up_turn = finish_turn - 1;
constexpr std::uint64_t ask_again_turn = finish_turn - 2;

// phi and m of a model that is at the beginning.
template <class Give>
void begin_slow(Give&& give) {
    give(Fold{Slow::phi, model_slot, 0, 1});
    give(Fold{Slow::momentum, model_slot, 0, 0});
}

// With the mean in slot `mean`: the new momentum and phi.
template <class Give>
void slow_step(const Config& config, Slot mean, bool nesterov, Give&& give) {
    give(Fold{Slow::momentum, Slow::phi, config.momentum, 1});
    give(Fold{Slow::momentum, mean, 1, -1});
    if (nesterov) give(Fold{Slow::phi, mean, 1 - config.rate, config.rate});  // phi - rate g
    give(Fold{Slow::phi, Slow::momentum, 1, nesterov ? -config.rate * config.momentum : -config.rate});
}
}  // namespace

// Of groups of `size` out of very many: x is how far a peer's phi lies from the mean, m its momentum. The others are as
// far on average and independent, so that E[g^2] = E[g x] = c E[x^2] and E[g m] = c E[x m] with c = 1 - 1/size. Then
// (E[x^2], E[x m], E[m^2]) goes by this matrix, and its spectral radius is lim |A^k|^(1/k), k = 1, 2, 4, ...
double outer_factor(double momentum, double rate, std::uint32_t size, std::uint64_t peers) {
    double c = 1 - 1.0 / size;
    if (peers > 1) c *= static_cast<double>(peers) / static_cast<double>(peers - 1);  // the mean is theirs too
    const double u = momentum, r = rate;
    double a[3][3] = {{1 - 2 * r * c + r * r * c, 2 * r * u * (r * c - 1), r * r * u * u},
                      {c * (1 - r), u - 2 * r * u * c, -r * u * u},
                      {c, 2 * u * c, u * u}};
    constexpr int squarings = 40;
    double norms[squarings];
    for (double& norm : norms) {
        norm = 0;
        for (const auto& row : a)
            for (const double x : row) norm += x * x;
        norm = std::sqrt(norm);
        if (!std::isfinite(norm)) return std::numeric_limits<double>::infinity();
        if (!(norm > 0)) return 0;
        double square[3][3] = {};
        for (int i = 0; i < 3; ++i)
            for (int j = 0; j < 3; ++j)
                for (int k = 0; k < 3; ++k) square[i][j] += (a[i][k] / norm) * (a[k][j] / norm);
        for (int i = 0; i < 3; ++i)
            for (int j = 0; j < 3; ++j) a[i][j] = square[i][j];
    }
    double radius = 1;
    for (int k = squarings - 1; k >= 0; --k) radius = norms[k] * std::sqrt(radius);
    return radius;
}

void OuterRounds::started(Out& out) {
    begin_slow([&](Fold f) { order(f, out); });
}

void OuterRounds::conclude(Out& out) {
    const bool everybody = config().group_size == 0;
    if (behind() || (everybody && first_of_roll())) {
        order(Fold{Slow::phi, gathered_, 0, 1}, out);
        order(Fold{Slow::momentum, gathered_, 0, 0}, out);
    } else {
        slow_step(config(), gathered_, everybody, [&](Fold f) { order(f, out); });
        order(Fold{gathered_, Slow::phi, 0, 1}, out);
    }
    order(Swap{gathered_}, out);
}

Outer::Outer(const Config& config, PeerId self, Random random)
    : config_(config), self_(self), random_(random.split(1)), ticks_(random.split(2)), catching_up_(config.newcomer) {
    next_due_step_ = config.every_steps.value_or(0);
}

void Outer::step(Instant now, Input&& input, const Company& company, Out& out) {
    std::visit(
        Cases{
            [&](Start&) {
                begin_slow([&](Fold f) { order(f, out); });
                ticks_.start(config_, now, out);
                if (catching_up_) out.wake(now + catch_up_within, Due{catch_up_turn});
                train(now, out);
            },
            [&](PeerUp&) {
                if (catching_up_ && !talk_) due(now, company, 1, out);
            },
            [&](PeerDown& down) {
                if (talk_ && talk_->partner == down.peer && !talk_->mixing) give_up(now, Failure::partner_gone, out);
            },
            [&](Received<Message>& received) { receive(now, received.from, std::move(received.message), company, out); },
            [&](Woken<Timer>& woken) {
                if (const auto* turn = std::get_if<Due>(&woken.timer)) {
                    if (turn->turn == finish_turn) {
                        if (!finishing_ || finished_) return;
                        if (now >= finish_by_ || company.size() == 0) {
                            finished_ = true;
                            return out.tell(Finished{});
                        }
                        out.wake(now + finish_every, Due{finish_turn});
                        if (!talk_) due(now, company, 1, out);
                    } else if (turn->turn == catch_up_turn) {
                        catching_up_ = false;  // nobody to catch up with, it seems: begin alone
                        train(now, out);
                    } else if (turn->turn == ask_again_turn) {
                        if (catching_up_ && !talk_) due(now, company, 1, out);
                    } else if (ticks_.woken(config_, now, *turn, out)) {
                        due(now, company, 1, out);
                    }
                } else if (const auto* overdue = std::get_if<Overdue>(&woken.timer)) {
                    if (talk_ && talk_->ours && talk_->round == overdue->stamp && !talk_->mixing) give_up(now, Failure::overdue, out);
                } else if (const auto* answer = std::get_if<AnswerOverdue>(&woken.timer)) {
                    if (talking_to(answer->to, answer->round, false) && !talk_->mixing) give_up(now, Failure::overdue, out);
                }
            },
            [&](Undelivered& u) {
                if (talk_ && talk_->partner == u.to && talk_->ticket == u.ticket && !talk_->mixing) give_up(now, Failure::undelivered, out);
            },
            [&](Completion& completion) { completed(now, std::move(completion), company, out); },
            [&](Finish& finish) {
                if (finishing_) return;
                finishing_ = true;
                parting_ = finish.parting;
                catching_up_ = false;
                training_.stop();
                ticks_.stop();
                finish_by_ = now + (parting_ ? part_within : finish_within);
                if (!parting_) return out.wake(now, Due{finish_turn});
                if (!talk_) due(now, company, 1, out);
                out.wake(finish_by_, Due{finish_turn});
            },
            [&](Halt&) {
                halted_ = true;
                training_.stop();
                ticks_.stop();
            },
        },
        input);
    if (parting_ && !talk_ && !finished_) {
        finished_ = true;
        out.tell(Finished{});
    }
}

void Outer::fetched(Instant now, double samples, Out& out) {
    samples_ = samples;
    catching_up_ = false;
    train(now, out);
}

void Outer::due(Instant now, const Company& company, std::uint32_t tries, Out& out) {
    if (halted_) return;
    if (talk_) return out.tell(Skipped{});
    const auto partner = company.draw(random_);
    if (!partner) return;
    talk_ = Talk{*partner, ++round_, true, now, tries, 0, 0, {}};
    out.send(*partner, Offer{round_});
    out.wake(now + patience_.now(config_), Overdue{round_});
}

void Outer::answer(Instant now, PeerId from, std::uint32_t round, Out& out) {
    talk_ = Talk{from, round, false, now, 1, 0, 0, {}};
    out.send(from, Accept{round});
    out.wake(now + patience_.now(config_), AnswerOverdue{from, round});
    publish(out);
}

void Outer::receive(Instant now, PeerId from, Message&& message, const Company& company, Out& out) {
    if (const auto* offer = std::get_if<Offer>(&message)) {
        if (halted_) return out.send(from, Decline{offer->round, Why::leaving});
        if (talking_to(from, offer->round, false)) return;  // doubled on the way
        if (talk_ && talk_->partner == from && !talk_->mixing) {
            if (!talk_->ours) talk_.reset();  // it gave that one up
            else if (talk_->ticket > 0) return;  // doubled: it has accepted ours since
            else if (self_ < from) return;       // they cross, and ours counts
            else talk_.reset();
        }
        if (talk_) return out.send(from, Decline{offer->round, Why::busy});
        answer(now, from, offer->round, out);
    } else if (const auto* accept = std::get_if<Accept>(&message)) {
        if (talking_to(from, accept->round, true) && talk_->ticket == 0) publish(out);
    } else if (const auto* decline = std::get_if<Decline>(&message)) {
        if (!talk_ || talk_->partner != from || talk_->round != decline->round || talk_->mixing) return;
        if (talk_->ours && decline->why == Why::busy && talk_->ticket == 0 && talk_->tries < most_tries) {
            const std::uint32_t tries = talk_->tries + 1;
            talk_.reset();
            return due(now, company, tries, out);
        }
        give_up(now, decline->why == Why::other_layout ? Failure::other_layout : Failure::declined, out);
    } else if (auto* half = std::get_if<Half>(&message)) {
        if (!talking_to(from, half->round, half->answer) || talk_->mixing || talk_->theirs) return;  // late, or doubled
        const Snapshot& s = half->snapshot;
        if (!fits(s, config_.layout, config_.size) || s.range.count != config_.size || !std::isfinite(s.samples) || s.samples < 0) {
            out.send(from, Decline{half->round, Why::other_layout});
            return give_up(now, Failure::other_layout, out);
        }
        // Their acceptance may have been lost or overtaken; their half says the same.
        if (half->answer && talk_->ticket == 0) publish(out);
        talk_->theirs = std::move(half->snapshot);
        if (talk_->published) mix(out);
    }
    // Other exchanges' messages: somebody runs another exchange. The handshake refuses that; nothing to do here.
}

// What we publish is kept, to know later what was trained since.
void Outer::publish(Out& out) {
    if (++ticket_ == 0) ++ticket_;
    talk_->ticket = ticket_;
    order(Fold{Slow::gathered, model_slot, 0, 1}, out);
    published_tag_ = order(encoded(config_, model_slot, Range{0, config_.size}), out);
}

void Outer::mix(Out& out) {
    talk_->mixing = true;
    Snapshot theirs = std::move(*talk_->theirs);
    talk_->theirs.reset();
    talk_->weight = mixing_weight(samples_, theirs.samples);
    talk_->bytes = theirs.bytes.size;
    talk_->theirs_samples = theirs.samples;
    const double ours = 1 - talk_->weight;
    const Slot since = Slow::gathered;
    order(Fold{since, model_slot, -1, 1}, out);                             // what was trained since
    order(Combine{model_slot, ours, talk_->weight, std::move(theirs)}, out);  // the mean and `ours` of it
    order(Fold{model_slot, since, 1, -ours}, out);                          // the mean
    // Who takes more of the other than of itself is a newcomer; and after the end there is nothing to learn.
    if (finishing_ || talk_->weight > 0.5) begin_slow([&](Fold f) { order(f, out); });
    else slow_step(config_, model_slot, false, [&](Fold f) { order(f, out); });
    order(Fold{since, Slow::phi, 1, 1}, out);
    last_tag_ = order(Swap{since}, out);
}

void Outer::completed(Instant now, Completion&& completion, const Company& company, Out& out) {
    samples_ = completion.samples_behind;
    if (const auto* trained = std::get_if<Trained>(&completion.what)) {
        training_.ended(now, *trained);
        out.tell(TrainedSome{trained->steps, trained->loss});
        if (config_.every_steps && training_.steps() >= next_due_step_ && !finishing_) {
            next_due_step_ = training_.steps() + *config_.every_steps;
            due(now, company, 1, out);
        }
        return train(now, out);
    }
    if (auto* published = std::get_if<Published>(&completion.what)) {
        if (!talk_ || completion.tag != published_tag_) return;  // given up meanwhile
        talk_->published = true;
        talk_->steps_at_publish = completion.steps;
        out.send(talk_->partner, Half{talk_->round, !talk_->ours, talk_->ticket, std::move(published->snapshot)});
        if (talk_->theirs) mix(out);
    } else if (const auto* combined = std::get_if<Combined>(&completion.what)) {
        distance_ = combined->distance;
        norm_ = combined->norm;
    } else if (std::holds_alternative<Swapped>(completion.what)) {
        mixed(now, completion.steps, out);
    }
}

void Outer::mixed(Instant now, std::uint64_t steps, Out& out) {
    const Talk talk = std::move(*talk_);
    talk_.reset();
    out.tell(MixedWith{talk.partner, steps - talk.steps_at_publish, distance_, norm_, talk.bytes, now - talk.since, talk.weight});
    if (talk.ours) patience_.took(now - talk.since);
    if (config_.every_steps) next_due_step_ = training_.steps() + *config_.every_steps;
    if (catching_up_ && talk.theirs_samples > 0) {
        catching_up_ = false;
        train(now, out);
    } else if (catching_up_ && talk.ours) {
        out.wake(now + ask_again_after, Due{ask_again_turn});
    }
    if (!finishing_ || finished_) return;
    calm_ = norm_ > 0 && distance_ >= calm_distance * norm_ ? 0 : calm_ + 1;
    if (calm_ < 3) return;
    finished_ = true;
    out.tell(Finished{});
}

void Outer::give_up(Instant now, Failure why, Out& out) {
    const PeerId partner = talk_->partner;
    if (catching_up_ && talk_->ours) out.wake(now + ask_again_after, Due{ask_again_turn});
    talk_.reset();
    out.tell(Failed{partner, why});
}

void Outer::train(Instant now, Out& out) {
    if (catching_up_ || halted_ || finishing_) return;
    std::uint64_t most = ~std::uint64_t{0};
    if (config_.every_steps) most = next_due_step_ > training_.steps() ? next_due_step_ - training_.steps() : 1;
    training_.begin(config_, now, most, [&](Train t) { order(t, out); });
}

std::uint32_t Outer::order(decltype(Order::what) what, Out& out) {
    out.tell(Order{++tag_, std::move(what)});
    return tag_;
}

}  // namespace grapevine::gossip
