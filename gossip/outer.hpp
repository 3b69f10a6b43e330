#pragma once

#include "group.hpp"

namespace grapevine::gossip {

// The outer step (NoLoCo, Kolehmainen et al. 2025; DiLoCo, Douillard et al. 2023). Beside its model theta a peer keeps
// slow weights phi, which are what theta was after the last outer step, and a momentum m. With the mean theta_bar of
// what the partners have made of theirs,
//     g   = phi - theta_bar
//     m   <- momentum m + g
//     phi <- phi - rate m                    with partners (NoLoCo; its alpha = momentum, beta = gamma = rate)
//     phi <- phi - rate (g + momentum m)     over everybody (DiLoCo: Nesterov)
//     theta <- phi + what was trained since theta was published
// The model changes once, in the last order: a crash leaves it whole.
//
// Among partners m also gathers what separates them, and too much of it drives them apart: outer_factor(). Over
// everybody phi is the same at all, and there is nothing to drive apart.
struct Slow {  // the slots
    static constexpr Slot phi = 1, momentum = 2, gathered = 3, count = 4;
};

// In rounds: the partners are a random group (of two: a random perfect matching), or everybody. Training waits from
// publishing until mixed. Who has less than half the samples of another in its group, and everybody in the first
// round of everybody's roll, takes the mean as it is and begins with m = 0.
class OuterRounds final : public Group {
public:
    OuterRounds(const Config& config, PeerId self, Random random) : Group(config, self, random, Slow::gathered) {}
    Slot slots() const override { return Slow::count; }

protected:
    void started(Out& out) override;
    void conclude(Out& out) override;
};

// With one random partner at a time, and training goes on.
//
//   started by us:    Idle --due--> Offering --Accept--> Sending --their half--> Mixing --the last order--> Idle
//                                   ^  |                    |
//                                   |  +--Decline: busy-----+--Decline, overdue, Undelivered, partner gone--> Idle
//                                   +-----another, thrice
//   answering others: Idle --Offer--> [Accept, publish, send half] --their half--> Mixing --> Idle
//
// A step moves phi, and what was published before it can no longer be compared with phi: so one talk at a time, and who
// is in one is busy. Of two whose offers cross, the one with the lower id has made the offer. With `every_steps` the
// steps count from the last outer step, whoever began it.
class Outer final : public Exchange {
public:
    Outer(const Config& config, PeerId self, Random random);
    void step(Instant now, Input&& input, const Company& company, Out& out) override;
    Slot slots() const override { return Slow::count; }
    bool catching_up() const override { return catching_up_; }
    void fetched(Instant now, double samples, Out& out) override;

private:
    struct Talk {
        PeerId partner;
        std::uint32_t round;       // the offerer's number
        bool ours;                 // we have offered
        Instant since;
        std::uint32_t tries = 1;
        std::uint32_t ticket = 0;  // of our half, once it is ordered
        std::uint64_t steps_at_publish = 0;
        std::optional<Snapshot> theirs;  // came before we had published
        bool published = false;
        bool mixing = false;
        double weight = 0;
        std::uint64_t bytes = 0;
        double theirs_samples = 0;
    };

    void due(Instant now, const Company& company, std::uint32_t tries, Out& out);
    void receive(Instant now, PeerId from, Message&& message, const Company& company, Out& out);
    void completed(Instant now, Completion&& completion, const Company& company, Out& out);
    void answer(Instant now, PeerId from, std::uint32_t round, Out& out);
    void publish(Out& out);
    void mix(Out& out);
    void mixed(Instant now, std::uint64_t steps, Out& out);
    void give_up(Instant now, Failure why, Out& out);
    void train(Instant now, Out& out);
    bool talking_to(PeerId peer, std::uint32_t round, bool ours) const {
        return talk_ && talk_->partner == peer && talk_->round == round && talk_->ours == ours;
    }
    std::uint32_t order(decltype(Order::what) what, Out& out);

    const Config& config_;
    PeerId self_;
    Random random_;
    Ticks ticks_;
    Training training_;
    Patience patience_;
    std::optional<Talk> talk_;
    std::uint32_t published_tag_ = 0, last_tag_ = 0;  // of the talk's orders: to publish, and the last to mix
    double distance_ = 0, norm_ = 0;
    std::uint32_t round_ = 0, ticket_ = 0, tag_ = 0;
    std::uint64_t next_due_step_ = 0;
    double samples_ = 0;
    bool catching_up_, halted_ = false, finishing_ = false, finished_ = false;
    bool parting_ = false;  // finishing, for ourselves alone
    Instant finish_by_{};
    int calm_ = 0;
};

// Outer steps with one partner after the other, each in its own time; else in rounds.
inline bool talks(const Config& config) {
    return config.kind == Kind::outer && config.group_size == 2 && !(config.period && config.clock == Clock::rounds);
}

}  // namespace grapevine::gossip
