#include "grapevine/sim/world.hpp"

#include <algorithm>
#include <cassert>
#include <numeric>
#include <utility>
#include <xxhash.h>

#include "grapevine/portable_math.hpp"
#include "shard.hpp"

namespace grapevine::sim {

namespace {
constexpr Duration shortest_window = std::chrono::microseconds(10);  // below it shards would wait for each other all the time
}

Counters& Counters::operator+=(const Counters& o) {
    inputs += o.inputs, steps += o.steps, samples += o.samples;
    bytes_payload += o.bytes_payload, bytes_control += o.bytes_control, messages += o.messages;
    offers += o.offers, probe_messages += o.probe_messages, control_messages += o.control_messages;
    lost += o.lost, garbled += o.garbled, misread += o.misread, shut_out += o.shut_out, refused_mixes += o.refused_mixes;
    computing += o.computing, mixing += o.mixing, living += o.living;
    return *this;
}

World::World(Options options)
    : seed_(options.seed), network_(std::move(options.network)), notable_(std::move(options.notable)), believable_(std::move(options.believable)),
      tap_(options.tap), encoded_(options.encoded), metered_(options.metered), crew_(options.crew ? options.crew : &alone_), average_over_(options.average_over) {
    sweeps_ = options.shards > 0 && !tap_ && network_.least_latency() >= shortest_window;
    const std::uint32_t shards = sweeps_ ? options.shards : 1;
    for (std::uint32_t i = 0; i < shards; ++i) shards_.push_back(std::make_unique<Shard>(*this, i, shards));
}
World::~World() = default;

membership::Handle World::register_peer(const std::string& name, std::uint64_t generation, bool outbound) {
    membership::Record record;
    record.contact.id = id_of(static_cast<std::uint32_t>(registered_.size()));
    record.contact.name = name;
    record.generation = generation;
    record.outbound = outbound;
    // As long as a real one, so that simulated rumors have their true size.
    record.contact.control = "tcp://10.0.0.1:7470";
    record.contact.bulk = "tcp://10.0.0.1:7471";
    registered_.push_back(*book_.intern(record));
    return registered_.back();
}

const World::Machine& World::machine_of(const Newcomer& n) {
    Machine machine{n.step_time, n.pace, n.mix_rate, n.uplink, n.downlink};
    constexpr std::size_t looked_through = 16;
    for (std::size_t i = machines_.size(); i > 0 && i + looked_through > machines_.size(); --i)
        if (machines_[i - 1] == machine) return machines_[i - 1];
    machines_.push_back(std::move(machine));
    return machines_.back();
}

std::uint32_t World::add(Newcomer newcomer) {
    const auto index = static_cast<std::uint32_t>(nodes_.size());
    assert(index < registered_.size());
    newcomer.config.exchange.layout = newcomer.learner->layout();
    newcomer.config.exchange.size = newcomer.learner->size();
    const auto meets = newcomer.meets;
    const Machine& machine = machine_of(newcomer);
    const PeerConfig& config = configs_.keep(newcomer.config);
    if (tap_) tap_->born(now_, index, {book_, registered_[index], newcomer.config, seed_, {index + 1, 1}, newcomer.known, newcomer.group});
    nodes_.push_back(std::make_unique<Node>(book_, registered_[index], config, std::move(newcomer), machine, Random(seed_).split(index + 1)));
    Node& node = *nodes_.back();
    if (!node.card && network_.behind_nat(node.group)) node.card = std::make_unique<Card>();
    faces_.push_back({node.group, false, node.card != nullptr});
    if (metered_) node.meter = std::make_unique<Node::Meter>();
    node.learner->claim(node.peer.slots());
    selves_.push_back(registered_[index]);
    Shard& shard = shard_of(index);
    shard.add(index, node);
    if (meets) {
        shard.input(index, membership::Met{registered_[*meets]});
        network_.faults().joins(index, *meets);
    }
    return index;
}

bool World::run_one(Instant end) {
    assert(shards_.size() == 1);
    const bool any = shards_[0]->run_one(end);
    now_ = shards_[0]->now;
    if (!violation_) violation_ = shards_[0]->invariants.first();
    return any;
}

// Nothing is due any more until then.
void World::came_to(Instant end) {
    now_ = std::max(now_, end);
    for (const auto& shard : shards_) shard->now = now_;
    for (std::uint32_t i = 0; average_over_ > 0 && averager_ < nodes_.size() && !nodes_[averager_]->up && i < nodes_.size(); ++i)
        if (nodes_[i]->up) averager_ = i, averaged_at_ = nodes_[i]->steps;  // it goes on where the one that is gone was
}

void World::run_until(Instant end) {
    run_some(end, UINT64_MAX);
}

bool World::run_some(Instant end, std::uint64_t inputs) {
    if (sweeps_) return run_windows(end, inputs);
    Shard& only = *shards_[0];
    only.run_some(end, inputs);
    now_ = only.now;
    if (!violation_) violation_ = only.invariants.first();
    if (violation_ || only.next() <= end) return false;
    came_to(end);
    return true;
}

// Window by window. Nothing that is sent in [t, t + least latency) arrives in it.
bool World::run_windows(Instant end, std::uint64_t inputs) {
    const Duration width = network_.least_latency();
    std::vector<Instant> next(shards_.size());
    const auto inputs_so_far = [&] {
        std::uint64_t all = 0;
        for (const auto& shard : shards_) all += shard->counters.inputs;
        return all;
    };
    const std::uint64_t before = inputs_so_far();
    crew_->together(shards_.size(), [&](std::size_t i) { next[i] = shards_[i]->next(); });
    for (;;) {
        Instant first = *std::min_element(next.begin(), next.end());
        for (const auto& shard : shards_) first = std::min(first, shard->out[parity_].first);
        if (first > end) break;
        if (violation_ || inputs_so_far() - before >= inputs) return false;
        const Instant last = end - first < width ? end : first + width - Duration(1);
        parity_ = 1 - parity_;
        for (const auto& shard : shards_) shard->out[parity_].first = Shard::never;
        crew_->together(shards_.size(), [&](std::size_t i) {
            shards_[i]->open();
            shards_[i]->sweep(last);
            next[i] = shards_[i]->next();
        });
        now_ = last;
        for (const auto& shard : shards_) {
            const auto& found = shard->invariants.first();
            if (found && (!violation_ || std::pair(found->at, found->peer) < std::pair(violation_->at, violation_->peer))) violation_ = found;
        }
    }
    came_to(end);
    return !violation_;
}

void World::average(std::uint64_t steps, const Snapshot& agreed) {
    const double passed = static_cast<double>(steps - averaged_at_) / average_over_;
    averaged_at_ = steps;
    const double kept = averaged_.empty() ? 0 : portable::exp(-0.6931471805599453 * passed);
    averaged_.resize(agreed.range.count);
    const auto take = [&](const auto* values) {
        for (std::size_t i = 0; i < averaged_.size(); ++i) averaged_[i] = kept * averaged_[i] + (1 - kept) * static_cast<double>(values[i]);
    };
    if (agreed.encoding == Encoding::float64) take(reinterpret_cast<const double*>(agreed.bytes.data));
    else take(reinterpret_cast<const float*>(agreed.bytes.data));
}

void World::crash(std::uint32_t peer) {
    if (!nodes_[peer]->up) return;
    faces_[peer].crashed = true;
    shard_of(peer).stop(peer);
}
void World::leave(std::uint32_t peer) {
    if (nodes_[peer]->up) shard_of(peer).input(peer, membership::Leave{});
}
void World::finish(std::uint32_t peer) {
    if (nodes_[peer]->up) shard_of(peer).input(peer, gossip::Finish{});
}
void World::observe(std::uint32_t peer, const Evaluation& evaluation) {
    if (nodes_[peer]->up) shard_of(peer).input(peer, gossip::Observed{evaluation.loss, evaluation.accuracy});
}
void World::slow(std::uint32_t peer, double factor) { nodes_[peer]->slowness = factor; }
void World::rates(std::uint32_t peer, double uplink, double downlink) {
    auto& card = nodes_[peer]->card;
    if (!card) card = std::make_unique<Card>();
    card->go_at(now_, uplink, downlink);
    faces_[peer].has_card = true;
}
void World::words_may_be_garbled() {
    for (const auto& shard : shards_) shard->invariants.words_may_be_garbled();
}
void World::set_clock(std::uint32_t peer, const LocalClock& clock) {
    nodes_[peer]->with_rare().clock = clock;
    nodes_[peer]->own_clock = true;
}
LocalClock World::clock(std::uint32_t peer) const { return nodes_[peer]->own_clock ? nodes_[peer]->rare->clock : LocalClock{}; }
void World::bury(std::uint32_t peer) {
    nodes_[peer]->learner.reset();
    if (nodes_[peer]->rare) nodes_[peer]->rare->agreed.reset();
}
void World::lie(std::uint32_t peer, Lie lie) {
    nodes_[peer]->with_rare().lie = std::move(lie);
    any_liar_ = true;
}
bool World::lies(std::uint32_t peer) const { return nodes_[peer]->lies(); }
void World::pause(std::uint32_t peer, Timers timers) { shard_of(peer).pause(peer, timers); }
void World::resume(std::uint32_t peer, Timers timers) { shard_of(peer).resume(peer, timers); }
bool World::paused(std::uint32_t peer) const { return nodes_[peer]->pause() != nullptr; }

bool World::up(std::uint32_t peer) const { return nodes_[peer]->up; }
std::size_t World::up_count() const {
    std::size_t all = 0;
    for (const auto& shard : shards_) all += shard->up_count;
    return all;
}
std::optional<Instant> World::missed(std::uint32_t peer) const {
    std::optional<Instant> first;
    for (const auto& shard : shards_)
        if (const auto found = shard->missed.find(peer); found != shard->missed.end() && (!first || found->second < *first)) first = found->second;
    return first;
}
std::uint32_t World::group(std::uint32_t peer) const { return nodes_[peer]->group; }
std::uint64_t World::steps(std::uint32_t peer) const { return nodes_[peer]->steps; }
Learner& World::learner(std::uint32_t peer) {
    shard_of(peer).settle(peer);
    return *nodes_[peer]->learner;
}
bool World::serves(std::uint32_t peer) const { return nodes_[peer]->serves; }
const Snapshot* World::agreed(std::uint32_t peer) const {
    const auto& rare = nodes_[peer]->rare;
    return rare && rare->agreed ? &*rare->agreed : nullptr;
}
const Peer& World::peer(std::uint32_t peer) const { return nodes_[peer]->peer; }
const std::optional<Violation>& World::violation() const { return violation_; }

Counters World::counters() const {
    Counters all = shards_[0]->counters;
    for (std::size_t i = 1; i < shards_.size(); ++i) all += shards_[i]->counters;
    return all;
}

Duration World::member_time() const {
    Duration time{};
    for (const auto& shard : shards_) time += shard->counters.living;
    for (const auto& node : nodes_)
        if (node->up) time += now_ - node->born;
    return time;
}

World::Spent World::spent(std::uint32_t peer) const {
    const Node& node = *nodes_[peer];
    assert(node.meter);
    Spent spent{(node.up ? now_ : node.meter->died) - node.born, node.meter->worked, node.meter->sent};
    if (node.busy) spent.busy += (node.pause() && node.pause()->stopped > 0 ? node.pause()->since : now_) - node.order_began;
    return spent;
}

World::Shares World::time_shares() const {
    const double all = seconds(member_time());
    if (all <= 0) return {0, 0, 1};
    const Counters c = counters();
    Shares shares{seconds(c.computing) / all, seconds(c.mixing) / all, 0};
    for (std::uint32_t i = 0; i < nodes_.size(); ++i) {  // what is under way counts as far as it has come
        const Node& node = *nodes_[i];
        const Order* order = node.up ? shard_of(i).under_way(node) : nullptr;
        if (!order) continue;
        const Instant until = node.pause() && node.pause()->stopped > 0 ? node.pause()->since : now_;
        (std::holds_alternative<Train>(order->what) ? shares.computing : shares.mixing) += seconds(until - node.order_began) / all;
    }
    shares.waiting = std::max(0.0, 1 - shares.computing - shares.mixing);
    return shares;
}

void World::forge(std::uint32_t from, std::uint32_t to, const membership::Record& about, membership::Standing standing) {
    membership::Message message{membership::Gossip{}, {}};
    message.rumors.push_back({*book_.intern(about), standing, id_of(from)});
    shard_of(from).give(now_, 0, to, from, Received<Peer::Message>{id_of(from), Peer::Message(message)});
}

void World::look_at_views() {
    constexpr std::size_t entries = 1 << 17;  // some tenths of a millisecond
    std::size_t seen = 0;
    Invariants& invariants = shards_[0]->invariants;
    for (std::size_t n = 0; n < nodes_.size() && seen < entries; ++n) {
        looked_at_ = looked_at_ + 1 < nodes_.size() ? looked_at_ + 1 : 0;
        const Node& node = *nodes_[looked_at_];
        if (!node.up) continue;
        invariants.look_at_roster(now_, looked_at_, node.peer.members().roster());
        seen += node.peer.members().roster().entries().size();
    }
    if (!violation_) violation_ = invariants.first();
}

std::vector<Note> World::take_notes() {
    std::vector<Note> notes = std::move(shards_[0]->notes);
    shards_[0]->notes.clear();
    for (std::size_t i = 1; i < shards_.size(); ++i) {
        auto& more = shards_[i]->notes;
        notes.insert(notes.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
        more.clear();
    }
    const auto earlier = [](const Note& a, const Note& b) { return a.at != b.at ? a.at < b.at : a.peer < b.peer; };
    if (std::is_sorted(notes.begin(), notes.end(), earlier)) return notes;
    std::vector<std::uint32_t> order(notes.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) { return earlier(notes[a], notes[b]); });
    std::vector<Note> sorted;
    sorted.reserve(notes.size());
    for (const std::uint32_t i : order) sorted.push_back(std::move(notes[i]));
    return sorted;
}

std::uint64_t World::trace_hash() const {
    std::uint64_t hash = 0;
    for (const auto& node : nodes_) hash = XXH3_64bits_withSeed(&node->trace, sizeof node->trace, hash);
    return hash;
}

}  // namespace grapevine::sim
