#include "grapevine/sim/world.hpp"

#include <algorithm>
#include <cassert>
#include <utility>
#include <xxhash.h>

#include "grapevine/portable_math.hpp"
#include "grapevine/wire/wire.hpp"
#include "node.hpp"

namespace grapevine::sim {

namespace {
// A transport gives parameters up that make no progress for this long, or for eight round trips.
constexpr Duration undelivered_after = std::chrono::seconds(3);
constexpr std::size_t frame_overhead = 24;  // what the transport puts before a message: magic, version, run, sender
}  // namespace

World::World(Options options)
    : seed_(options.seed), network_(std::move(options.network)), collect_notes_(options.notes), believable_(std::move(options.believable)),
      story_(options.story), average_over_(options.average_over) {}
World::~World() = default;

membership::Handle World::register_peer(const std::string& name, std::uint64_t generation) {
    membership::Record record;
    record.contact.id = id_of(static_cast<std::uint32_t>(registered_.size()));
    record.contact.name = name;
    record.generation = generation;
    // As long as a real one, so that simulated rumors have their true size.
    record.contact.control = "tcp://10.0.0.1:7470";
    record.contact.bulk = "tcp://10.0.0.1:7471";
    registered_.push_back(*book_.intern(record));
    return registered_.back();
}

std::uint32_t World::add(Newcomer newcomer) {
    const auto index = static_cast<std::uint32_t>(nodes_.size());
    assert(index < registered_.size());
    newcomer.config.exchange.layout = newcomer.learner->layout();
    newcomer.config.exchange.size = newcomer.learner->size();
    const auto meets = newcomer.meets;
    nodes_.push_back(std::make_unique<Node>(book_, registered_[index], std::move(newcomer), Random(seed_).split(index + 1)));
    Node& node = *nodes_.back();
    node.learner->claim(node.peer.slots());
    invariants_.add(registered_[index]);
    node.born = now_;
    ++up_count_;
    put(now_, 0, index, index, Due{Peer::Input(Start{})});
    if (meets) {
        put(now_, 0, index, index, Due{Peer::Input(membership::Met{registered_[*meets]})});
        network_.faults().joins(index, *meets);
    }
    return index;
}

void World::put(Instant at, std::uint32_t depth, std::uint32_t to, std::uint32_t from, Due&& due) {
    std::uint32_t place;
    if (free_.empty()) {
        place = static_cast<std::uint32_t>(pool_.size());
        pool_.push_back(std::move(due));
    } else {
        place = free_.back();
        free_.pop_back();
        pool_[place] = std::move(due);
    }
    agenda_.put({at, at == now_ ? depth : 0, to, from, nodes_[from]->sequence++, place});
}

bool World::run_one(Instant end) {
    if (agenda_.empty() || agenda_.first().at > end) return false;
    const Agenda::Entry entry = agenda_.take();
    Due due = std::move(pool_[entry.due]);
    pool_[entry.due].what = OrderDone{0};  // lets go of what it held
    free_.push_back(entry.due);
    now_ = entry.at;
    Node& node = *nodes_[entry.to];
    if (auto* input = std::get_if<Peer::Input>(&due.what)) {
        if (!node.up) turn_away(entry.to, entry.from, *input);
        else if (refuses(entry.from, *input)) ++counters_.refused_mixes;
        else if (node.pause && waits(*node.pause, *input)) node.pause->arrived.push_back({entry.from, std::move(*input)});
        else step(entry.to, entry.from, entry.depth, std::move(*input));
    } else if (node.up && std::get<OrderDone>(due.what).order == node.order) {
        end_order(entry.to, entry.depth);
    }
    return true;
}

bool World::refuses(std::uint32_t from, const Peer::Input& input) {
    if (!nodes_[from]->lie || !believable_) return false;
    const auto* received = std::get_if<Received<Peer::Message>>(&input);
    const Snapshot* snapshot = received ? parameters(received->message) : nullptr;
    return snapshot && !believable_(*snapshot);
}

// Nobody is there any more; the sender's transport will notice.
void World::turn_away(std::uint32_t peer, std::uint32_t from, const Peer::Input& input) {
    if (const auto* received = std::get_if<Received<Peer::Message>>(&input))
        if (const auto* message = std::get_if<gossip::Message>(&received->message); message && parameters(*message))
            put(now_ + undelivered_after, 0, from, from, Due{Peer::Input(gossip::Undelivered{id_of(peer), ticket(*message)})});
}

void World::run_until(Instant end) {
    while (run_one(end)) {}
    now_ = std::max(now_, end);
}

void World::step(std::uint32_t peer, std::uint32_t from, std::uint32_t depth, Peer::Input&& input) {
    Node& node = *nodes_[peer];
    ++counters_.inputs;
    integers_.clear();
    integers_.push_back(static_cast<std::uint64_t>(now_.time_since_epoch().count()));
    integers_.push_back(from);
    integers(input, book_, integers_);
    node.trace = XXH3_64bits_withSeed(integers_.data(), integers_.size() * sizeof(std::uint64_t), node.trace);
    if (story_) tell_story(peer, from, input);

    effects_.list.clear();
    const bool news = invariants_.before(now_, peer, node.peer.members(), input);
    node.peer.step(now_, std::move(input), effects_);
    if (news) invariants_.after(now_, peer, node.peer.members(), node.rumor_cap);
    carry_out(peer, depth);
}

void World::carry_out(std::uint32_t peer, std::uint32_t depth) {
    // Nothing below steps a peer at once: effects_ is not touched while it is walked.
    for (auto& effect : effects_.list)
        std::visit(Cases{
                       [&](Peer::Effects::Send& send) { this->send(peer, depth, send.to, std::move(send.message)); },
                       [&](Peer::Effects::Wake& wake) {
                           put(std::max(wake.at, now_), depth + 1, peer, peer, Due{Peer::Input(Woken<Peer::Timer>{wake.timer})});
                       },
                       [&](Peer::Effects::Tell& tell) { this->tell(peer, std::move(tell.event), depth); },
                   },
                   effect);
}

void World::send(std::uint32_t from, std::uint32_t depth, PeerId to_id, Peer::Message&& message) {
    Node& node = *nodes_[from];
    if (node.pause && node.pause->blocked > 0) {
        node.pause->unsent.push_back({to_id, std::move(message)});
        return;
    }
    const std::uint32_t to = index_of(to_id);
    if (auto* exchanged = std::get_if<gossip::Message>(&message); exchanged && node.lie)
        if (Snapshot* truth = gossip::parameters(*exchanged)) *truth = node.lie(*truth);
    const Snapshot* snapshot = parameters(message);
    const std::uint64_t payload = snapshot ? snapshot->bytes.size : 0;
    const std::uint64_t control = wire::control_size(message, book_) + frame_overhead;
    ++counters_.messages;
    counters_.bytes_payload += payload;
    counters_.bytes_control += control;
    if (const auto* exchange = std::get_if<gossip::Message>(&message)) counters_.offers += std::holds_alternative<gossip::Offer>(*exchange);
    if (const auto* m = std::get_if<membership::Message>(&message)) {
        const bool probing = std::holds_alternative<membership::Ping>(m->body) || std::holds_alternative<membership::Ack>(m->body) ||
                             std::holds_alternative<membership::PingRequest>(m->body) || std::holds_alternative<membership::Nack>(m->body);
        counters_.probe_messages += probing;
        if (to < nodes_.size() && !nodes_[to]->up && !nodes_[to]->missed && std::holds_alternative<membership::Ping>(m->body)) nodes_[to]->missed = now_;
    }
    counters_.control_messages += !snapshot;
    const std::uint32_t number = snapshot ? ticket(std::get<gossip::Message>(message)) : 0;

    Network::Fate fate;
    if (to < nodes_.size()) {
        Node& other = *nodes_[to];
        fate = network_.send(now_, {from, node.group, node.card}, {to, other.group, other.card}, payload + control,
                             snapshot ? Plane::bulk : Plane::control, node.network_random, node.fault_random);
    }
    if (fate.copies == 0) {
        ++counters_.lost;
        if (snapshot) put(now_ + undelivered_after, 0, from, from, Due{Peer::Input(gossip::Undelivered{to_id, number})});
        return;
    }
    const PeerId sender = id_of(from);
    if (fate.copies == 2) put(fate.arrives[1], depth + 1, to, from, Due{Peer::Input(Received<Peer::Message>{sender, message})});
    put(fate.arrives[0], depth + 1, to, from, Due{Peer::Input(Received<Peer::Message>{sender, std::move(message)})});
}

void World::tell(std::uint32_t peer, Peer::Event&& event, std::uint32_t depth) {
    if (auto* order = std::get_if<Order>(&event)) {
        nodes_[peer]->orders.push_back(std::move(*order));
        if (!nodes_[peer]->busy) begin_order(peer, depth);
        return;
    }
    if (story_) tell_story(peer, event);
    if (const auto* failed = std::get_if<gossip::Failed>(&event); failed && failed->why == gossip::Failure::clipped) ++counters_.refused_mixes;
    if (const auto* mixed = std::get_if<gossip::MixedWith>(&event); mixed && !mixed->with) {
        Learner& learner = *nodes_[peer]->learner;
        nodes_[peer]->agreed = std::get<Published>(learner.carry_out({0, Publish{model_slot, {0, learner.size()}}}).what).snapshot;
        if (average_over_ > 0) average(peer, *nodes_[peer]->agreed);
    }
    if (const auto* formed = std::get_if<gossip::RollFormed>(&event); formed && formed->size < 2)
        nodes_[peer]->agreed.reset();  // alone there is nobody to agree with: its model is its own
    if (const auto* failed = std::get_if<gossip::Failed>(&event); failed && failed->why == gossip::Failure::partner_gone)
        nodes_[peer]->agreed.reset();  // its server: it goes on by itself
    const bool departed = std::holds_alternative<membership::Departed>(event);
    if (collect_notes_) notes_.push_back({now_, peer, std::move(event)});
    if (departed) stop(peer);
}

void World::average(std::uint32_t peer, const Snapshot& agreed) {
    if (peer != averager_) {
        if (nodes_[averager_]->up) return;
        averager_ = peer;  // the one before is gone; this one goes on where it was
        averaged_at_ = nodes_[peer]->steps;
    }
    const std::uint64_t steps = nodes_[peer]->steps;
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

void World::begin_order(std::uint32_t peer, std::uint32_t depth) {
    Node& node = *nodes_[peer];
    const Order& order = node.orders.front();
    double took = 0;
    if (const auto* train = std::get_if<Train>(&order.what)) {
        const auto step = [&] { return std::max(draw(node.step_time, node.machine_random, node.step_times_drawn) * node.slowness, seconds(node.pace)); };
        if (const auto& slice = train->slice) {
            if (slice->index == 0) node.sliced_step = step();
            took = node.sliced_step * share(*slice);
        } else {
            for (std::uint32_t i = 0; i < train->steps; ++i) took += step();
        }
    } else if (node.mix_rate > 0) {
        std::uint64_t elements = node.learner->size();
        if (const auto* publish = std::get_if<Publish>(&order.what)) elements = publish->range.count;
        if (const auto* combine = std::get_if<Combine>(&order.what)) elements = combine->theirs.range.count;
        if (const auto* fold = std::get_if<Fold>(&order.what); fold && fold->range) elements = fold->range->count;
        if (!std::holds_alternative<Swap>(order.what))
            took = static_cast<double>(elements * bytes_per_element(node.learner->encoding())) / node.mix_rate * node.slowness;
    }
    node.busy = true;
    node.order_began = now_;
    node.order_ends = now_ + from_seconds(took);
    put(node.order_ends, depth + 1, peer, peer, Due{OrderDone{++node.order}});
}

void World::end_order(std::uint32_t peer, std::uint32_t depth) {
    Node& node = *nodes_[peer];
    const Order order = std::move(node.orders.front());
    node.orders.pop_front();
    node.busy = false;
    Completion completion = node.learner->carry_out(order);
    const Duration took = now_ - node.order_began;
    if (const auto* trained = std::get_if<Trained>(&completion.what)) {
        counters_.computing += took;
        counters_.steps += trained->steps;
        counters_.samples += trained->samples;
        node.steps += trained->steps;
    } else {
        counters_.mixing += took;
    }
    if (!node.orders.empty()) begin_order(peer, depth);
    step(peer, peer, depth, Peer::Input(std::move(completion)));
}

void World::stop(std::uint32_t peer) {
    Node& node = *nodes_[peer];
    if (!node.up) return;
    node.up = false;
    --up_count_;
    counters_.living += now_ - node.born;
    node.orders.clear();
    if (const auto pause = std::exchange(node.pause, nullptr))
        for (const Pause::Arrived& a : pause->arrived) turn_away(peer, a.from, a.input);
}

void World::crash(std::uint32_t peer) { stop(peer); }
void World::leave(std::uint32_t peer) {
    if (nodes_[peer]->up) put(now_, 0, peer, peer, Due{Peer::Input(membership::Leave{})});
}
void World::finish(std::uint32_t peer) {
    if (nodes_[peer]->up) put(now_, 0, peer, peer, Due{Peer::Input(gossip::Finish{})});
}
void World::observe(std::uint32_t peer, const Evaluation& evaluation) {
    if (nodes_[peer]->up) put(now_, 0, peer, peer, Due{Peer::Input(gossip::Observed{evaluation.loss, evaluation.accuracy})});
}
void World::slow(std::uint32_t peer, double factor) { nodes_[peer]->slowness = factor; }
void World::lie(std::uint32_t peer, Lie lie) { nodes_[peer]->lie = std::move(lie); }
bool World::lies(std::uint32_t peer) const { return nodes_[peer]->lie != nullptr; }

bool World::up(std::uint32_t peer) const { return nodes_[peer]->up; }
std::optional<Instant> World::missed(std::uint32_t peer) const { return nodes_[peer]->missed; }
std::uint32_t World::group(std::uint32_t peer) const { return nodes_[peer]->group; }
std::uint64_t World::steps(std::uint32_t peer) const { return nodes_[peer]->steps; }
Learner& World::learner(std::uint32_t peer) { return *nodes_[peer]->learner; }
bool World::serves(std::uint32_t peer) const { return nodes_[peer]->serves; }
const Snapshot* World::agreed(std::uint32_t peer) const { return nodes_[peer]->agreed ? &*nodes_[peer]->agreed : nullptr; }
const Peer& World::peer(std::uint32_t peer) const { return nodes_[peer]->peer; }

Duration World::member_time() const {
    Duration time = counters_.living;
    for (const auto& node : nodes_)
        if (node->up) time += now_ - node->born;
    return time;
}

World::Shares World::time_shares() const {
    const double all = seconds(member_time());
    if (all <= 0) return {0, 0, 1};
    Shares shares{seconds(counters_.computing) / all, seconds(counters_.mixing) / all, 0};
    for (const auto& node : nodes_)  // what is under way counts as far as it has come
        if (node->up && node->busy && !node->orders.empty()) {
            const Instant until = node->pause && node->pause->stopped > 0 ? node->pause->since : now_;
            (std::holds_alternative<Train>(node->orders.front().what) ? shares.computing : shares.mixing) +=
                seconds(until - node->order_began) / all;
        }
    shares.waiting = std::max(0.0, 1 - shares.computing - shares.mixing);
    return shares;
}

void World::forge(std::uint32_t from, std::uint32_t to, const membership::Record& about, membership::Standing standing) {
    membership::Message message{membership::Gossip{}, {}};
    message.rumors.push_back({*book_.intern(about), standing, id_of(from)});
    put(now_, 0, to, from, Due{Peer::Input(Received<Peer::Message>{id_of(from), Peer::Message(message)})});
}

void World::look_at_views() {
    constexpr std::size_t entries = 1 << 17;  // some tenths of a millisecond
    std::size_t seen = 0;
    for (std::size_t n = 0; n < nodes_.size() && seen < entries; ++n) {
        looked_at_ = looked_at_ + 1 < nodes_.size() ? looked_at_ + 1 : 0;
        const Node& node = *nodes_[looked_at_];
        if (!node.up) continue;
        invariants_.look_at_roster(now_, looked_at_, node.peer.members().roster());
        seen += node.peer.members().roster().entries().size();
    }
}

std::vector<Note> World::take_notes() {
    std::vector<Note> notes;
    notes.swap(notes_);
    return notes;
}

std::uint64_t World::trace_hash() const {
    std::uint64_t hash = 0;
    for (const auto& node : nodes_) hash = XXH3_64bits_withSeed(&node->trace, sizeof node->trace, hash);
    return hash;
}

}  // namespace grapevine::sim
