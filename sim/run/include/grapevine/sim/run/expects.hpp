#pragma once

#include <vector>

#include "grapevine/config/config.hpp"
#include "grapevine/record/summary.hpp"

namespace grapevine::sim {

// Whether what a scenario expects of itself has come true, in one run.
record::ExpectResult judge(const config::Expect& expect, const std::vector<record::Sample>& samples, const record::Summary& summary);

// The same over several runs (seeds, a sweep): of what judge measured in each, the figure that the expectation is about.
struct MeasuredRun {
    std::string variant;             // of the sweep; empty: it has none
    std::optional<double> measured;
};
record::ExpectResult judge(const config::Expect& expect, const std::vector<MeasuredRun>& runs);

// The samples at which the target holds three times in a row begin here (index), or nowhere: one sample alone may
// be luck, test accuracy jitters by a per cent.
std::optional<std::size_t> reached(const config::Target& target, const std::vector<record::Sample>& samples);

}  // namespace grapevine::sim
