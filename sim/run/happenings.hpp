#pragma once

#include <deque>
#include <set>
#include <vector>

#include "grapevine/config/config.hpp"
#include "grapevine/record/run_files.hpp"
#include "population.hpp"
#include "watch.hpp"

namespace grapevine::sim {

// What a scenario's [[event]]s do, when they are due: a list of instants with deeds, earliest first. What they
// begin for a while, they put on the list to end.
class Happenings {
public:
    Happenings(const config::Config& config, Population& population, World& world, Watch& watch);

    std::optional<Instant> next() const;
    void do_due(Instant now, std::vector<record::RunEvent>& events);  // all at or before `now`

private:
    struct Deed {
        Instant at;
        std::size_t order;
        enum class Kind { start_next, event, join_one, end_slow, end_partition } kind;
        const config::Event* event = nullptr;
        std::vector<std::uint32_t> peers;  // end_slow
        bool operator<(const Deed& other) const { return at != other.at ? at < other.at : order < other.order; }
    };
    void add(Instant at, Deed::Kind kind, const config::Event* event, std::vector<std::uint32_t> peers = {});
    void do_event(Instant now, const config::Event& event, std::vector<record::RunEvent>& events);

    Population& population_;
    World& world_;
    Watch& watch_;
    std::multiset<Deed> deeds_;
    std::size_t added_ = 0;
    std::uint64_t partitions_ = 0;  // how often a partition was begun: only the last one's end heals
};

// A note of a peer as a line of events.jsonl; nothing for what is not worth one.
std::optional<record::RunEvent> event_of(const Note& note, const World& world);
std::string name_of(PeerId id, const World& world);

}  // namespace grapevine::sim
