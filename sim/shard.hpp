#pragma once

#include <limits>
#include <unordered_map>

#include "grapevine/sim/agenda.hpp"
#include "jobs.hpp"
#include "node.hpp"
#include "slab.hpp"

namespace grapevine::sim {

// A part of the peers, with an agenda of its own. Where there is one, it is the whole world. A large world goes window by window, and
// its shards run at the same time: a window is shorter than any message between peers takes, so what happens in it at one peer cannot reach another.
// What a shard writes for the others lies in its outboxes until the window is over; it reads nothing of theirs that changes in
// a window.
//
//     agenda --entry--> step(peer) --effects--> send: to the agenda of the receiver's shard, when it arrives
//                                               wake: to the agenda
//                                               order: to the learner's queue; its end to the agenda
//
// What an entry is about lies in a slab: of timers, or of letters (messages and whatever else is handed to a peer). A letter is
// written once, in its sender's slab, and read there by the receiver's shard, which then says that its place is free.
class World::Shard {
public:
    Shard(World& world, std::uint32_t number, std::uint32_t shards);

    void open();                              // takes what the others had for it in the window before
    void sweep(Instant last);                 // a window
    bool run_one(Instant end);                // one entry; false if none is due
    std::uint64_t run_some(Instant end, std::uint64_t most);  // whole instants; how many inputs were handed to peers
    Instant next() { return agenda_.empty() ? never : agenda_.first().at; }
    static constexpr Instant never = Instant::max();

    void add(std::uint32_t peer, Node& node);
    void input(std::uint32_t peer, Peer::Input&& input) { give(now, 0, peer, peer, std::move(input)); }
    void give(Instant at, std::uint32_t depth, std::uint32_t to, std::uint32_t from, Peer::Input&& input);
    void stop(std::uint32_t peer);
    void pause(std::uint32_t peer, Timers timers);
    void resume(std::uint32_t peer, Timers timers);
    void settle(std::uint32_t peer) { jobs_.settle(peer); }  // its learner can be looked at

    Instant now{};
    std::size_t up_count = 0;
    Counters counters;
    std::vector<Note> notes;
    Invariants invariants;
    std::unordered_map<std::uint32_t, Instant> missed;  // of crashed peers, when the first ping of this shard's was sent to each
    // For the others, by the window's parity and by whom they are for.
    struct Outbox {
        std::vector<std::vector<Agenda::Entry>> entries;
        std::vector<std::vector<std::uint32_t>> read;   // letters of theirs whose place is free
        Instant first = never;
    };
    std::array<Outbox, 2> out;

    const Order* under_way(const Node& node) { return node.busy && node.first_order != none ? &orders_[node.first_order].order : nullptr; }

private:
    enum Kind : std::uint16_t { letter, timer, order_done, arrival };  // arrival: a letter that is still to pass the receiver's card
    static constexpr std::uint32_t none = ~0u;
    struct Letter {
        Peer::Input input;
        Duration held{};     // how long the cards need for it
        Duration lingers{};  // how much longer the path does
        Plane plane = Plane::control;
    };
    struct Waiting {
        Order order;
        std::uint32_t next;
    };

    void look_ahead(const Agenda::Entry* soon, const Agenda::Entry* later);
    void plan(const Agenda::Entry& entry);
    void sort_by_peer();
    void happen(const Agenda::Entry& entry);
    void post(Agenda::Entry entry);
    Letter& letter_of(const Agenda::Entry& entry);
    void read(const Agenda::Entry& entry);    // the letter; its place may be used again
    void pass_card(Agenda::Entry entry);
    void hand(std::uint32_t peer, std::uint32_t from, std::uint32_t depth, Peer::Input&& input);
    void step(std::uint32_t peer, std::uint32_t from, std::uint32_t depth, Peer::Input&& input);
    void carry_out(std::uint32_t peer, std::uint32_t depth);
    void send(std::uint32_t from, std::uint32_t depth, PeerId to, Peer::Message&& message);
    void count(std::uint32_t to, const Peer::Message& message, std::uint64_t payload, std::uint64_t control);
    void begin_order(std::uint32_t peer, std::uint32_t depth);
    void end_order(std::uint32_t peer, std::uint32_t depth);
    void tell(std::uint32_t peer, Peer::Event&& event, std::uint32_t depth);
    bool refuses(std::uint32_t from, const Peer::Input& input);
    bool shuts_out(std::uint32_t peer, std::uint32_t from, const Peer::Input& input);
    void turn_away(std::uint32_t peer, std::uint32_t from, const Peer::Input& input);
    static bool waits(const Pause& pause, const Peer::Input& input);
    Node& node(std::uint32_t peer) { return *world_.nodes_[peer]; }
    std::uint32_t shard_of(std::uint32_t peer) const { return shards_ == 1 ? 0 : peer % shards_; }

    World& world_;
    const std::uint32_t number_, shards_;
    Agenda agenda_;
    Slab<Letter> letters_;
    Slab<Peer::Timer> timers_;
    Slab<Waiting> orders_;
    Jobs jobs_;  // in a sweep each shard trains for itself
    // Of a sweep: its entries, and those that the peer whose turn it is has made for itself.
    std::vector<Agenda::Entry> window_, own_;
    Deal<Agenda::Entry> deal_;
    Instant swept_until_ = Instant::min();
    std::uint32_t swept_ = 0;
    Peer::Effects effects_;
    std::vector<std::uint64_t> integers_;
};

}  // namespace grapevine::sim
