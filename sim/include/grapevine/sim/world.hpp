#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "grapevine/config/config.hpp"
#include "grapevine/learner.hpp"
#include "grapevine/membership/book.hpp"
#include "grapevine/peer/peer.hpp"
#include "grapevine/sim/clock.hpp"
#include "grapevine/sim/crew.hpp"
#include "grapevine/sim/invariants.hpp"
#include "grapevine/sim/network.hpp"
#include "grapevine/sim/tap.hpp"

namespace grapevine::sim {

// One peer to be, and the machine it runs on.
struct Newcomer {
    std::uint32_t group = 0;
    PeerConfig config;                  // layout and size of its exchange are set from the learner
    std::unique_ptr<Learner> learner;
    config::Distribution step_time;
    Duration pace{};                    // a step takes at least that long
    double uplink = 0, downlink = 0;    // bytes per second; 0: no limit
    double mix_rate = 0;                // bytes per second; 0: mixing takes no time
    std::vector<membership::Handle> known;   // members it knows from the start
    std::optional<std::uint32_t> meets;      // the peer whose address it was given
};

// Something a peer told, for whoever watches the run.
struct Note {
    Instant at;
    std::uint32_t peer;
    Peer::Event event;
};

// Cumulative, over all peers that ever lived; counted when handed to the network card, lost ones too.
struct Counters {
    std::uint64_t inputs = 0;            // handed to peers
    std::uint64_t steps = 0;
    double samples = 0;
    std::uint64_t bytes_payload = 0, bytes_control = 0, messages = 0;
    std::uint64_t offers = 0;            // of exchanges
    std::uint64_t probe_messages = 0;    // ping, ack, ping-request, nack
    std::uint64_t control_messages = 0;
    std::uint64_t lost = 0;              // on the way: to links and faults, and garbled so that nobody could read it
    std::uint64_t garbled = 0, misread = 0;  // of the messages whose bytes were changed: dropped for it; read as another message
    std::uint64_t shut_out = 0;          // stopped at a router that lets nobody in
    std::uint64_t refused_mixes = 0;     // too far off for who clips, or no numbers, or garbled
    Duration computing{}, mixing{}, living{};  // of learners; living: of peers that are gone. See time_shares()
    Counters& operator+=(const Counters& other);
};

// Any number of peers on one clock. The agenda holds everything that is still to happen; running the world is taking
// the earliest entry and letting it happen. Same seed, same story.
//
// A large world is cut into shards, which a crew runs at the same time, window by window (conservative synchronisation: Chandy,
// Misra 1979; Fujimoto 1990): a window is shorter than any message takes, so nothing that happens in it in one shard is heard of
// in another. Whatever the number of shards and hands, every peer sees the same inputs at the same instants in the same order.
//
// A peer here is the very Peer that a node runs. What a node does with threads is done with entries: an order to
// the learner becomes one at the end of the time it takes, and is carried out then, so that no parameters ever
// lie in the future.
class World {
public:
    struct Options {
        std::uint64_t seed = 1;
        Network network;
        // Whether what a peer tells is worth a note; none: all is (but orders). Asked on the thread that runs the shard.
        std::function<bool(std::uint32_t shard, const Peer::Event&)> notable = {};
        Tap* tap = nullptr;              // listens in on all that happens; outlives the world
        // Whether parameters that a liar sent can be believed where they arrive, as a node asks of all; none: all can. Those of
        // honest peers come from a learner: nobody looks at them, for it costs as much as mixing.
        std::function<bool(const Snapshot&)> believable = {};
        double average_over = 0;         // steps: half-life of averaged(); 0: there is none
        bool encoded = false;            // every message is encoded and decoded on its way, as between nodes; changes no bit
        bool metered = false;            // spent() is asked for
        Crew* crew = nullptr;            // outlives the world; none: one hand
        // Goes window by window, in so many shards, where no message takes less than 10 us and nobody listens in: quicker for large
        // worlds, and the same. 0: by time, one input after the other.
        std::uint32_t shards = 0;
    };
    explicit World(Options options);
    ~World();

    membership::Handle register_peer(const std::string& name, std::uint64_t generation = 1, bool outbound = false);  // its record, before it exists; in order of index
    std::uint32_t add(Newcomer newcomer);  // of the next registered record; starts now

    void crash(std::uint32_t peer);
    void leave(std::uint32_t peer);   // gracefully
    void finish(std::uint32_t peer);  // the run is over: final merge
    void observe(std::uint32_t peer, const Evaluation& evaluation);  // it has just been evaluated
    void slow(std::uint32_t peer, double factor);
    void rates(std::uint32_t peer, double uplink, double downlink);  // of its card, from now on
    void set_clock(std::uint32_t peer, const LocalClock& clock);  // timers that run already end when the clock before would have ended them
    LocalClock clock(std::uint32_t peer) const;
    void bury(std::uint32_t peer);    // of one that is gone: nobody will ask for its learner again
    // From now on it sends this in place of its parameters, and otherwise behaves.
    using Lie = std::function<Snapshot(const Snapshot&)>;
    void lie(std::uint32_t peer, Lie lie);
    bool lies(std::uint32_t peer) const;
    // Stands still, by pause.cpp. Pauses nest: it goes on when each has ended.
    enum class Timers { wait, run };
    void pause(std::uint32_t peer, Timers timers);
    void resume(std::uint32_t peer, Timers timers);
    bool paused(std::uint32_t peer) const;
    // A message that `from` never sent, with one rumor: to see that it is noticed.
    void forge(std::uint32_t from, std::uint32_t to, const membership::Record& about, membership::Standing standing);
    Network& network() { return network_; }
    void words_may_be_garbled();      // a fault that changes messages is about to begin

