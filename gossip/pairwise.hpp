#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <optional>

#include "clipping.hpp"
#include "grapevine/few.hpp"
#include "pace.hpp"
#include "quasi_global.hpp"

namespace grapevine::gossip {

// The default: asynchronous local SGD with pairwise averaging. (Push-pull averaging: Jelasity, Montresor, Babaoglu
// 2005; with SGD: Lian et al. 2018, AD-PSGD; local steps: Nadiradze et al. 2021, SwarmSGD.)
//
// Training never waits for an exchange. When one is due we offer it to a random peer; if it accepts, both send what
// they have at a step boundary, and each mixes what it gets at a boundary. Two forms:
//
//   convex  x <- x + w (theirs - x) on both sides; both publish when the offer is accepted. Every update is a convex
//           combination, so nothing that is lost, doubled or late takes a model out of the hull of valid models. But what
//           was trained while theirs was on its way is taken back by half.
//   delta   who was asked sends first; who asked publishes and mixes at the instant that arrives, as above, and sends what
//           it published; who was asked adds the difference to what it sent, x <- x + w (theirs - sent). Local progress
//           survives, and the mean stays but for what is lost on the way. Stable with at most two of them on their way at a
//           peer, which is the limit anyhow; with offers declined while one is out hardly any would happen on slow links.
//
// Offers of others are always answered, also while ours is out, unless two answers are on their way already.
//
//   started by us:    Idle --due--> Offering --Accept--> Sending --their half--> Mixing --Combined--> Idle
//                     (delta: publishes when their half is there)
//                                      |                    |
//                                      +--Decline, overdue, Undelivered, partner gone--> Idle
//   answering others: Offer --> [Accept, publish, send half] --their half--> mix --Combined--> done
//                                      +--overdue, Undelivered, gone--> done
class Pairwise final : public Exchange {
public:
    Pairwise(const Config& config, PeerId self, Random random);
    void step(Instant now, Input&& input, const Company& company, Out& out) override;
    Slot slots() const override { return static_cast<Slot>(1 + QuasiGlobal::slots(config_)); }
    bool catching_up() const override { return catching_up_; }
    void fetched(Instant now, double samples, Out& out) override;

private:
    // One exchange with one partner, of either side.
    struct Talk {
        PeerId partner;
        Instant since;
        std::uint32_t round;      // the offerer's number
        std::uint32_t ticket = 0; // of our half, once sent
        std::uint64_t steps_at_publish = 0;
        std::unique_ptr<Snapshot> theirs = {};  // came before we had published
        std::unique_ptr<Snapshot> sent = {};    // delta, of an answer: what theirs is held against
        bool published = false;
        bool mixing = false;
    };
    // What the learner has been told to do besides training, oldest first: it answers in order.
    struct Task {
        PeerId partner;  // nobody: an order that nothing follows from
        std::uint32_t tag;
        std::uint32_t round;
        bool answer;
        bool guarded = false;
        double weight = 0;
        std::uint64_t bytes = 0;
        double theirs_samples = 0;
    };
    static constexpr std::size_t most_answers = 2;
    // All that is under way. Most of the time there is nothing, and then it is not there.
    struct Talks {
        std::optional<Talk> own;
        std::array<std::optional<Talk>, most_answers> answers;
        Few<Task, 3> tasks;
        bool over() const { return !own && std::none_of(answers.begin(), answers.end(), [](const auto& t) { return t.has_value(); }) && tasks.empty(); }
    };
    // Of those who have switched on one of them, or count steps.
    struct Options {
        explicit Options(const Config& config) : clipping(config), momentum(config, 1), interval(config.every_steps.value_or(0)), next_due_step(config.every_steps.value_or(0)) {}
        Clipping clipping;
        QuasiGlobal momentum;
        double interval;         // local steps between two exchanges
        std::uint64_t next_due_step;
        double others_pace = 0;  // steps a second, mean over those we have met lately
    };

    Talks& talks() {
        if (!talks_) talks_ = std::make_unique<Talks>();
        return *talks_;
    }
    Talk* own() { return talks_ && talks_->own ? &*talks_->own : nullptr; }
    template <class Unwanted>
    void drop_answers(Unwanted unwanted);
    void receive(Instant now, PeerId from, Message&& message, const Company& company, Out& out);
    void completed(Instant now, Completion&& completion, const Company& company, Out& out);
    void due(Instant now, const Company& company, Out& out);
    void take(Instant now, Talk& talk, bool answer, Snapshot&& theirs, Out& out);
    void mix(Instant now, Talk& talk, bool answer, Snapshot&& theirs, Out& out);
    void steer(double relative);
    double rate_scale() const;
    std::optional<Drift> drift() const { return options_ ? options_->momentum.drift() : std::nullopt; }
    void heard_pace(float pace);
    void give_up(Instant now, Talk& talk, bool answer, Failure why, Out& out);
    void train(Instant now, Out& out);
    void settle(Instant now, double relative, Out& out);
    void conclude(Out& out);
    Talk* find_answer(PeerId partner, std::uint32_t round);
    Talk* find(const Task& task);
    std::uint32_t order(decltype(Order::what) what, Out& out);
    void quietly(decltype(Order::what) what, Out& out);  // an order that nothing follows from
    void publish(Talk& talk, bool answer, Out& out);

    const Config& config_;
    Training training_;
    std::unique_ptr<Talks> talks_;
    Ticks ticks_;
    double samples_ = 0;      // behind our model
    std::uint32_t round_ = 0, tag_ = 0, ticket_ = 0;
    std::uint8_t calm_ = 0;   // mixes in a row that found hardly any difference
    bool catching_up_ : 1;    // a newcomer mixes before it trains
    bool halted_ : 1 = false;
    bool finishing_ : 1 = false, finished_ : 1 = false;
    bool parting_ : 1 = false;  // finishing, for ourselves alone
    Patience patience_;
    Random random_;
    std::unique_ptr<Options> options_;
    Instant finish_by_{};
};

}  // namespace grapevine::gossip
