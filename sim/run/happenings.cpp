#include "happenings.hpp"

#include <algorithm>

#include "grapevine/chronicle/chronicle.hpp"

namespace grapevine::sim {

Happenings::Happenings(const config::Config& config, Population& population, World& world, Watch& watch)
    : population_(population), world_(world), watch_(watch) {
    for (const Instant at : population.later_starts()) add(at, Deed::Kind::start_next, nullptr);
    for (const config::Event& event : config.events) {
        if (event.kind != config::Event::Kind::join) {
            add(event.at, Deed::Kind::event, &event);
            continue;
        }
        for (std::uint32_t i = 0; i < event.count; ++i)
            add(event.at + scaled(event.over, static_cast<double>(i) / event.count), Deed::Kind::join_one, &event);
    }
}

void Happenings::add(Instant at, Deed::Kind kind, const config::Event* event, std::vector<std::uint32_t> peers) {
    deeds_.insert({at, added_++, kind, event, std::move(peers)});
}

std::optional<Instant> Happenings::next() const { return deeds_.empty() ? std::nullopt : std::optional(deeds_.begin()->at); }

void Happenings::do_due(Instant now, std::vector<record::RunEvent>& events) {
    const auto note = [&](const char* kind, std::uint32_t peer) { events.push_back({seconds(now), name_of(id_of(peer), world_), kind, "", {}}); };
    while (!deeds_.empty() && deeds_.begin()->at <= now) {
        const Deed deed = *deeds_.begin();
        deeds_.erase(deeds_.begin());
        switch (deed.kind) {
            case Deed::Kind::start_next:
                population_.start_next();
                note("started", static_cast<std::uint32_t>(world_.size() - 1));
                break;
            case Deed::Kind::join_one: note("started", population_.join(deed.event->group)); break;
            case Deed::Kind::event: do_event(now, *deed.event, events); break;
            case Deed::Kind::end_slow:
                for (const std::uint32_t p : deed.peers) {
                    world_.slow(p, 1);
                    note("slow_ended", p);
                }
                break;
            case Deed::Kind::end_partition:
                if (deed.peers.front() != partitions_) break;
                world_.network().heal();
                events.push_back({seconds(now), "", "healed", "", {}});
                break;
        }
    }
}

void Happenings::do_event(Instant now, const config::Event& event, std::vector<record::RunEvent>& events) {
    const auto peers = population_.pick(event.nodes);
    const auto note = [&](const char* kind, std::uint32_t peer) { events.push_back({seconds(now), name_of(id_of(peer), world_), kind, "", {}}); };
    switch (event.kind) {
        case config::Event::Kind::crash:
            for (const std::uint32_t p : peers) {
                world_.crash(p);
                watch_.crashed(now, p);
                note("crashed", p);
            }
            break;
        case config::Event::Kind::restart:
            // The process dies and its like comes up at once: same machine, new identity, nothing remembered.
            for (const std::uint32_t p : peers) {
                world_.crash(p);
                watch_.crashed(now, p);
                note("crashed", p);
                note("started", population_.join(population_.group_name(p)));
            }
            break;
        case config::Event::Kind::slow:
            for (const std::uint32_t p : peers) {
                world_.slow(p, event.factor);
                note("slow", p);
            }
            if (event.lasts) add(now + *event.lasts, Deed::Kind::end_slow, &event, peers);
            break;
        case config::Event::Kind::leave:
            for (const std::uint32_t p : peers) {
                world_.leave(p);
                note("leaving", p);
            }
            break;
        case config::Event::Kind::partition: {
            std::vector<int> side(world_.size(), -1);
            for (std::size_t s = 0; s < event.sides.size(); ++s)
                for (const config::Selection& selection : event.sides[s])
                    for (const std::uint32_t p : population_.pick(selection))
                        if (side[p] < 0) side[p] = static_cast<int>(s);
            world_.network().partition(std::move(side));
            events.push_back({seconds(now), "", "partitioned", "", {}});
            ++partitions_;
            if (event.lasts) add(now + *event.lasts, Deed::Kind::end_partition, &event, {static_cast<std::uint32_t>(partitions_)});
            break;
        }
        case config::Event::Kind::join: break;  // one by one, above
    }
}

std::string name_of(PeerId id, const World& world) {
    const std::uint32_t i = index_of(id);
    return i < world.size() ? world.book().at(world.peer(i).members().self()).contact.name : "?";
}

std::optional<record::RunEvent> event_of(const Note& note, const World& world) {
    return chronicle::event_of(seconds(note.at), name_of(id_of(note.peer), world), note.event,
                               [&](PeerId id) { return name_of(id, world); });
}

}  // namespace grapevine::sim
