#include "shard.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <span>
#include <utility>
#include <xxhash.h>

#include "grapevine/sim/garble.hpp"
#include "grapevine/wire/wire.hpp"

namespace grapevine::sim {

namespace {
// A transport gives parameters up that make no progress for this long, or for eight round trips.
constexpr Duration undelivered_after = std::chrono::seconds(3);
constexpr std::size_t frame_overhead = 24;  // what the transport puts before a message: magic, version, run, sender
}  // namespace

World::Shard::Shard(World& world, std::uint32_t number, std::uint32_t shards)
    : invariants(world.book_, world.selves_), world_(world), number_(number), shards_(shards), jobs_(world.sweeps_ ? world.alone_ : *world.crew_) {
    for (Outbox& o : out) {
        o.entries.resize(shards);
        o.read.resize(shards);
    }
}

void World::Shard::add(std::uint32_t peer, Node& node) {
    node.born = now;
    ++up_count;
    input(peer, Start{});
}

void World::Shard::open() {
    for (const auto& other : world_.shards_) {
        if (other.get() == this) continue;
        Outbox& box = other->out[1 - world_.parity_];
        for (const Agenda::Entry& e : box.entries[number_]) agenda_.put(e);
        box.entries[number_].clear();
        for (const std::uint32_t place : box.read[number_]) letters_.drop(place);
        box.read[number_].clear();
    }
}

void World::Shard::post(Agenda::Entry entry) {
    const std::uint32_t shard = shard_of(entry.to);
    if (shard == number_) return plan(entry);
    Outbox& box = out[world_.parity_];
    box.entries[shard].push_back(entry);
    box.first = std::min(box.first, entry.at);
}

void World::Shard::give(Instant at, std::uint32_t depth, std::uint32_t to, std::uint32_t from, Peer::Input&& input) {
    post({at, at == now ? depth : 0, to, from, node(from).sequence++, letters_.put(Letter{std::move(input), {}, {}, {}}), letter,
          static_cast<std::uint16_t>(number_)});
}

World::Shard::Letter& World::Shard::letter_of(const Agenda::Entry& entry) {
    return entry.shelf == number_ ? letters_[entry.due] : world_.shards_[entry.shelf]->letters_[entry.due];
}

void World::Shard::read(const Agenda::Entry& entry) {
    if (entry.shelf == number_) return letters_.drop(entry.due);
    letter_of(entry).input.emplace<Start>();  // lets go of what it held
    out[world_.parity_].read[entry.shelf].push_back(entry.due);
}

bool World::Shard::run_one(Instant end) {
    jobs_.stretch(end);
    if (agenda_.empty() || agenda_.first().at > end) return false;
    happen(agenda_.take());
    return true;
}

// The peers of the next entries lie anywhere in memory, and what is for them too: they are fetched while this one is at work.
void World::Shard::look_ahead(const Agenda::Entry* soon, const Agenda::Entry* later) {
    constexpr std::size_t line = 64, of_a_peer = 12 * line, of_a_letter = 2 * line;
    if (later) __builtin_prefetch(&world_.nodes_[later->to]);
    if (!soon) return;
    const auto fetch = [](const void* what, std::size_t bytes) {
        for (std::size_t at = 0; at < bytes; at += line) __builtin_prefetch(static_cast<const char*>(what) + at);
    };
    fetch(world_.nodes_[soon->to].get(), std::min(sizeof(Node), of_a_peer));
    if (soon->kind == timer) fetch(&timers_[soon->due], 1);
    else if (soon->kind != order_done) fetch(&letter_of(*soon), of_a_letter);
}

// To the agenda; in a sweep what a peer has for itself before the end of the window comes in its own turn.
void World::Shard::plan(const Agenda::Entry& entry) {
    if (entry.at > swept_until_) return agenda_.put(entry);
    assert(entry.to == swept_);  // nothing that is sent in a window arrives in it
    own_.push_back(entry);
    std::push_heap(own_.begin(), own_.end(), Agenda::later);
}

// A window, peer by peer in the order in which they lie in memory, each with all that comes to it: to go through the peers in the
// order of time would be to wait for memory most of the time. No peer can tell the difference, for none hears of another in a window.
void World::Shard::sweep(Instant last) {
    window_.clear();
    agenda_.take_until(last, window_);
    sort_by_peer();
    swept_until_ = last;
    for (std::size_t i = 0; i < window_.size();) {
        swept_ = window_[i].to;
        std::size_t end = i + 1;
        while (end < window_.size() && window_[end].to == swept_) ++end;
        while (i < end || !own_.empty()) {
            if (i < end && (own_.empty() || window_[i] < own_.front())) {
                look_ahead(i + 3 < window_.size() ? &window_[i + 3] : nullptr, i + 8 < window_.size() ? &window_[i + 8] : nullptr);
                happen(window_[i++]);
                continue;
            }
            std::pop_heap(own_.begin(), own_.end(), Agenda::later);
            const Agenda::Entry next = own_.back();
            own_.pop_back();
            happen(next);
        }
    }
    swept_until_ = Instant::min();
    now = last;
}

// By peer, and then as the agenda would have it.
void World::Shard::sort_by_peer() {
    const std::size_t peers = world_.nodes_.size();
    int shift = 0;
    while ((peers >> shift) > window_.size()) ++shift;
    deal_.sort(window_, (peers >> shift) + 1, [&](const Agenda::Entry& e) { return static_cast<std::size_t>(e.to >> shift); },
               [](const Agenda::Entry& a, const Agenda::Entry& b) { return a.to != b.to ? a.to < b.to : a < b; });
}

std::uint64_t World::Shard::run_some(Instant end, std::uint64_t most) {
    jobs_.stretch(end);
    const std::uint64_t before = counters.inputs;
    while (!agenda_.empty() && !invariants.first()) {
        const Instant at = agenda_.first().at;
        if (at > end || (at > now && counters.inputs - before >= most)) break;
        look_ahead(agenda_.soon(4), agenda_.soon(8));
        happen(agenda_.take());
    }
    return counters.inputs - before;
}

void World::Shard::happen(const Agenda::Entry& entry) {
    now = entry.at;
    Node& n = node(entry.to);
    switch (entry.kind) {
        case timer: {
            Peer::Input input(std::in_place_type<Woken<Peer::Timer>>, Woken<Peer::Timer>{timers_[entry.due]});
            timers_.drop(entry.due);
            if (n.up) hand(entry.to, entry.from, entry.depth, std::move(input));
            break;
        }
        case order_done:
            if (n.up && entry.due == n.order) end_order(entry.to, entry.depth);
            break;
        case arrival: pass_card(entry); break;
        default: {
            Peer::Input& input = letter_of(entry).input;
            if (world_.tap_ && std::holds_alternative<Received<Peer::Message>>(input)) world_.tap_->arrived(now, {entry.from, entry.to, entry.sequence}, n.up);
            if (!n.up || shuts_out(entry.to, entry.from, input)) turn_away(entry.to, entry.from, input);
            else if (refuses(entry.from, input)) ++counters.refused_mixes;
            else hand(entry.to, entry.from, entry.depth, std::move(input));
            read(entry);
        }
    }
    jobs_.begin();
}

// The first byte is at the receiver's card, which takes one letter after the other.
void World::Shard::pass_card(Agenda::Entry entry) {
    const Letter& l = letter_of(entry);
    Card* card = node(entry.to).card.get();
    entry.at = (card ? card->takes(now, l.held, l.plane) : now + l.held) + l.lingers;
    if (entry.at > now) entry.depth = 0;
    entry.kind = letter;
    plan(entry);
}

void World::Shard::hand(std::uint32_t peer, std::uint32_t from, std::uint32_t depth, Peer::Input&& input) {
    Pause* pause = node(peer).pause();
    if (pause && waits(*pause, input)) pause->arrived.push_back({from, std::move(input)});
    else step(peer, from, depth, std::move(input));
}

bool World::Shard::refuses(std::uint32_t from, const Peer::Input& input) {
    if (!world_.any_liar_ || !world_.believable_ || !node(from).lies()) return false;
    const auto* received = std::get_if<Received<Peer::Message>>(&input);
    const Snapshot* snapshot = received ? parameters(received->message) : nullptr;
    return snapshot && !world_.believable_(*snapshot);
}

bool World::Shard::shuts_out(std::uint32_t peer, std::uint32_t from, const Peer::Input& input) {
    const Node& n = node(peer);
    if (!world_.network_.behind_nat(n.group) || !std::holds_alternative<Received<Peer::Message>>(input)) return false;
    if (world_.network_.lets_in(now, from, world_.faces_[from].group, {peer, n.group, n.card.get()})) return false;
    ++counters.shut_out;
    return true;
}

// Nobody is there any more; the sender's transport will notice.
void World::Shard::turn_away(std::uint32_t peer, std::uint32_t from, const Peer::Input& input) {
    if (const auto* received = std::get_if<Received<Peer::Message>>(&input))
        if (const auto* message = std::get_if<gossip::Message>(&received->message); message && parameters(*message))
            give(now + undelivered_after, 0, from, peer, gossip::Undelivered{id_of(peer), ticket(*message)});
}

void World::Shard::step(std::uint32_t peer, std::uint32_t from, std::uint32_t depth, Peer::Input&& input) {
    Node& n = node(peer);
    ++counters.inputs;
    integers_.clear();
    integers_.push_back(static_cast<std::uint64_t>(now.time_since_epoch().count()));
    integers_.push_back(from);
    integers(input, world_.book_, integers_);
    n.trace = XXH3_64bits_withSeed(integers_.data(), integers_.size() * sizeof(std::uint64_t), n.trace);
    const Instant shown = n.own_clock ? n.rare->clock.here(now) : now;
    if (world_.tap_) world_.tap_->handed(now, peer, input, shown);

    effects_.list.clear();
    const bool news = invariants.before(now, peer, n.peer.members(), input);
    n.peer.step(shown, std::move(input), effects_);
    if (news) invariants.after(now, peer, n.peer.members(), n.peer.members().config().rumor_cap);
    if (world_.tap_) world_.tap_->answered(now, peer, effects_);
    carry_out(peer, depth);
}

void World::Shard::carry_out(std::uint32_t peer, std::uint32_t depth) {
    // Nothing below steps a peer at once: effects_ is not touched while it is walked.
    for (auto& effect : effects_.list) {
        if (auto* wake = std::get_if<Peer::Effects::Wake>(&effect)) {
            const Node& n = node(peer);
            const Instant at = std::max(n.own_clock ? n.rare->clock.there(wake->at) : wake->at, now);
            plan({at, at == now ? depth + 1 : 0, peer, peer, node(peer).sequence++, timers_.put(wake->timer), timer, 0});
        } else if (auto* message = std::get_if<Peer::Effects::Send>(&effect)) {
            send(peer, depth, message->to, std::move(message->message));
        } else {
            tell(peer, std::move(std::get<Peer::Effects::Tell>(effect).event), depth);
        }
    }
}

void World::Shard::count(std::uint32_t to, const Peer::Message& message, std::uint64_t payload, std::uint64_t control) {
    ++counters.messages;
    counters.bytes_payload += payload;
    counters.bytes_control += control;
    counters.control_messages += !parameters(message);
    if (const auto* exchange = std::get_if<gossip::Message>(&message)) {
        counters.offers += std::holds_alternative<gossip::Offer>(*exchange);
        return;
    }
    const auto& body = std::get<membership::Message>(message).body;
    if (std::holds_alternative<membership::Ping>(body)) {
        ++counters.probe_messages;
        if (to < world_.faces_.size() && world_.faces_[to].crashed) {
            const auto [first, is_first] = missed.try_emplace(to, now);
            if (!is_first) first->second = std::min(first->second, now);  // a sweep does not go by time
        }
    } else {
        counters.probe_messages += std::holds_alternative<membership::Ack>(body) || std::holds_alternative<membership::PingRequest>(body) ||
                                   std::holds_alternative<membership::Nack>(body);
    }
}

void World::Shard::send(std::uint32_t from, std::uint32_t depth, PeerId to_id, Peer::Message&& message) {
    Node& n = node(from);
    if (Pause* pause = n.pause(); pause && pause->blocked > 0) {
        pause->unsent.push_back({to_id, std::move(message)});
        return;
    }
    const std::uint32_t to = index_of(to_id);
    if (n.lies())
        if (auto* exchanged = std::get_if<gossip::Message>(&message))
            if (Snapshot* truth = gossip::parameters(*exchanged)) *truth = n.rare->lie(*truth);
    const Snapshot* snapshot = parameters(message);
    if (world_.encoded_) {
        const std::string bytes = wire::encode(message, world_.book_);
        auto decoded = wire::decode(std::as_bytes(std::span(bytes)), world_.book_, snapshot ? snapshot->bytes : Bytes{});
        assert(decoded && bytes.size() == wire::control_size(message, world_.book_));
        message = std::move(*decoded);
        snapshot = parameters(message);
    }
    const std::uint64_t payload = snapshot ? snapshot->bytes.size : 0;
    const std::uint64_t control = wire::control_size(message, world_.book_) + frame_overhead;
    count(to, message, payload, control);
    if (n.meter) n.meter->sent += payload + control;
    const std::uint32_t number = snapshot ? ticket(std::get<gossip::Message>(message)) : 0;
    const Plane plane = snapshot ? Plane::bulk : Plane::control;

    Network::Fate fate;
    if (to < world_.nodes_.size()) {
        const Face face = world_.faces_[to];
        Random links = n.draws.of(Draws::links), faults = n.draws.of(Draws::faults);
        fate = world_.network_.send(now, {from, n.group, n.card.get()}, {to, face.group, face.has_card ? node(to).card.get() : nullptr}, payload + control, plane,
                                    links, faults, n.sequence, n.traced_latencies);
        n.draws.drew(Draws::links, links);
        n.draws.drew(Draws::faults, faults);
    }
    if (fate.copies > 0 && fate.garbled) {
        Random random = n.draws.of(Draws::garbling);
        auto other = garbled(message, world_.book_, frame_overhead, random);
        n.draws.drew(Draws::garbling, random);
        const Snapshot* theirs = other ? parameters(*other) : nullptr;
        if (other && (theirs != nullptr) == (snapshot != nullptr) && !(theirs && world_.believable_ && !world_.believable_(*theirs))) {
            ++counters.misread;
            message = std::move(*other);
        } else {
            ++counters.garbled;
            fate.copies = 0;
        }
    }
    if (world_.tap_) world_.tap_->sent(now, {{from, to, n.sequence}, message, payload, control, plane, fate.copies});
    if (fate.copies == 0) {
        ++counters.lost;
        if (snapshot) give(now + undelivered_after, 0, from, from, gossip::Undelivered{to_id, number});
        return;
    }
    const PeerId sender = id_of(from);
    const auto arrives = [&](int copy, Peer::Message&& m) {
        const bool queues = copy < fate.in_line;
        const Instant at = fate.arrives[copy] + (queues ? Duration::zero() : fate.takes);
        const std::uint32_t place = letters_.put(
            Letter{Peer::Input(std::in_place_type<Received<Peer::Message>>, Received<Peer::Message>{sender, std::move(m)}), fate.held, fate.takes - fate.held, plane});
        post({at, at == now ? depth + 1 : 0, to, from, n.sequence++, place, queues ? arrival : letter, static_cast<std::uint16_t>(number_)});
    };
    for (int copy = fate.copies - 1; copy > 0; --copy) arrives(copy, Peer::Message(message));
    arrives(0, std::move(message));
}

void World::Shard::tell(std::uint32_t peer, Peer::Event&& event, std::uint32_t depth) {
    Node& n = node(peer);
    if (auto* order = std::get_if<Order>(&event)) {
        const std::uint32_t place = orders_.put(Waiting{std::move(*order), none});
        if (n.first_order == none) n.first_order = place;
        else orders_[n.last_order].next = place;
        n.last_order = place;
        if (!n.busy) begin_order(peer, depth);
        return;
    }
    if (world_.tap_) world_.tap_->told(now, peer, event);
    if (const auto* wanted = std::get_if<membership::EchoWanted>(&event)) {
        const std::uint32_t other = index_of(wanted->peer);
        const sim::Faults& faults = world_.network_.faults();
        const bool back = !faults.cut_off(peer, other, true) && !faults.cut_off(other, peer, true);
        give(now + undelivered_after, 0, peer, peer, membership::Echoed{wanted->peer, back ? membership::Way::open : membership::Way::shut});
    } else if (const auto* failed = std::get_if<gossip::Failed>(&event)) {
        counters.refused_mixes += failed->why == gossip::Failure::clipped;
        if (failed->why == gossip::Failure::partner_gone && n.rare) n.rare->agreed.reset();  // its server: it goes on by itself
    } else if (const auto* mixed = std::get_if<gossip::MixedWith>(&event)) {
        if (!mixed->with) {
            assert(!jobs_.ahead(peer));  // agreed on between two orders
            auto& agreed = n.with_rare().agreed;
            agreed = std::get<Published>(n.learner->carry_out({0, Publish{model_slot, {0, n.learner->size()}}}).what).snapshot;
            if (world_.average_over_ > 0 && peer == world_.averager_) world_.average(n.steps, *agreed);
        }
    } else if (const auto* formed = std::get_if<gossip::RollFormed>(&event)) {
        if (formed->size < 2 && n.rare) n.rare->agreed.reset();  // alone there is nobody to agree with: its model is its own
    }
    const bool departed = std::holds_alternative<membership::Departed>(event);
    if (!world_.notable_ || world_.notable_(number_, event)) notes.push_back({now, peer, std::move(event)});
    if (departed) stop(peer);
}

void World::Shard::begin_order(std::uint32_t peer, std::uint32_t depth) {
    Node& n = node(peer);
    const Order& order = orders_[n.first_order].order;
    const Machine& machine = *n.machine;
    double took = 0;
    if (const auto* train = std::get_if<Train>(&order.what)) {
        Random random = n.draws.of(Draws::machine);
        const auto step = [&] { return std::max(draw(machine.step_time, random, n.traced_steps) * n.slowness, seconds(machine.pace)); };
        if (const auto& slice = train->slice) {
            double& whole = n.with_rare().sliced_step;
            if (slice->index == 0) whole = step();
            took = whole * share(*slice);
        } else {
            for (std::uint32_t i = 0; i < train->steps; ++i) took += step();
        }
        n.draws.drew(Draws::machine, random);
    } else if (machine.mix_rate > 0) {
        std::uint64_t elements = n.learner->size();
        if (const auto* publish = std::get_if<Publish>(&order.what)) elements = publish->range.count;
        if (const auto* combine = std::get_if<Combine>(&order.what)) elements = combine->theirs.range.count;
        if (const auto* fold = std::get_if<Fold>(&order.what); fold && fold->range) elements = fold->range->count;
        if (!std::holds_alternative<Swap>(order.what))
            took = static_cast<double>(elements * bytes_per_element(n.learner->encoding())) / machine.mix_rate * n.slowness;
    }
    n.busy = true;
    n.order_began = now;
    n.order_ends = now + from_seconds(took);
    if (world_.tap_) world_.tap_->order_begun(now, peer, order);
    plan({n.order_ends, n.order_ends == now ? depth + 1 : 0, peer, peer, n.sequence++, ++n.order, order_done, 0});
    jobs_.given(peer, *n.learner, order, now, n.order_ends);
}

void World::Shard::end_order(std::uint32_t peer, std::uint32_t depth) {
    Node& n = node(peer);
    const std::uint32_t place = n.first_order;
    n.first_order = orders_[place].next;
    n.busy = false;
    if (world_.tap_) world_.tap_->order_ended(now, peer, orders_[place].order);
    Completion completion = jobs_.done(peer, *n.learner, orders_[place].order);
    orders_.drop(place);
    const Duration took = now - n.order_began;
    if (n.meter) n.meter->worked += took;
    if (const auto* trained = std::get_if<Trained>(&completion.what)) {
        counters.computing += took;
        counters.steps += trained->steps;
        counters.samples += trained->samples;
        n.steps += trained->steps;
    } else {
        counters.mixing += took;
    }
    if (n.first_order != none) begin_order(peer, depth);
    step(peer, peer, depth, Peer::Input(std::move(completion)));
}

void World::Shard::stop(std::uint32_t peer) {
    Node& n = node(peer);
    if (!n.up) return;
    if (n.meter) {
        if (n.busy) n.meter->worked += (n.pause() && n.pause()->stopped > 0 ? n.pause()->since : now) - n.order_began;
        n.meter->died = now;
    }
    n.busy = false;
    n.up = false;
    if (world_.tap_) world_.tap_->stopped(now, peer);
    --up_count;
    counters.living += now - n.born;
    jobs_.forget(peer);
    while (n.first_order != none) orders_.drop(std::exchange(n.first_order, orders_[n.first_order].next));
    if (!n.pause()) return;
    for (const auto pause = std::exchange(n.rare->pause, nullptr); const Pause::Arrived& a : pause->arrived) turn_away(peer, a.from, a.input);
}

}  // namespace grapevine::sim
