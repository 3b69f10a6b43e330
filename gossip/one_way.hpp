#pragma once

#include <memory>
#include <optional>

#include "grapevine/few.hpp"
#include "overlapping.hpp"

namespace grapevine::gossip {

// The talk of the one-way exchanges: models are pushed, and nothing comes back but that they came. We ask first, in
// small messages; our parameters are frozen once a turn, when the first accepts, and the same go to all who do.
//
//   giving:  Idle --due--> Asking --Accept--> Freezing --Published--> Sent --Accept of the push: it came--> Idle
//                            |                   |                     |
//                            +--Decline, overdue, partner gone---------+--Undelivered--> Idle
//   taking:  Offer --> Accept, or Decline;  Push --> taken, and Accept of the push
//
// The second Accept keeps a slow link from filling with pushes that nobody has had yet: a turn that finds the last
// one out pushes nothing. Of a push of which nothing is heard nobody knows whether it came.
class OneWay : public Overlapping {
public:
    OneWay(const Config& config, PeerId self, Random random, std::size_t targets)
        : Overlapping(config, self, random), targets_(static_cast<std::uint32_t>(targets)) {}

protected:
    bool gives_now() const final { return turn_ != nullptr; }
    struct Task {  // what the learner has been told to do besides training, oldest first: it answers in order
        std::uint32_t tag = 0;
        std::uint32_t round = 0;  // of the turn we froze for; else
        PeerId from{};            // whose parameters are mixed
        double weight = 0;        // of theirs in the result
        double mass = 0;          // that is frozen, or comes with theirs
        std::uint64_t bytes = 0, steps = 0;
        Instant since{};
        bool last = true;         // of a turn's mixing
        bool guarded = false;
    };

    virtual void mix(Instant, Out&) {}              // what came since the last turn, when one is due
    virtual bool gives() const = 0;                 // whether there is anything to push
    virtual double freeze() { return 1; }           // the mass of the next parcel, which we hold no more
    virtual void keep(Instant, Snapshot&&, Out&) {}  // was frozen for somebody who is gone: its mass is ours again
    virtual void pushed(PeerId, std::uint32_t /*ticket*/, double /*mass*/) {}
    virtual void came(PeerId, std::uint32_t /*ticket*/) {}
    virtual void vanished(PeerId, std::uint32_t /*ticket*/) {}
    virtual bool room() const = 0;                  // for one more, besides those accepted
    virtual bool keeps_uninvited() const = 0;       // takes also what there is no room for
    // False: it cannot be used. It fits our layout, is whole, and did not come before.
    virtual bool take(Instant now, PeerId from, std::uint32_t round, Snapshot&& theirs, Out& out) = 0;
    virtual void mixed(Instant now, const Task& task, const Combined& combined, const Completion& completion, Out& out) = 0;
    virtual void turn_over(Instant, const Company&, Out&) {}

    void due(Instant now, const Company& company, Out& out) override;
    void receive(Instant now, PeerId from, Message&& message, const Company& company, Out& out) final;
    void completed(Instant now, Completion&& completion, const Company& company, Out& out) final;
    void undelivered(Instant now, const Undelivered& u, const Company& company, Out& out) final;
    void overdue(Instant now, std::uint64_t stamp, const Company& company, Out& out) final;
    void answer_overdue(Instant now, const AnswerOverdue& o) final;
    void peer_down(Instant now, PeerId peer, const Company& company, Out& out) final;

    void offer(Instant now, const Company& company, Out& out);
    void combine(Task task, double ours, double theirs, Snapshot&& snapshot, Out& out, const Guard& guard = {});
    void quietly(decltype(Order::what) what, Out& out);  // an order that nothing follows from
    std::size_t accepted() const { return coming_.size(); }
    bool turn_out() const { return turn_ != nullptr; }

private:
    struct Target {
        PeerId to;
        bool accepted = false;
        std::uint32_t ticket = 0;  // of what was sent to it
    };
    struct Turn {
        std::uint32_t round;
        Instant since;
        Few<Target, 2> targets;          // of whom more is to be heard
        bool freezing = false;
        std::optional<Snapshot> frozen;  // with its mass
    };
    struct Origin {
        PeerId from;
        std::uint32_t round;
        friend bool operator==(const Origin&, const Origin&) = default;
    };

    void push(Target& target, Out& out);
    void strike(Instant now, PeerId to, std::optional<Failure> why, const Company& company, Out& out);
    Target* find(PeerId to, std::uint32_t round);
    Target* find_pushed(PeerId to, std::uint32_t round);  // an answer to what was pushed
    bool came_before(const Origin& origin);

    std::unique_ptr<Turn> turn_;
    Few<Origin, 1> coming_;         // accepted, not here yet
    Few<Task, 0> tasks_;
    Few<Origin, 0> seen_;           // the last ones that came, to know them if they come twice
    std::uint32_t targets_;
    std::uint32_t seen_next_ = 0;
    std::uint32_t round_ = 0;
};

}  // namespace grapevine::gossip
