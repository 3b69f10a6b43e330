#pragma once

#include "grapevine/record/comparison.hpp"

// One self-contained HTML page: opened from a disk, in a mail, on a machine without a network. Every name in
// it is escaped, since names come from other machines.
namespace grapevine::report {

// What everybody does all the time (mixed, declined, ...) is counted; what is rare is told.
bool is_routine(const std::string& kind);

std::string page_of_run(const record::Run& run);

// `runs`: those whose samples are there, each with its scene and method; their curves are drawn. The tables
// and bars come from the comparison alone.
std::string page_of_comparison(const record::Comparison& comparison, const std::vector<record::Run>& runs);

}  // namespace grapevine::report
