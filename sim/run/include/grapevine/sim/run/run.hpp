#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "grapevine/config/config.hpp"
#include "grapevine/learn/task.hpp"
#include "grapevine/record/run_files.hpp"
#include "grapevine/sim/crew.hpp"
#include "grapevine/sim/invariants.hpp"
#include "grapevine/sim/run/onlooker.hpp"

namespace grapevine::sim {

// How far a run has come, now and then.
struct Progress {
    double simulated_seconds = 0, wall_seconds = 0;
    double of_seconds = 0;             // when it ends at the latest; 0: not known
    double events_per_second = 0;      // of real time
    std::size_t peers_up = 0;
    const record::Sample* last = nullptr;
};

class World;

// Looks at a world after every entry of its agenda, and changes nothing. What it finds wrong ends the run there.
class Inspector {
public:
    virtual std::optional<Violation> after(World&) = 0;
    virtual std::optional<Violation> ended(World&) = 0;  // the run has come to its end

protected:
    ~Inspector() = default;
};

struct RunRequest {
    config::Config config;                        // checked
    std::shared_ptr<const learn::Task> task;      // of that config (learn::prepare): runs of one process share it
    record::RunFiles* files = nullptr;            // where to write while it goes on; null: nowhere
    std::function<void(const Progress&)> progress;
    const std::atomic<bool>* stop = nullptr;      // end early when it becomes true
    std::string version, command;                 // for the summary
    Tap* tap = nullptr;                           // listens in on the world, which then has one shard
    std::vector<Onlooker*> onlookers = {};        // likewise, and hear what the scenario does and what is measured
    std::optional<record::Estimate> estimate;     // for the summary
    Inspector* inspector = nullptr;               // with no crew: it is shown one entry after the other
    Crew* crew = nullptr;                         // with so many hands; none: one
    std::uint32_t threads = 1;
};

struct RunResult {
    record::Summary summary;
    std::vector<record::Sample> samples;
    Snapshot merged;                              // of the average model, of who is up at the end; empty for stand-ins
    bool stopped = false;                         // by `stop`, not by its own end
    std::optional<Violation> violation;           // the run ended there
};

// A whole scenario in simulated time: peers, machines, links and events as the file says.
RunResult run(const RunRequest& request);

}  // namespace grapevine::sim