    // Lets everything happen that is due until `end`, that instant included.
    void run_until(Instant end);
    // The same, but returns at the first instant (with several shards: window) after so many inputs. Whether it came to the end.
    bool run_some(Instant end, std::uint64_t inputs);
    bool run_one(Instant end);        // of a world of one shard: one entry; false if none is due
    Instant now() const { return now_; }
    std::size_t shards() const { return shards_.size(); }

    std::size_t size() const { return nodes_.size(); }
    bool up(std::uint32_t peer) const;
    std::size_t up_count() const;
    std::optional<Instant> missed(std::uint32_t peer) const;  // of one that is gone: when the first ping was sent to it since
    std::uint32_t group(std::uint32_t peer) const;
    std::uint64_t steps(std::uint32_t peer) const;
    Learner& learner(std::uint32_t peer);
    const Peer& peer(std::uint32_t peer) const;
    // Under an exchange that makes everybody agree: the model that this peer last agreed on. It is what such a run
    // has to show; between two rounds each peer is some steps of its own away from it. Null under other exchanges.
    const Snapshot* agreed(std::uint32_t peer) const;
    bool serves(std::uint32_t peer) const;  // keeps the model of all, where an exchange has a server
    // The exponential moving average of all that was agreed on, as the first peer that is up saw it; empty where nothing
    // was. It is what a run that agrees has to show beside its last model: one model is noisy, and the mean of many
    // peers' models, which gossip is judged by, is not.
    const std::vector<double>& averaged() const { return averaged_; }
    const membership::Book& book() const { return book_; }
    Counters counters() const;
    struct Shares { double computing = 0, mixing = 0, waiting = 0; };
    Shares time_shares() const;       // of the peers' time so far; sums to 1
    struct Spent {
        Duration up{}, busy{};           // busy: its learner, for orders that were broken off too
        std::uint64_t bytes = 0;         // sent
    };
    Spent spent(std::uint32_t peer) const;  // so far, in a world that is metered
    Duration member_time() const;     // sum over peers of the time they were up so far
    std::vector<Note> take_notes();   // what was told since the last call, by time and then by peer
    // The first thing that must never be, watched in every step. Views are looked at when this is called: in turn, as
    // many as are cheap.
    const std::optional<Violation>& violation() const;
    void look_at_views();
    std::uint64_t trace_hash() const; // over all inputs of all peers so far

private:
    struct Node;
    class Draws;
    struct Face;
    struct Machine;
    struct Pause;
    class Shard;

    Shard& shard_of(std::uint32_t peer) const { return *shards_[peer % shards_.size()]; }
    const Machine& machine_of(const Newcomer& newcomer);
    bool run_windows(Instant end, std::uint64_t inputs);
    void came_to(Instant end);
    void average(std::uint64_t steps, const Snapshot& agreed);

    std::uint64_t seed_;
    Network network_;
    std::function<bool(std::uint32_t, const Peer::Event&)> notable_;
    std::function<bool(const Snapshot&)> believable_;
    bool encoded_, metered_;
    Tap* tap_;
    Alone alone_;
    Crew* crew_;
    membership::Book book_;
    std::vector<membership::Handle> registered_, selves_;  // by index: its first record, and the one it has now
    std::uint32_t looked_at_ = 0;     // the view that look_at_views() ended with
    PeerConfigs configs_;
    std::deque<Machine> machines_;
    std::vector<std::unique_ptr<Node>> nodes_;
    std::vector<Face> faces_;
    bool any_liar_ = false;
    std::vector<std::unique_ptr<Shard>> shards_;
    unsigned parity_ = 0;             // of the window
    bool sweeps_ = false;
    std::optional<Violation> violation_;
    Instant now_{};
    double average_over_;
    std::vector<double> averaged_;
    std::uint32_t averager_ = 0;      // whose agreed models are averaged
    std::uint64_t averaged_at_ = 0;   // its steps then
};

// The id of peer i: plain numbers, so that ranks follow the index and stories read well.
constexpr PeerId id_of(std::uint32_t peer) { return PeerId{peer + 1ull}; }
// Of an id that no peer here has: one that is beyond them all.
constexpr std::uint32_t index_of(PeerId id) { return id.value - 1 < ~std::uint32_t{0} ? static_cast<std::uint32_t>(id.value - 1) : ~std::uint32_t{0}; }

}  // namespace grapevine::sim
