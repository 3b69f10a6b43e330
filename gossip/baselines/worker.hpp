#pragma once

#include <optional>

#include "common.hpp"

namespace grapevine::gossip {

// Trains from the model it is handed, hands in what became of it, and waits for the next.
//
//   Waiting --Handout--> Taking --Combined--> Working --every_steps made, or asked--> Publishing --sent--> Waiting
//      |                                         ^
//      |   the server has no model yet (round 0) |      (it begins with what it has)
//      +-----------------------------------------+
//      +--no server for `patience`--> Alone --a server--> Waiting      (trains, and mixes with nobody)
//
// A server that is held for dead is waited for as one that never was. What was handed in and not answered is kept, and
// sent again if the transport gives it up.
class Worker {
public:
    void start(Instant now, Common& common, Exchange::Out& out);
    void adopt(Instant now, Common& common, PeerId server, std::uint64_t round, Exchange::Out& out);
    void peer_up(Instant now, Common& common, PeerId peer, Exchange::Out& out);
    void peer_down(Instant now, Common& common, PeerId peer, Exchange::Out& out);
    void received(Instant now, Common& common, PeerId from, Message&& message, const Company& company, Exchange::Out& out);
    void overdue(Instant now, Common& common, Exchange::Out& out);
    void undelivered(const Undelivered& undelivered, Exchange::Out& out);
    void trained(Instant now, Common& common, const Trained& trained, Exchange::Out& out);
    void completed(Instant now, Common& common, Completion&& completion, Exchange::Out& out);
    void finish(Instant now, Common& common, Exchange::Out& out);
    void halt(Exchange::Out& out);

private:
    enum class Doing { waiting, taking, working, publishing, alone };

    void wait(Instant now, Common& common, Exchange::Out& out);
    void watch(Common& common, Exchange::Out& out);
    Duration patience(const Common& common) const;
    void handed(Common& common, PeerId from, Handout&& handout, Exchange::Out& out);
    void begin(Instant now, Common& common, Exchange::Out& out);
    void proceed(Instant now, Common& common, Exchange::Out& out);
    void rest(Exchange::Out& out);
    void found_again(Instant now, Common& common, Exchange::Out& out);

    Doing doing_ = Doing::waiting;
    std::optional<PeerId> server_;
    PeerId former_{};               // the last one, when we are alone
    bool lost_ = false;             // the server is held for dead
    Instant since_{};               // we wait, for a server or for its model
    bool watching_ = false;         // a timer is set
    unsigned tries_ = 0;            // to get a model, since the last one
    std::uint64_t session_ = 0;     // how many times we found one
    std::uint64_t held_ = 0;        // round of the model that we took last in this session; 0: none
    std::uint64_t begun_ = 0;       // steps when we took it
    double used_ = 0;               // samples since
    bool asked_ = false;            // by the clock: hand in now
    std::optional<Handin> handin_;  // sent, and not answered by a model
    Instant handed_in_{};
    std::uint64_t bytes_ = 0;       // of the model being taken
    std::uint32_t awaited_ = 0;     // tag of the order whose completion we wait for
};

}  // namespace grapevine::gossip
