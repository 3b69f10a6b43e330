#pragma once

#include <optional>
#include <vector>

#include "pace.hpp"

namespace grapevine::gossip {

// What exchanges have in common that wait for nobody: training goes on while models come and go, and what is due is
// due by this peer's own clock or steps. A newcomer trains when it has caught up; who has finished exchanges on
// without training, until its exchanges find hardly any difference or its time is up.
//
//    CatchingUp --caught_up(), or 10 s--> Training --Finish--> Finishing --3 calm turns, or 10 s--> Finished
//
// What an exchange does when it is due, and with what comes, is the derived one's.
class Overlapping : public Exchange {
public:
    Overlapping(const Config& config, PeerId self, Random random);
    void step(Instant now, Input&& input, const Company& company, Out& out) final;
    bool catching_up() const final { return catching_up_; }
    void fetched(Instant now, double, Out& out) final { caught_up(now, out); }

protected:
    virtual void started(Instant, const Company&, Out&) {}
    virtual void due(Instant now, const Company& company, Out& out) = 0;
    virtual void receive(Instant now, PeerId from, Message&& message, const Company& company, Out& out) = 0;
    // The learner has carried out an order of ours (not training).
    virtual void completed(Instant now, Completion&& completion, const Company& company, Out& out) = 0;
    virtual void undelivered(Instant now, const Undelivered& u, const Company& company, Out& out) = 0;
    virtual void overdue(Instant now, std::uint64_t stamp, const Company& company, Out& out) = 0;
    virtual void answer_overdue(Instant, const AnswerOverdue&) {}
    virtual void roll_due(Instant, const Company&, Out&) {}
    virtual void peer_up(Instant, PeerId, const Company&, Out&) {}
    virtual void peer_down(Instant now, PeerId peer, const Company& company, Out& out) = 0;
    virtual void begins_alone(Instant, Out&) {}  // nobody to catch up with came
    virtual void finishes(Instant, Out&) {}      // training is over; the last exchanges follow
    virtual void halts(Instant, const Company&, Out&) {}
    virtual bool gives_now() const { return false; }  // something of ours is out, and not known to have come
    virtual void again(Instant, const Company&, Out&) {}  // what call_again() asked for
    virtual std::optional<Drift> drift() const { return {}; }  // what drives our steps besides gradients

    void caught_up(Instant now, Out& out);
    void train(Instant now, Out& out);
    void settle(double relative, Out& out);  // a turn of the last ones found so much difference, relative to our norm
    void call_again(Instant at, Out& out);
    std::uint32_t order(decltype(Order::what) what, Out& out);
    std::uint32_t new_ticket() { return ++ticket_ ? ticket_ : ++ticket_; }

    const Config& config() const { return config_; }
    PeerId self() const { return self_; }
    Random& random() { return random_; }
    Patience& patience() { return patience_; }
    std::uint64_t steps() const { return training_.steps(); }
    std::uint64_t ordered() const { return training_.ordered(); }  // with those under way
    bool halted() const { return halted_; }
    bool finishing() const { return finishing_; }

private:
    void conclude(Out& out);

    const Config& config_;
    Training training_;
    Ticks ticks_;
    std::uint64_t next_due_step_ = 0;
    Patience patience_;
    Random random_;
    PeerId self_;
    Instant finish_by_{};
    std::uint32_t tag_ = 0, ticket_ = 0;
    std::uint8_t calm_ = 0;  // turns in a row that found hardly any difference
    bool catching_up_ : 1;
    bool halted_ : 1 = false;
    bool finishing_ : 1 = false, finished_ : 1 = false;
    bool parting_ : 1 = false;  // finishing, for ourselves alone: one more turn
};

}  // namespace grapevine::gossip
