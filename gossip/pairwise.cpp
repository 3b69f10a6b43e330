#include "pairwise.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "encoded.hpp"
#include "fragments.hpp"

namespace grapevine::gossip {

namespace {
constexpr std::uint64_t finish_turn = ~std::uint64_t{0};
constexpr std::uint64_t catch_up_turn = finish_turn - 1;
constexpr std::uint64_t ask_again_turn = finish_turn - 2;
constexpr Duration ask_again_after = std::chrono::milliseconds(250);
}  // namespace

double mixing_weight(double ours, double theirs) {
    if (!(ours + theirs > 0)) return 0.5;
    if (ours <= 2 * theirs && theirs <= 2 * ours) return 0.5;
    return theirs / (ours + theirs);
}

Pairwise::Pairwise(const Config& config, PeerId, Random random)
    : config_(config), ticks_(random.split(2)), catching_up_(config.newcomer), random_(random.split(1)) {
    if (config.clip != Clip::off || config.quasi_global > 0 || config.every_steps || config.speed_scaled)
        options_ = std::make_unique<Options>(config);
}

void Pairwise::step(Instant now, Input&& input, const Company& company, Out& out) {
    std::visit(
        Cases{
            [&](Start&) {
                if (options_) options_->momentum.start([&](Fold fold) { quietly(fold, out); });
                ticks_.start(config_, now, out);
                if (catching_up_) out.wake(now + catch_up_within, Due{catch_up_turn});
                train(now, out);
            },
            [&](PeerUp&) {
                if (catching_up_ && !own()) due(now, company, out);  // somebody to catch up with: do not wait for the clock
            },
            [&](PeerDown& down) {
                if (own() && own()->partner == down.peer && !own()->mixing) give_up(now, *own(), false, Failure::partner_gone, out);
                drop_answers([&](const Talk& t) { return t.partner == down.peer && !t.mixing; });
            },
            [&](Received<Message>& received) { receive(now, received.from, std::move(received.message), company, out); },
            [&](Woken<Timer>& woken) {
                if (const auto* turn = std::get_if<Due>(&woken.timer)) {
                    if (turn->turn == finish_turn) {
                        if (!finishing_ || finished_) return;
                        if (now >= finish_by_ || company.size() == 0) return conclude(out);  // time is up, or nobody to merge with
                        out.wake(now + finish_every, Due{finish_turn});
                        if (!own()) due(now, company, out);
                    } else if (turn->turn == catch_up_turn) {
                        catching_up_ = false;  // nobody to catch up with, it seems: begin alone
                        train(now, out);
                    } else if (turn->turn == ask_again_turn) {
                        if (catching_up_ && !own()) due(now, company, out);
                    } else if (ticks_.woken(config_, now, *turn, out)) {
                        due(now, company, out);
                    }
                } else if (const auto* overdue = std::get_if<Overdue>(&woken.timer)) {
                    if (own() && own()->round == overdue->stamp && !own()->mixing) give_up(now, *own(), false, Failure::overdue, out);
                } else if (const auto* answer = std::get_if<AnswerOverdue>(&woken.timer)) {
                    if (Talk* talk = find_answer(answer->to, answer->round); talk && !talk->mixing)
                        give_up(now, *talk, true, Failure::overdue, out);
                }
            },
            [&](Undelivered& u) {
                if (own() && own()->partner == u.to && own()->ticket == u.ticket && !own()->mixing)
                    return give_up(now, *own(), false, Failure::undelivered, out);
                if (!talks_) return;
                for (auto& talk : talks_->answers)
                    if (talk && talk->partner == u.to && talk->ticket == u.ticket && !talk->mixing)
                        return give_up(now, *talk, true, Failure::undelivered, out);
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
                if (!own()) due(now, company, out);
                if (own()) out.wake(finish_by_, Due{finish_turn});
                else conclude(out);
            },
            [&](Halt&) {
                halted_ = true;
                training_.stop();
                ticks_.stop();
            },
        },
        input);
    if (talks_ && talks_->over()) talks_.reset();
}

void Pairwise::fetched(Instant now, double samples, Out& out) {
    samples_ = samples;
    catching_up_ = false;
    train(now, out);
}

template <class Unwanted>
void Pairwise::drop_answers(Unwanted unwanted) {
    if (!talks_) return;
    for (auto& talk : talks_->answers)
        if (talk && unwanted(*talk)) talk.reset();
}

void Pairwise::due(Instant now, const Company& company, Out& out) {
    if (halted_) return;
    if (own()) return out.tell(Skipped{});
    const auto partner = company.draw(random_);
    if (!partner) return;
    talks().own.emplace(Talk{.partner = *partner, .since = now, .round = ++round_});
    out.send(*partner, Offer{round_, static_cast<float>(training_.pace())});
    out.wake(now + patience_.now(config_), Overdue{round_});
}

void Pairwise::receive(Instant now, PeerId from, Message&& message, const Company& company, Out& out) {
    (void)company;
    if (auto* offer = std::get_if<Offer>(&message)) {
        if (find_answer(from, offer->round)) return;  // doubled on the way
        // An exchange with the same partner may still be open here: it has mixed, and its half is on the way. Without that the mean moves.
        if (halted_) return out.send(from, Decline{offer->round, Why::leaving});
        const auto place = std::find(talks().answers.begin(), talks().answers.end(), std::nullopt);
        if (place == talks().answers.end()) return out.send(from, Decline{offer->round, Why::busy});
        heard_pace(offer->pace);
        place->emplace(Talk{.partner = from, .since = now, .round = offer->round});
        out.send(from, Accept{offer->round, static_cast<float>(training_.pace())});
        out.wake(now + patience_.now(config_), AnswerOverdue{from, offer->round});
        publish(**place, true, out);
    } else if (auto* accept = std::get_if<Accept>(&message)) {
        heard_pace(accept->pace);
        if (own() && own()->partner == from && own()->round == accept->round && own()->ticket == 0 && config_.form == Form::convex)
            publish(*own(), false, out);
    } else if (auto* decline = std::get_if<Decline>(&message)) {
        if (own() && own()->partner == from && own()->round == decline->round && !own()->mixing)
            give_up(now, *own(), false, decline->why == Why::other_layout ? Failure::other_layout : Failure::declined, out);
    } else if (auto* half = std::get_if<Half>(&message)) {
        Talk* talk = half->answer ? (own() && own()->partner == from && own()->round == half->round ? own() : nullptr)
                                  : find_answer(from, half->round);
        if (!talk || talk->mixing || talk->theirs) return;  // late, or doubled
        const Snapshot& s = half->snapshot;
        if (!fits(s, config_.layout, config_.size) || s.range != fragment(config_, half->round)) {
            out.send(from, Decline{half->round, Why::other_layout});
            return give_up(now, *talk, !half->answer, Failure::other_layout, out);
        }
        // Their acceptance may have been lost or overtaken; their half says the same.
        if (half->answer && talk->ticket == 0 && config_.form == Form::convex) publish(*talk, false, out);
        take(now, *talk, !half->answer, std::move(half->snapshot), out);
    }
    // Other exchanges' messages: somebody runs another exchange. The handshake refuses that; nothing to do here.
}

void Pairwise::publish(Talk& talk, bool answer, Out& out) {
    if (++ticket_ == 0) ++ticket_;
    talk.ticket = ticket_;
    const std::uint32_t tag = order(encoded(config_, model_slot, fragment(config_, talk.round)), out);
    talks().tasks.push_back({.partner = talk.partner, .tag = tag, .round = talk.round, .answer = answer});
}

void Pairwise::take(Instant now, Talk& talk, bool answer, Snapshot&& theirs, Out& out) {
    if (config_.form == Form::delta && !answer) {
        publish(talk, answer, out);  // at the same boundary: no step lies between what we send and what we mix it with
        talk.steps_at_publish = training_.ordered();
        mix(now, talk, answer, std::move(theirs), out);
    } else if (talk.published) {
        mix(now, talk, answer, std::move(theirs), out);
    } else {  // when we have: our half goes out as it was before
        talk.theirs = std::make_unique<Snapshot>(std::move(theirs));
    }
}

void Pairwise::mix(Instant now, Talk& talk, bool answer, Snapshot&& theirs, Out& out) {
    talk.mixing = true;
    const std::uint64_t staleness = std::max(training_.ordered(), talk.steps_at_publish) - talk.steps_at_publish;
    double weight = (config_.sums ? 0.5 : mixing_weight(samples_, theirs.samples)) / (1 + config_.staleness_weight * static_cast<double>(staleness));
    // A newcomer has nothing to hold theirs against. Others with a guard do not believe how many samples stand behind theirs.
    const bool guarded = config_.clip != Clip::off && !catching_up_;
    if (guarded) weight = std::min(weight, 0.5);
    const Guard guard = guarded ? options_->clipping.guard(now, training_.steps()) : Guard{};
    const std::uint64_t bytes = theirs.bytes.size;
    const double theirs_samples = theirs.samples;
    const bool against_sent = config_.form == Form::delta && answer;
    assert(!against_sent || !guarded);
    const std::uint32_t tag = order(Combine{model_slot, against_sent ? 1 : 1 - weight, weight, std::move(theirs), guard}, out);
    talks().tasks.push_back({.partner = talk.partner, .tag = tag, .round = talk.round, .answer = answer, .guarded = guarded, .weight = weight, .bytes = bytes,
                             .theirs_samples = theirs_samples});
    if (against_sent) quietly(Combine{model_slot, 1, -weight, std::move(*talk.sent), {}}, out);
    if (options_) {
        const auto give = [&](Fold fold) { quietly(fold, out); };
        if (catching_up_) options_->momentum.begin_anew(training_.ordered(), give);
        else options_->momentum.mixed(training_.ordered(), give);
    }
    talk.theirs.reset();
    talk.sent.reset();
}

void Pairwise::completed(Instant now, Completion&& completion, const Company& company, Out& out) {
    samples_ = completion.samples_behind;
    if (const auto* trained = std::get_if<Trained>(&completion.what)) {
        training_.ended(now, *trained);
        out.tell(TrainedSome{trained->steps, trained->loss});
        if (config_.every_steps && training_.steps() >= options_->next_due_step && !finishing_) {
            options_->next_due_step += static_cast<std::uint64_t>(options_->interval + 0.5);
            due(now, company, out);
        }
        return train(now, out);
    }
    assert(talks_ && !talks_->tasks.empty() && talks_->tasks[0].tag == completion.tag);
    const Task task = talks_->tasks[0];
    talks_->tasks.erase_front(1);
    if (!task.partner) return;
    Talk* talk = find(task);

    if (auto* published = std::get_if<Published>(&completion.what)) {
        if (!talk) return;  // given up meanwhile
        talk->published = true;
        talk->steps_at_publish = completion.steps;
        if (config_.form == Form::delta && task.answer) talk->sent = std::make_unique<Snapshot>(published->snapshot);
        out.send(task.partner, Half{task.round, task.answer, talk->ticket, std::move(published->snapshot)});
        if (talk->theirs) mix(now, *talk, task.answer, std::move(*talk->theirs), out);  // convex: theirs was here before
    } else if (const auto* combined = std::get_if<Combined>(&completion.what)) {
        if (!talk) return;
        const Duration took = now - talk->since;
        if (task.guarded) options_->clipping.saw(task.partner, *combined);
        if (combined->taken > 0)
            out.tell(MixedWith{task.partner, completion.steps - talk->steps_at_publish, combined->distance, combined->norm,
                               task.bytes, took, task.weight, combined->taken});
        else
            out.tell(Failed{task.partner, Failure::clipped});
        if (task.answer) {
            drop_answers([&](const Talk& t) { return t.partner == task.partner && t.round == task.round; });
        } else {
            patience_.took(took);
            talks_->own.reset();
            if (combined->norm > 0) steer(combined->distance / combined->norm);
        }
        if (catching_up_ && task.theirs_samples > 0) {  // from another newcomer there was nothing to take
            catching_up_ = false;
            train(now, out);
        } else if (catching_up_ && !task.answer) {
            out.wake(now + ask_again_after, Due{ask_again_turn});
        }
        if (parting_ && !own()) conclude(out);
        else if (finishing_ && !parting_) settle(now, combined->norm > 0 ? combined->distance / combined->norm : 0, out);
    }
}

// After the end: mix on without training until the last few mixes found no difference worth naming.
void Pairwise::settle(Instant now, double relative, Out& out) {
    if (finished_) return;
    calm_ = static_cast<std::uint8_t>(relative < calm_distance ? std::min(calm_ + 1, 3) : 0);
    if (calm_ >= 3 || now >= finish_by_) conclude(out);
}

void Pairwise::conclude(Out& out) {
    if (finished_) return;
    finished_ = true;
    out.tell(Finished{});
}

void Pairwise::give_up(Instant now, Talk& talk, bool answer, Failure why, Out& out) {
    const PeerId partner = talk.partner;
    const std::uint32_t round = talk.round;
    if (answer) {
        drop_answers([&](const Talk& t) { return t.partner == partner && t.round == round; });
    } else {
        talks_->own.reset();
        if (parting_) conclude(out);
        if (catching_up_) out.wake(now + ask_again_after, Due{ask_again_turn});
    }
    out.tell(Failed{partner, why});
}

void Pairwise::train(Instant now, Out& out) {
    if (catching_up_ || halted_ || finishing_) return;
    std::uint64_t most = ~std::uint64_t{0};
    if (config_.every_steps) most = options_->next_due_step - training_.steps();
    training_.begin(config_, now, most, [&](Train t) {
        t.drift = drift();
        t.rate_scale = rate_scale();
        order(t, out);
    });
}

// Consensus control (Kong et al. 2021): as many local steps as keep the models about that far apart. In small steps, as
// one distance is a noisy sample; never more than 16 times what the file says.
void Pairwise::steer(double relative) {
    if (!config_.consensus || !(relative >= 0)) return;
    const double wish = relative > 0 ? std::sqrt(*config_.consensus / relative) : 2;
    options_->interval = std::clamp(options_->interval * std::clamp(wish, 0.8, 1.25), 1.0, 16.0 * *config_.every_steps);
}

// With local steps at unlike speeds r_i peers together minimise sum r_i f_i; scaled like this, sum f_i.
double Pairwise::rate_scale() const {
    if (!config_.speed_scaled || options_->others_pace == 0 || training_.pace() == 0) return 1;
    return std::clamp(options_->others_pace / training_.pace(), 1.0 / 16, 16.0);
}

void Pairwise::heard_pace(float pace) {
    if (!config_.speed_scaled || !(pace > 0)) return;
    double& mean = options_->others_pace;
    mean = mean > 0 ? 0.9 * mean + 0.1 * static_cast<double>(pace) : static_cast<double>(pace);
}

std::uint32_t Pairwise::order(decltype(Order::what) what, Out& out) {
    out.tell(Order{++tag_, std::move(what)});
    return tag_;
}

void Pairwise::quietly(decltype(Order::what) what, Out& out) {
    const std::uint32_t tag = order(std::move(what), out);
    talks().tasks.push_back({.partner = {}, .tag = tag, .round = 0, .answer = false});
}

Pairwise::Talk* Pairwise::find_answer(PeerId partner, std::uint32_t round) {
    if (!talks_) return nullptr;
    for (auto& t : talks_->answers)
        if (t && t->partner == partner && t->round == round) return &*t;
    return nullptr;
}

Pairwise::Talk* Pairwise::find(const Task& task) {
    if (task.answer) return find_answer(task.partner, task.round);
    return own() && own()->partner == task.partner && own()->round == task.round ? own() : nullptr;
}

}  // namespace grapevine::gossip
