#include "overlapping.hpp"

namespace grapevine::gossip {

namespace {
constexpr std::uint64_t finish_turn = ~std::uint64_t{0};
constexpr std::uint64_t catch_up_turn = finish_turn - 1;
constexpr std::uint64_t again_turn = finish_turn - 2;
}  // namespace

Overlapping::Overlapping(const Config& config, PeerId self, Random random)
    : config_(config), ticks_(random.split(2)), random_(random.split(1)), self_(self), catching_up_(config.newcomer) {
    next_due_step_ = config.every_steps.value_or(0);
}

void Overlapping::step(Instant now, Input&& input, const Company& company, Out& out) {
    std::visit(
        Cases{
            [&](Start&) {
                ticks_.start(config_, now, out);
                if (catching_up_) out.wake(now + catch_up_within, Due{catch_up_turn});
                started(now, company, out);
                train(now, out);
            },
            [&](PeerUp& up) { peer_up(now, up.peer, company, out); },
            [&](PeerDown& down) { peer_down(now, down.peer, company, out); },
            [&](Received<Message>& received) { receive(now, received.from, std::move(received.message), company, out); },
            [&](Woken<Timer>& woken) {
                std::visit(Cases{
                               [&](const Due& turn) {
                                   if (turn.turn == finish_turn) {
                                       if (!finishing_ || halted_) return;
                                       // Who is through goes on giving to those who are not, while there is time.
                                       if (now >= finish_by_ || company.size() == 0) return conclude(out);
                                       out.wake(now + finish_every, Due{finish_turn});
                                       due(now, company, out);
                                   } else if (turn.turn == catch_up_turn) {
                                       if (!catching_up_) return;
                                       begins_alone(now, out);
                                       caught_up(now, out);
                                   } else if (turn.turn == again_turn) {
                                       again(now, company, out);
                                   } else if (ticks_.woken(config_, now, turn, out) && !halted_) {
                                       due(now, company, out);
                                   }
                               },
                               [&](const Overdue& o) { overdue(now, o.stamp, company, out); },
                               [&](const AnswerOverdue& o) { answer_overdue(now, o); },
                               [&](const RollDue&) { roll_due(now, company, out); },
                               [](const TallyDue&) {}, [](const SketchDue&) {},  // not ours
                               [](const FetchDue&) {},  // nor this
                           },
                           woken.timer);
            },
            [&](Undelivered& u) { undelivered(now, u, company, out); },
            [&](Completion& completion) {
                const auto* trained = std::get_if<Trained>(&completion.what);
                if (!trained) return completed(now, std::move(completion), company, out);
                training_.ended(now, *trained);
                out.tell(TrainedSome{trained->steps, trained->loss});
                if (config_.every_steps && training_.steps() >= next_due_step_ && !finishing_ && !halted_) {
                    next_due_step_ += *config_.every_steps;
                    due(now, company, out);
                }
                train(now, out);
            },
            [&](Finish& finish) {
                if (finishing_) return;
                finishing_ = true;
                parting_ = finish.parting;
                catching_up_ = false;
                training_.stop();
                ticks_.stop();
                finish_by_ = now + (parting_ ? part_within : finish_within);
                finishes(now, out);
                if (!parting_) return out.wake(now, Due{finish_turn});
                due(now, company, out);
                out.wake(finish_by_, Due{finish_turn});
            },
            [&](Halt&) {
                halted_ = true;
                training_.stop();
                ticks_.stop();
                halts(now, company, out);
            },
        },
        input);
    if (parting_ && !gives_now()) conclude(out);
}

void Overlapping::caught_up(Instant now, Out& out) {
    catching_up_ = false;
    train(now, out);
}

void Overlapping::train(Instant now, Out& out) {
    if (catching_up_ || halted_ || finishing_) return;
    std::uint64_t most = ~std::uint64_t{0};
    if (config_.every_steps) most = next_due_step_ - training_.steps();
    training_.begin(config_, now, most, [&](Train t) {
        t.drift = drift();
        order(t, out);
    });
}

void Overlapping::settle(double relative, Out& out) {
    if (!finishing_) return;
    calm_ = static_cast<std::uint8_t>(relative < calm_distance ? std::min(calm_ + 1, 3) : 0);
    if (calm_ >= 3) conclude(out);
}

void Overlapping::conclude(Out& out) {
    if (finished_) return;
    finished_ = true;
    out.tell(Finished{});
}

void Overlapping::call_again(Instant at, Out& out) { out.wake(at, Due{again_turn}); }

std::uint32_t Overlapping::order(decltype(Order::what) what, Out& out) {
    out.tell(Order{++tag_, std::move(what)});
    return tag_;
}

}  // namespace grapevine::gossip
