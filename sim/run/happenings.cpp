#include "happenings.hpp"

#include <algorithm>

#include "grapevine/chronicle/chronicle.hpp"
#include "lies.hpp"

namespace grapevine::sim {

using Kind = config::Event::Kind;

Happenings::Happenings(const config::Config& config, Population& population, World& world, Watch& watch)
    : population_(population), world_(world), watch_(watch), troubles_(config, population, world, watch), lies_(Random(config.seed).split(0x6c6965)),
      churn_(config, population) {
    for (std::uint32_t m = 0; m < population.machines(); ++m) churn_.begins(Instant{}, m);
    for (const Instant at : population.later_starts()) add(at, Deed::Kind::start_next, nullptr);
    for (const config::Event& event : config.events) {
        if (event.kind != Kind::join) {
            add(event.at, Deed::Kind::event, &event);
            continue;
        }
        for (std::uint32_t i = 0; i < event.count; ++i)
            add(event.at + scaled(event.over, static_cast<double>(i) / event.count), Deed::Kind::join_one, &event);
    }
}

void Happenings::add(Instant at, Deed::Kind kind, const config::Event* event, std::vector<std::uint32_t> peers, std::uint64_t number) {
    deeds_.insert({at, added_++, kind, event, std::move(peers), number});
}

std::optional<Instant> Happenings::next() const {
    const auto churn = churn_.next();
    if (deeds_.empty()) return churn;
    return churn ? std::min(*churn, deeds_.begin()->at) : deeds_.begin()->at;
}

void Happenings::note(const char* kind, std::optional<std::uint32_t> peer) {
    events_->push_back({seconds(world_.now()), peer ? name_of(id_of(*peer), world_) : "", kind, "", {}});
}

namespace {

World::Timers timers_of(const config::Event& event) { return event.timers_run ? World::Timers::run : World::Timers::wait; }

}  // namespace

void Happenings::do_due(Instant now, std::vector<record::RunEvent>& events) {
    events_ = &events;
    while (!deeds_.empty() && deeds_.begin()->at <= now) {
        const Deed deed = *deeds_.begin();
        deeds_.erase(deeds_.begin());
        switch (deed.kind) {
            case Deed::Kind::start_next:
                population_.start_next();
                note("started", static_cast<std::uint32_t>(world_.size() - 1));
                churn_.begins(now, static_cast<std::uint32_t>(population_.machines() - 1));
                break;
            case Deed::Kind::join_one:
                note("started", population_.join(deed.event->group));
                churn_.begins(now, static_cast<std::uint32_t>(population_.machines() - 1));
                break;
            case Deed::Kind::come_back:
                for (const std::uint32_t m : deed.peers) {
                    coming_back_.erase(m);
                    if (!world_.up(population_.peer_of(m))) come_back(m, deed.event->checkpoint);
                }
                break;
            case Deed::Kind::event: do_event(now, *deed.event); break;
            case Deed::Kind::pause: pause(now, deed); break;
            case Deed::Kind::resume:
                for (const std::uint32_t p : deed.peers) {
                    if (!world_.up(p)) continue;
                    watch_.resumed(p);
                    world_.resume(p, timers_of(*deed.event));
                    note("resumed", p);
                }
                break;
            case Deed::Kind::end_slow:
                for (const std::uint32_t m : deed.peers) {
                    std::erase_if(slows_[m], [&](const auto& doing) { return doing.first == deed.number; });
                    set_slow(m);
                    note("slow_ended", population_.peer_of(m));
                }
                break;
            case Deed::Kind::end_drift:
                for (const std::uint32_t m : deed.peers) {
                    std::erase_if(drifts_[m], [&](const auto& doing) { return doing.first == deed.number; });
                    set_clock(now, m, Duration::zero());
                    note("clock_ended", population_.peer_of(m));
                }
                break;
            case Deed::Kind::begin_trouble: begin_trouble(now, deed); break;
            case Deed::Kind::end_trouble: end_trouble(deed); break;
        }
    }
    while (const auto due = churn_.take(now)) turn(now, *due);
}

void Happenings::crash(Instant now, std::uint32_t peer) {
    world_.crash(peer);
    population_.gone(peer);
    watch_.crashed(now, peer);
    note("crashed", peer);
}

void Happenings::leave(Instant now, std::uint32_t peer) {
    watch_.leaves(now, peer, world_);
    world_.leave(peer);
    note("leaving", peer);
}

// The same machine and name, the next generation; and what was done to the machine is done to it still.
void Happenings::come_back(std::uint32_t machine, bool checkpoint) {
    const std::uint32_t before = population_.peer_of(machine), again = population_.restart(before, checkpoint);
    troubles_.replaces(again, before);
    note("started", again);
}

void Happenings::turn(Instant now, const Churn::Turn& turn) {
    const std::uint32_t peer = population_.peer_of(turn.machine);
    if (turn.to == Churn::To::up) {
        // Who was still taking its leave is out of time. Who was brought back by an event is there already.
        if (world_.up(peer) && watch_.is_leaving(peer)) crash(now, peer);
        if (!world_.up(peer)) come_back(turn.machine, turn.checkpoint);
    } else {
        if (!world_.up(peer)) {  // an event has ended it, for good or for a while
            if (coming_back_.contains(turn.machine)) churn_.done(now, {turn.machine, Churn::To::up, turn.checkpoint});
            return;
        }
        if (turn.to == Churn::To::left) leave(now, peer);
        else crash(now, peer);
    }
    churn_.done(now, turn);
}

void Happenings::set_slow(std::uint32_t machine) {
    double factor = 1;
    for (const auto& [number, by] : slows_[machine]) factor *= by;
    population_.slow(machine, factor);
}

void Happenings::set_clock(Instant now, std::uint32_t machine, Duration ahead) {
    double drift = 0;
    for (const auto& [number, by] : drifts_[machine]) drift += by;
    population_.set_clock(machine, now, ahead, drift);
}

void Happenings::do_event(Instant now, const config::Event& event) {
    if (Troubles::is_one(event.kind)) {
        const std::size_t trouble = troubles_.draw(event);
        if (troubles_.turns(trouble) > 0) begin_trouble(now, {now, 0, Deed::Kind::begin_trouble, &event, {}, trouble});
        return;
    }
    const auto peers = population_.pick(event.nodes);
    switch (event.kind) {
        case Kind::crash:
            for (const std::uint32_t p : peers) crash(now, p);
            break;
        case Kind::restart:
            for (const std::uint32_t p : peers) {
                crash(now, p);
                const std::uint32_t machine = population_.machine_of(p);
                if (event.down == Duration::zero()) {
                    come_back(machine, event.checkpoint);
                    continue;
                }
                coming_back_.insert(machine);
                add(now + event.down, Deed::Kind::come_back, &event, {machine});
            }
            break;
        case Kind::clock: {
            std::vector<std::uint32_t> machines;
            const std::uint64_t number = ++doings_;
            for (const std::uint32_t p : peers) {
                machines.push_back(population_.machine_of(p));
                if (event.drift != 0) drifts_[machines.back()].emplace_back(number, event.drift);
                set_clock(now, machines.back(), event.offset);
                note("clock", p);
            }
            if (event.lasts) add(now + *event.lasts, Deed::Kind::end_drift, &event, std::move(machines), number);
            break;
        }
        case Kind::pause: pause(now, {now, 0, Deed::Kind::pause, &event, peers, 0}); break;
        case Kind::slow: {
            std::vector<std::uint32_t> machines;
            const std::uint64_t number = ++doings_;
            for (const std::uint32_t p : peers) {
                machines.push_back(population_.machine_of(p));
                slows_[machines.back()].emplace_back(number, event.factor);
                set_slow(machines.back());
                note("slow", p);
            }
            if (event.lasts) add(now + *event.lasts, Deed::Kind::end_slow, &event, std::move(machines), number);
            break;
        }
        case Kind::leave:
            for (const std::uint32_t p : peers) leave(now, p);
            break;
        case Kind::liar:
            for (const std::uint32_t p : peers) {
                world_.lie(p, lie_of(event.sends, lies_.split(p)));
                note("lies", p);
            }
            break;
        case Kind::join:  // one by one, above
        case Kind::partition:
        case Kind::one_way:
        case Kind::cut:
        case Kind::loss:
        case Kind::delay:
        case Kind::clog:
        case Kind::bandwidth:
        case Kind::corrupt:
        case Kind::replay: break;
    }
}

// The same peers each time, as long as they live.
void Happenings::pause(Instant now, const Deed& deed) {
    const config::Event& event = *deed.event;
    for (const std::uint32_t p : deed.peers) {
        if (!world_.up(p)) continue;
        world_.pause(p, timers_of(event));
        watch_.paused(p);
        note("paused", p);
    }
    if (event.lasts) add(now + *event.lasts, Deed::Kind::resume, &event, deed.peers);
    if (event.every && (!event.times || deed.number + 1 < *event.times))
        add(now + *event.every, Deed::Kind::pause, &event, deed.peers, deed.number + 1);
}

void Happenings::begin_trouble(Instant now, const Deed& deed) {
    const config::Event& event = *deed.event;
    troubles_.begin(deed.number, now);
    note(Troubles::begins(event.kind), troubles_.whose_turn(deed.number));
    if (event.lasts) add(now + *event.lasts, Deed::Kind::end_trouble, &event, {}, deed.number);
    if (event.every && (!event.times || troubles_.begun(deed.number) < *event.times))
        add(now + *event.every, Deed::Kind::begin_trouble, &event, {}, deed.number);
}

void Happenings::end_trouble(const Deed& deed) {
    troubles_.end(deed.number);
    note(Troubles::ends(deed.event->kind), troubles_.whose_turn(deed.number));
    if (deed.event->kind == Kind::clog && troubles_.begun(deed.number) < troubles_.turns(deed.number)) begin_trouble(deed.at, deed);
}

std::string name_of(PeerId id, const World& world) {
    const std::uint32_t i = index_of(id);
    return i < world.size() ? std::string(world.book().name(world.peer(i).members().self())) : "?";
}

std::optional<record::RunEvent> event_of(const Note& note, const World& world) {
    return chronicle::event_of(seconds(note.at), name_of(id_of(note.peer), world), note.event,
                               [&](PeerId id) { return name_of(id, world); });
}

}  // namespace grapevine::sim
