#pragma once

#include "grapevine/record/summary.hpp"

namespace grapevine::record {

// One of several runs of a scenario: by another seed, of a variant, with other values of some keys.
struct SweepRun {
    std::string name;                                         // of its directory
    std::string variant;                                      // empty: null
    std::vector<std::pair<std::string, std::string>> values;  // a key's path, and its value
    Summary summary;
};

struct Sweep {
    std::string name;
    std::vector<SweepRun> runs;
    std::vector<ExpectResult> expects;  // over all of them
};

// `paths`: of summary.json, the numbers that are written of each run.
std::string to_json(const Sweep& sweep, const std::vector<std::string>& paths);
std::string to_csv(const Sweep& sweep, const std::vector<std::string>& paths);  // a line a run; unknown is empty

// DIR/sweep.json and DIR/sweep.csv.
std::optional<Error> write_sweep(const std::string& directory, const Sweep& sweep, const std::vector<std::string>& paths);

// For a terminal: what membership did, a line a run as it ends, and the sum and mean of each variant.
std::string heading(std::size_t name_width);
std::string line_of(const SweepRun& run, std::size_t name_width);
std::string figures_of(const Sweep& sweep);  // of one scenario under several seeds: mean and 95 % interval of what it came to
std::string totals_of(const Sweep& sweep, std::size_t name_width);

}  // namespace grapevine::record
