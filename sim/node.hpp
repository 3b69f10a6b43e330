#pragma once

#include "grapevine/sim/world.hpp"

// What a world keeps of each peer, and what its agenda's entries are about. For world.cpp and pause.cpp.
namespace grapevine::sim {

struct OrderDone {
    std::uint32_t order;  // the learner's how manieth; an order that was interrupted takes a new number
};

// What an entry of the agenda is about: an input for a peer, or its learner being done with its oldest order.
struct World::Due {
    std::variant<OrderDone, Peer::Input> what;
};

struct World::Pause {
    std::uint32_t stopped = 0, blocked = 0;  // how many pauses hold it, with timers waiting and running
    Instant since{};                         // stopped
    struct Arrived {
        std::uint32_t from;
        Peer::Input input;
    };
    std::vector<Arrived> arrived;            // in the order in which it was due
    struct Unsent {
        PeerId to;
        Peer::Message message;
    };
    std::vector<Unsent> unsent;
};

struct World::Node {
    Node(membership::Book& book, membership::Handle self, Newcomer&& n, Random random)
        : peer(book, self, n.config, random.split(1), n.known), rumor_cap(n.config.membership.rumor_cap), learner(std::move(n.learner)), group(n.group),
          step_time(std::move(n.step_time)), pace(n.pace), mix_rate(n.mix_rate), machine_random(random.split(2)),
          network_random(random.split(3)), fault_random(random.split(4)) {
        const gossip::Config& exchange = n.config.exchange;
        serves = exchange.serves && (exchange.kind == gossip::Kind::parameter_server || exchange.kind == gossip::Kind::fedavg);
        card.uplink = n.uplink;
        card.downlink = n.downlink;
    }

    Peer peer;
    std::size_t rumor_cap;
    std::unique_ptr<Learner> learner;
    std::uint32_t group;
    config::Distribution step_time;
    std::uint64_t step_times_drawn = 0;
    double sliced_step = 0;  // seconds that the step takes of which a slice is under way
    Duration pace;
    double mix_rate;
    double slowness = 1;
    Card card;
    Random machine_random, network_random, fault_random;

    bool up = true;
    bool busy = false;
    std::unique_ptr<Pause> pause;    // while there is one
    std::deque<Order> orders;        // the first is being carried out while busy
    std::uint32_t order = 0;         // its number
    Instant order_began{}, order_ends{};
    std::uint32_t sequence = 0;      // of entries it caused
    std::uint64_t steps = 0;
    Instant born{};
    std::optional<Instant> missed;   // the first ping that was sent to it when it was gone
    std::uint64_t trace = 0;
    std::optional<Snapshot> agreed;
    bool serves;                     // keeps the model of an exchange with a server
    Lie lie;                         // null: it tells the truth
};

}  // namespace grapevine::sim
