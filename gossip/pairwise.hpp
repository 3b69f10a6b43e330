#pragma once

#include <optional>
#include <vector>

#include "pace.hpp"

namespace grapevine::gossip {

// The default: asynchronous local SGD with convex pairwise averaging. (Push-pull averaging: Jelasity,
// Montresor, Babaoglu 2005; with SGD: Lian et al. 2018, AD-PSGD; local steps: Nadiradze et al. 2021, SwarmSGD.)
//
// Training never waits for an exchange. When one is due we offer it to a random peer; if it accepts, both
// publish what they have at their next step boundary and send it, and each mixes what it gets at a boundary:
//     x <- x + w (theirs - x)
// Every update is a convex combination, so nothing that is lost, doubled or late takes a model out of the hull
// of valid models. One exchange that we started is out at a time; offers of others are always answered, also
// while ours is out, unless two answers are on their way already.
//
//   started by us:    Idle --due--> Offering --Accept--> Sending --their half--> Mixing --Combined--> Idle
//                                      |                    |
//                                      +--Decline, overdue, Undelivered, partner gone--> Idle
//   answering others: Offer --> [Accept, publish, send half] --their half--> mix --Combined--> done
//                                      +--overdue, Undelivered, gone--> done
class Pairwise final : public Exchange {
public:
    Pairwise(const Config& config, PeerId self, Random random);
    void step(Instant now, Input&& input, const Company& company, Out& out) override;

private:
    // One exchange with one partner, of either side. Ours is `own_`; those we answer are in `answers_`.
    struct Talk {
        PeerId partner;
        std::uint32_t round;      // the offerer's number
        Instant since;
        std::uint32_t ticket = 0; // of our half, once sent
        std::uint64_t steps_at_publish = 0;
        std::optional<Snapshot> theirs;  // came before we had published
        bool published = false;
        bool mixing = false;
    };
    // What the learner has been told to do besides training, oldest first: it answers in order.
    struct Task {
        std::uint32_t tag;
        bool answer;
        PeerId partner;
        std::uint32_t round;
        double weight = 0;
        std::uint64_t bytes = 0;
        double theirs_samples = 0;
    };

    void receive(Instant now, PeerId from, Message&& message, const Company& company, Out& out);
    void completed(Instant now, Completion&& completion, const Company& company, Out& out);
    void due(Instant now, const Company& company, Out& out);
    void take(Instant now, Talk& talk, bool answer, Snapshot&& theirs, Out& out);
    void mix(Instant now, Talk& talk, bool answer, Out& out);
    void give_up(Instant now, Talk& talk, bool answer, Failure why, Out& out);
    void train(Instant now, Out& out);
    void settle(Instant now, double relative, Out& out);
    void conclude(Out& out);
    Talk* find_answer(PeerId partner, std::uint32_t round);
    Talk* find(const Task& task);
    std::uint32_t order(decltype(Order::what) what, Out& out);
    void publish(Talk& talk, bool answer, Out& out);

    Config config_;
    PeerId self_;
    Random random_;
    Ticks ticks_;
    Training training_;
    Patience patience_;

    std::optional<Talk> own_;
    std::vector<Talk> answers_;
    std::vector<Task> tasks_;
    std::uint32_t round_ = 0, tag_ = 0, ticket_ = 0;
    std::uint64_t next_due_step_ = 0;
    double samples_ = 0;      // behind our model
    bool catching_up_;        // a newcomer mixes before it trains
    bool halted_ = false;
    bool finishing_ = false, finished_ = false;
    Instant finish_by_{};
    int calm_ = 0;            // mixes in a row that found hardly any difference
};

}  // namespace grapevine::gossip
