#pragma once

#include <optional>
#include <queue>
#include <vector>

#include "grapevine/config/config.hpp"
#include "population.hpp"

namespace grapevine::sim {

// When machines go and come back, as [churn] says. By a law, each draws by its name and for itself: how long it stays,
// whether it says that it goes, how long it is away. So neither another group nor another machine's fate changes when
// it goes. By a trace, as the file says. What is drawn is rounded up to whole milliseconds: two that go in the same one
// are one instant of the world.
class Churn {
public:
    using To = config::Churn::Turn::To;
    struct Turn {
        std::uint32_t machine;
        To to;
        bool checkpoint;
    };
    Churn(const config::Config& config, const Population& population);

    void begins(Instant now, std::uint32_t machine);  // for the first time
    std::optional<Instant> next() const;
    std::optional<Turn> take(Instant now);            // the next that is due
    void done(Instant now, const Turn& turn);         // it did as it should, and its next turn follows; else it stays as it is

private:
    struct Due {
        Instant at;
        std::uint32_t machine;
        To to;
        bool operator<(const Due& other) const { return at != other.at ? at > other.at : machine > other.machine; }  // the earliest on top
    };
    struct Machine {
        const config::Churn* law = nullptr;  // none: it stays
        Random random;
        std::uint32_t drawn = 0;             // of a trace of durations
    };
    Instant after(Instant now, Machine& machine, const config::Distribution& time, bool up) const;

    const config::Config& config_;
    const Population& population_;
    std::vector<Machine> machines_;
    std::priority_queue<Due> due_;
    const config::Churn* trace_ = nullptr;
    std::vector<config::Churn::Turn> turns_;  // of the trace
    std::size_t next_turn_ = 0;
};

// The instant at which so much of something that happens at a rate of 1 a second has happened, if it began at `from`:
// where there is day and night, the rate is 1 + amplitude in the first half of each period and 1 - amplitude in the
// second, or the other way round.
Instant happens(Instant from, Duration amount, std::optional<Duration> period, double amplitude, bool more_by_day);

}  // namespace grapevine::sim
