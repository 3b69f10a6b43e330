#pragma once

#include <utility>
#include <variant>
#include <vector>

#include "grapevine/peer_id.hpp"
#include "grapevine/time.hpp"

namespace grapevine {

// Where a protocol writes what it wants done. A protocol never acts: it says send, wake or tell and
// returns, and whoever drives it (the node or the simulator) carries that out, in this order.
template <class Message, class Timer, class Event>
class Out {
public:
    // May be lost, late, doubled or overtaken. Never half delivered.
    virtual void send(PeerId to, Message message) = 0;
    // Comes back as Woken at `at` or later, always. There is no way to cancel it: a timer carries what
    // its protocol needs to see that it is stale.
    virtual void wake(Instant at, Timer timer) = 0;
    // For whoever runs the peer: an order to the learner, a change worth knowing.
    virtual void tell(Event event) = 0;

protected:
    ~Out() = default;
};

// What was wanted, as a list: it can be printed, compared, recorded and reordered by a test. The driver
// hands the same list in again and again, emptied, so that a step allocates nothing in steady state.
template <class Message, class Timer, class Event>
struct Effects final : Out<Message, Timer, Event> {
    struct Send {
        PeerId to;
        Message message;
    };
    struct Wake {
        Instant at;
        Timer timer;
    };
    struct Tell {
        Event event;
    };

    std::vector<std::variant<Send, Wake, Tell>> list;

    void send(PeerId to, Message message) override { list.emplace_back(Send{to, std::move(message)}); }
    void wake(Instant at, Timer timer) override { list.emplace_back(Wake{at, std::move(timer)}); }
    void tell(Event event) override { list.emplace_back(Tell{std::move(event)}); }
};

}  // namespace grapevine
