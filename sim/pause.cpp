// Peers that stand still for a while. A pause is one of two things:
//
//   Timers::wait  The process is stopped (SIGSTOP, a laptop's lid, a swapping machine). What arrives and what its
//                 timers were to wake waits in the order in which it was due; when it goes on, all of it comes at that
//                 instant, one after the other, and it sees a clock that has jumped. Its learner goes on where it was.
//   Timers::run   Lifeguard's rig (Dadgar, Phillips, Currey 2017, section V): the process blocks immediately before it
//                 sends and after it receives. Timers and learner go on, so it misses answers that lie at its door, and
//                 accuses the innocent; nobody hears of it until the end.
#include <utility>

#include "shard.hpp"

namespace grapevine::sim {

void World::Shard::pause(std::uint32_t peer, Timers timers) {
    Node& n = node(peer);
    if (!n.up) return;
    auto& pause = n.with_rare().pause;
    if (world_.tap_ && !pause) world_.tap_->paused(now, peer);
    if (!pause) pause = std::make_unique<Pause>();
    if (timers == Timers::run) {
        ++pause->blocked;
        return;
    }
    if (pause->stopped++ > 0) return;
    pause->since = now;
    ++n.order;  // the end of what the learner is doing comes later than the agenda says
    jobs_.forget(peer);
}

void World::Shard::resume(std::uint32_t peer, Timers timers) {
    Node& n = node(peer);
    if (!n.up || !n.pause()) return;  // it died meanwhile
    Pause& pause = *n.pause();
    std::uint32_t& held = timers == Timers::run ? pause.blocked : pause.stopped;
    if (held == 0 || --held > 0) return;
    if (timers == Timers::wait && n.busy) {
        n.order_began += now - pause.since;
        n.order_ends += now - pause.since;
        agenda_.put({n.order_ends, 0, peer, peer, n.sequence++, n.order, order_done, 0});
        jobs_.given(peer, *n.learner, orders_[n.first_order].order, now, n.order_ends);
    }
    if (pause.stopped > 0) return;  // the rig lets go, and the process is stopped

    auto arrived = std::exchange(pause.arrived, {});
    if (pause.blocked == 0) {
        // What it wanted to send goes first, then it hears what has come: its messages leave in the order in which it
        // wrote them, and an answer to what it hears only now comes behind them.
        const auto unsent = std::exchange(n.rare->pause, nullptr);
        if (world_.tap_) world_.tap_->resumed(now, peer);
        for (Pause::Unsent& u : unsent->unsent) send(peer, 0, u.to, std::move(u.message));
    }
    for (Pause::Arrived& a : arrived) {
        if (!n.up) turn_away(peer, a.from, a.input);  // it has departed on the way
        else hand(peer, a.from, 0, std::move(a.input));
    }
}

bool World::Shard::waits(const Pause& pause, const Peer::Input& input) {
    return pause.stopped > 0 || (pause.blocked > 0 && std::holds_alternative<Received<Peer::Message>>(input));
}

}  // namespace grapevine::sim
