#pragma once

#include <optional>
#include <vector>

#include "pace.hpp"
#include "roll.hpp"

namespace grapevine::gossip {

// What all exchanges have in common that go in rounds: everybody on the roll trains, then all mix what they have
// of the same round number, then all train on. Training waits from the start of a round until it is mixed.
//
//    (no roll) --in force--> Training --due--> in a round --done, or patience is over--> Training
//        ^                                         |
//        +------ the roll is no longer in force ---+   (what was gathered is dropped; the model is as it was)
//
// With buckets a round begins before the last of its steps, which is taken in slices within it. They go on to the last also when
// the round does not.
//
// Which messages a round needs, and what is made of them, is the derived exchange's.
class Rounds : public Exchange {
public:
    Rounds(const Config& config, PeerId self, Random random);
    void step(Instant now, Input&& input, const Company& company, Out& out) final;

protected:
    // A round begins; `roll` has two peers at least.
    virtual void enter(Instant now, const Roll& roll, Out& out) = 0;
    // Parameters of this round, checked against our layout. Of the next round: kept by Rounds until then.
    virtual void arrived(Instant now, const Roll& roll, PeerId from, Message&& message, Out& out) = 0;
    // The learner has carried out an order of ours (not training).
    virtual void completed(Instant now, const Roll& roll, Completion&& completion, Out& out) = 0;
    virtual void lost_peer(Instant now, const Roll& roll, PeerId peer, Out& out) = 0;
    // It has sent parameters of a later round than ours: it is through this one, and sends nothing more for it.
    virtual void passed(Instant, const Roll&, PeerId, Out&) {}
    // How many rounds one who sends to us may be ahead of us. So many of its messages are kept, the latest ones.
    virtual std::size_t ahead(const Roll&) { return 1; }
    // Parameters of a round that we are through with.
    virtual void late(const Roll&, PeerId, const Message&, Out&) {}
    // What carries no parameters: who is ready, and who was chosen.
    virtual void told(Instant, const Roll&, PeerId, const Message&, Out&) {}
    virtual void undelivered(PeerId, std::uint32_t) {}
    virtual void overdue(Instant now, const Roll& roll, Out& out) = 0;
    virtual void abandon() = 0;  // forget the round, and all of the roll
    virtual void started(Out&) {}
    // Of the step in slices that this round began with, this one is done.
    virtual void sliced(Instant, const Roll&, const Slice&, Out&) {}
    // The round we train for goes on without us: what we make for it is not wanted.
    virtual bool left_out() const { return false; }
    // What drives our steps besides gradients.
    virtual std::optional<Drift> drift() const { return {}; }

    enum class How { mixed, sat_out, given_up, overtaken };  // overtaken: the others are ahead, so on to the next at once
    void done(Instant now, How how, Out& out);  // the round is over
    std::uint32_t order(decltype(Order::what) what, Out& out);
    // Sends parameters and keeps them until the round after is over, to send them again if they got lost: a peer
    // is never more than one round ahead of another.
    void send(PeerId to, Message message, Out& out);
    void go_to(std::uint64_t round) { round_ = round; }  // the others are there
    void drop_orders() { stale_orders_ = orders_out_; }  // their results mean nothing any more
    void look_again(Instant at, Out& out);               // overdue() then, instead of when it was meant to be
    std::uint32_t new_ticket() { return ++ticket_ ? ticket_ : ++ticket_; }

    const Config& config() const { return config_; }
    std::uint64_t round() const { return round_; }
    std::uint64_t turn() const { return turn_; }
    bool first_of_roll() const { return mixed_on_roll_ == 0; }
    double samples() const { return samples_; }
    std::uint64_t steps() const { return training_.steps(); }
    Instant entered() const { return entered_; }
    Instant overdue_at() const { return overdue_at_; }
    bool in_round() const { return in_round_; }
    bool in_slices() const { return in_slices_; }  // this round began with the slices of its last step, and they are not all done
    // It has made all its steps, and none since the last round.
    bool idle() const { return !training_.wanted(config_) && training_.steps() + config_.every_steps.value_or(0) == next_due_step_; }
    PeerId self() const { return self_; }

private:
    struct Early {
        PeerId from;
        Message message;
    };
    struct Sent {
        std::uint64_t round;
        PeerId to;
        Message message;
    };

    void begin(Instant now, std::uint64_t round, Out& out);
    void roll_changed(Instant now, Out& out);
    void watch(Out& out);
    // On clocks that are not one, whoever is first begins the round, and what it sends wakes its group: nobody waits
    // for another's clock. A tick that finds a round begun since the one before has nothing to do.
    bool woken_by_others() const { return ticks_.any(config_) && config_.clock != Clock::rounds; }
    // By one clock for all, who was still in a round at the tick of the one that others have begun does not wait for the next
    // tick, at which these would be found waiting for it: they would miss that one in their turn, and so on for ever.
    bool falls_in() const;
    std::uint64_t latest_early() const;
    // Since the round before: where rounds take longer than the period somebody always begins another, and who is woken would
    // never come to train.
    bool has_trained() const { return !training_.wanted(config_) || training_.steps() > steps_then_; }
    void train(Instant now, Out& out);
    void trained(Instant now, const Trained& trained, Out& out);
    Duration patience() const;
    void receive(Instant now, PeerId from, Message&& message, const Company& company, Out& out);
    void take(Instant now, PeerId from, Message&& message, Out& out);
    bool make_room(PeerId from, std::uint64_t round);

    const Config& config_;
    PeerId self_;
    Ticks ticks_;
    SlicedTraining training_;
    Patience patience_;
    RollCall roll_;

    const bool in_groups_;       // a round needs few of the roll, and they need not begin it by themselves
    const bool waits_for_all_;
    bool begun_since_tick_ = false;
    bool overtaken_ = false;
    Instant ended_{};            // the last round, or that the roll came into force
    std::uint64_t steps_then_ = 0;
    bool in_round_ = false;
    std::uint64_t round_ = 0;          // the one we are in, or the last one
    std::uint64_t turn_ = 0;           // by the clock, where there is one
    std::uint64_t mixed_on_roll_ = 0;  // rounds that were mixed since the roll is in force
    std::uint64_t next_due_step_ = 0;
    Instant entered_{};
    Instant overdue_at_{};             // when the round we are in is given up, or looked after
    bool watching_ = false;            // a timer is set, for
    Instant watched_until_{};
    std::uint64_t watch_ = 0;          // that timer's number
    std::vector<Early> early_;
    std::vector<Sent> sent_;
    std::uint32_t tag_ = 0, ticket_ = 0;
    std::uint32_t stale_orders_ = 0;   // of a round that was abandoned: their results mean nothing
    std::uint32_t orders_out_ = 0;
    double samples_ = 0;
    bool halted_ = false, finishing_ = false;
    bool in_slices_ = false;
};

}  // namespace grapevine::gossip
