#pragma once

#include <map>
#include <optional>
#include <vector>

#include "common.hpp"

namespace grapevine::gossip {

// Keeps the model: hands it out, and averages or adds what is handed in. It trains as well, and its own part needs no
// message.
//
// In rounds (parameter-server with mode = "sync": Li et al. 2014; with wait_for = K backup workers: Chen et al. 2016;
// fedavg: McMahan et al. 2017):
//
//    no round --somebody to train--> Open --all or K are in, or patience is over--> Closing --published--> no round
//       |                              ^ hands the model to those of the round        | the mean becomes the model
//       +-- nobody trains any more: the last model to all who hold another            | (one Swap)
//
//   parameter-server   of a round are all who have said that they have nothing to work on, also while it is open: a newcomer
//                      works on the model of the round that it came into. Equal weights.
//   fedavg             of a round are `clients` of the peers, drawn anew each time; the weight is the samples of their steps.
//
// What belongs to a round that is closed is dropped, and its sender gets the new model. The first round has no model to
// hand out: each begins with its own and weighs by the samples behind it, so that a server that was started anew takes
// over what the workers have. (fedavg and asynchronous: only a server that was started anew; all begin equal.)
//
// Asynchronous (Downpour: Dean et al. 2012): a worker hands in the difference that its steps made, the server adds it in
// full and hands the sum back to that worker alone.
class Server {
public:
    explicit Server(Random random) : random_(random), ticks_(random.split(2)) {}

    void start(Instant now, Common& common, const Company& company, Exchange::Out& out);
    void peer_up(Instant now, Common& common, PeerId peer, Exchange::Out& out);
    void peer_down(Instant now, Common& common, PeerId peer, Exchange::Out& out);
    void received(Instant now, Common& common, PeerId from, Message&& message, const Company& company, Exchange::Out& out);
    void due(Instant now, Common& common, const Due& due, Exchange::Out& out);  // by the clock
    void ask(Instant now, Common& common, Exchange::Out& out);                  // every second: those of whom we wait to hear
    void overdue(Instant now, Common& common, const Overdue& overdue, Exchange::Out& out);
    void undelivered(Instant now, Common& common, const Undelivered& undelivered, Exchange::Out& out);
    void trained(Instant now, Common& common, const Trained& trained, Exchange::Out& out);
    void completed(Instant now, Common& common, Completion&& completion, Exchange::Out& out);
    void finish(Instant now, Common& common, Exchange::Out& out);
    void halt() { ticks_.stop(); }

private:
    enum class State { unknown, idle, working, through };
    struct Member {
        State state = State::unknown;
        bool gone = false;            // held for dead: forgotten when the round is over
        std::uint64_t session = 0;    // the worker's
        std::uint64_t round = 0;      // of the model that it was last handed
        std::uint64_t in = 0;         // the last round that its part is in
        std::uint64_t has = 0;        // that it said it holds, when it was through
        std::uint32_t ticket = 0;     // of the last handout
        Instant handed{};
    };
    using Members = std::map<PeerId, Member>;  // ordered, so that a walk over it is the same everywhere
    enum class Own { none, training, done };   // part of the round
    struct Adding {                            // asynchronous: a difference on its way into the model
        std::uint32_t tag;
        PeerId from;
        std::uint64_t staleness, bytes;
        Duration took;
    };
    struct Answer {                            // asynchronous: a model that is being published for somebody
        std::uint32_t tag;
        PeerId to;
    };

    Member& add(PeerId peer);
    bool of_this_round(const Member& m) const { return !m.gone && m.state == State::working && m.round == round_; }
    void set(Member& member, State state);
    void ready(Instant now, Common& common, PeerId from, Member& member, const Ready& ready, Exchange::Out& out);
    void handed_in(Instant now, Common& common, PeerId from, Member& member, Handin&& handin, Exchange::Out& out);
    void declined(Instant now, Common& common, Member& member, const Decline& decline, Exchange::Out& out);
    void hand(Instant now, Common& common, PeerId to, Member& member, Exchange::Out& out);
    void answer(Common& common, PeerId to, Exchange::Out& out);
    void serve(Instant now, Common& common, PeerId to, Member& member, Exchange::Out& out);
    double share(double weight);
    void own_part(Instant now, Common& common, Exchange::Out& out);
    void train(Instant now, Common& common, Exchange::Out& out);
    void open(Instant now, Common& common, Exchange::Out& out);
    void close_if_done(Instant now, Common& common, Exchange::Out& out);
    void close(Common& common, Exchange::Out& out);
    void settle(Instant now, Common& common, Exchange::Out& out);
    void watch(Instant now, Common& common, Exchange::Out& out);

    Random random_;
    Ticks ticks_;
    Members members_;
    std::uint64_t round_ = 0;             // that are done; asynchronous: differences that were added
    std::optional<Snapshot> model_;       // as of model_round_
    std::uint64_t model_round_ = 0;
    std::uint32_t publishing_ = 0;        // tag of the order whose result will be the model; 0: none

    bool open_ = false;                   // a round is
    Instant opened_{};
    std::size_t outstanding_ = 0;         // members of this round that have not handed in
    std::size_t in_ = 0;                  // parts of it, our own included
    double weight_ = 0, own_weight_ = 0;  // of them
    std::uint64_t bytes_ = 0;
    Own own_ = Own::none;
    std::uint64_t own_begun_ = 0;         // steps when the round began
    double own_used_ = 0;                 // samples since
    bool asked_ = false;                  // by the clock
    bool in_vain_ = false;                // somebody did not come: the round's length says nothing
    std::uint64_t stamp_ = 0;             // of the timer that is the round's patience
    std::uint32_t asks_ = 0;
    bool final_ = false;                  // asynchronous: what was published last has all steps of ours in it

    std::vector<Adding> adding_;          // oldest first
    std::vector<Answer> answers_;
};

}  // namespace grapevine::gossip
