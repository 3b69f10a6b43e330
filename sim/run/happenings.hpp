#pragma once

#include <map>
#include <set>
#include <vector>

#include "grapevine/config/config.hpp"
#include "grapevine/record/run_files.hpp"
#include "churn.hpp"
#include "population.hpp"
#include "troubles.hpp"
#include "watch.hpp"

namespace grapevine::sim {

// What a scenario's [[event]]s and [churn] do, when they are due: a list of instants with deeds, earliest first. What they
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
        enum class Kind { start_next, event, join_one, pause, resume, come_back, end_slow, end_drift, begin_trouble, end_trouble } kind;
        const config::Event* event = nullptr;
        std::vector<std::uint32_t> peers;  // pause, resume: whom; come_back, end_slow, end_drift: which machines
        std::uint64_t number = 0;          // pause: how many were before; end_slow, end_drift, begin_trouble, end_trouble: which
        bool operator<(const Deed& other) const { return at != other.at ? at < other.at : order < other.order; }
    };
    void add(Instant at, Deed::Kind kind, const config::Event* event, std::vector<std::uint32_t> peers = {}, std::uint64_t number = 0);
    void do_event(Instant now, const config::Event& event);
    void pause(Instant now, const Deed& deed);
    void begin_trouble(Instant now, const Deed& deed);
    void end_trouble(const Deed& deed);
    void crash(Instant now, std::uint32_t peer);
    void leave(Instant now, std::uint32_t peer);
    void come_back(std::uint32_t machine, bool checkpoint);
    void turn(Instant now, const Churn::Turn& turn);
    // What is done to a machine for a while, by what number: each ends by itself, and those in force work together.
    using Doings = std::map<std::uint32_t, std::vector<std::pair<std::uint64_t, double>>>;
    void set_slow(std::uint32_t machine);
    void set_clock(Instant now, std::uint32_t machine, Duration ahead);
    void note(const char* kind, std::optional<std::uint32_t> peer = {});

    Population& population_;
    World& world_;
    Watch& watch_;
    Troubles troubles_;
    Random lies_;
    Churn churn_;
    Doings slows_, drifts_;
    std::uint64_t doings_ = 0;
    std::set<std::uint32_t> coming_back_;  // machines that an event has taken down for a while
    std::multiset<Deed> deeds_;
    std::size_t added_ = 0;
    std::vector<record::RunEvent>* events_ = nullptr;  // of the do_due in progress
};

// A note of a peer as a line of events.jsonl; nothing for what is not worth one.
std::optional<record::RunEvent> event_of(const Note& note, const World& world);
std::string name_of(PeerId id, const World& world);

}  // namespace grapevine::sim
