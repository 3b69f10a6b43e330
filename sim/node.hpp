#pragma once

#include "grapevine/sim/world.hpp"

// What a world keeps of each peer. For shard.cpp, world.cpp and pause.cpp.
namespace grapevine::sim {

// What the peers of a group have in common.
struct World::Machine {
    config::Distribution step_time;
    Duration pace;
    double mix_rate;
    double uplink, downlink;
    bool operator==(const Machine&) const = default;
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

// What the senders of all shards look at: close together, for they write to anybody. Changes only between windows.
struct World::Face {
    std::uint32_t group : 30;
    std::uint32_t crashed : 1;   // gone, and did not say so
    std::uint32_t has_card : 1;  // else it is infinitely fast
};

// The streams of a machine and of its links, each as the number of its draws.
class World::Draws {
public:
    enum Purpose { machine, links, faults, garbling };
    explicit Draws(Random random) : random_(random) {}
    Random of(Purpose purpose) const {
        Random stream = random_.split(purpose + 2u);
        stream.resume(drawn_[purpose]);
        return stream;
    }
    void drew(Purpose purpose, const Random& stream) { drawn_[purpose] = static_cast<std::uint32_t>(stream.drawn()); }

private:
    Random random_;
    std::array<std::uint32_t, 4> drawn_{};
};

struct World::Node {
    // What few peers have, or all of a small world.
    struct Rare {
        std::unique_ptr<Pause> pause;    // while there is one
        std::optional<Snapshot> agreed;
        Lie lie;                         // null: it tells the truth
        LocalClock clock;                // differs from the world's where there is one
        double sliced_step = 0;          // seconds that the step takes of which a slice is under way
    };

    struct Meter {
        Duration worked{};               // its learner
        std::uint64_t sent = 0;          // bytes
        Instant died{};
    };

    Node(membership::Book& book, membership::Handle self, const PeerConfig& config, Newcomer&& n, const Machine& machine, Random random)
        : peer(book, self, config, random.split(1), n.known), machine(&machine), learner(std::move(n.learner)), draws(random), group(n.group) {
        const gossip::Config& exchange = n.config.exchange;
        serves = exchange.serves && (exchange.kind == gossip::Kind::parameter_server || exchange.kind == gossip::Kind::fedavg);
        if (machine.uplink > 0 || machine.downlink > 0) card = std::make_unique<Card>(Card{machine.uplink, machine.downlink, {}, {}, {}});
    }

    Pause* pause() const { return rare ? rare->pause.get() : nullptr; }
    bool lies() const { return rare && rare->lie; }
    Rare& with_rare() {
        if (!rare) rare = std::make_unique<Rare>();
        return *rare;
    }

    Peer peer;
    bool up = true;
    bool busy = false;
    bool own_clock = false;
    bool serves;                         // keeps the model of an exchange with a server
    std::uint32_t sequence = 0;          // of entries it caused
    std::uint64_t trace = 0;
    std::uint32_t first_order = ~0u, last_order = ~0u;  // of the shard's; the first is being carried out while busy
    std::uint32_t order = 0;             // its number
    std::uint32_t traced_steps = 0, traced_latencies = 0;  // drawn from traces
    const Machine* machine;
    std::unique_ptr<Learner> learner;
    std::unique_ptr<Rare> rare;
    std::unique_ptr<Card> card;          // none: it is infinitely fast
    std::unique_ptr<Meter> meter;        // where what peers spend is asked for
    Draws draws;
    double slowness = 1;
    Instant order_began{}, order_ends{};
    std::uint64_t steps = 0;
    Instant born{};
    std::uint32_t group;
};

}  // namespace grapevine::sim
