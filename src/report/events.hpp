#pragma once

#include <string>
#include <vector>

#include "chart.hpp"
#include "grapevine/record/run.hpp"
#include "grapevine/report/report.hpp"

namespace grapevine::report {

Mark::Tone tone_of(const std::string& kind);

// Lines for the charts, at most some hundred: what happens at about the same time shares one.
std::vector<Mark> marks_of(const record::Run& run);

// Who came and went, bounded: the same thing seen by many is one row.
std::string event_table(const record::Run& run);
std::string event_counts(const record::Run& run);

}  // namespace grapevine::report
