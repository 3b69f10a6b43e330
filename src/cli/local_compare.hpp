#pragma once

#include <variant>

#include "grapevine/sim/run/compare.hpp"

namespace grapevine::cli {

// As sim::compare, with a process for each peer, in real time. A peer of a group takes at least that group's mean
// step time for a step; links are loopback's. Of the events those can be had that a process can suffer: crash
// (SIGKILL), leave (SIGTERM) and join.
std::variant<record::Comparison, record::Error> compare_locally(const sim::CompareRequest& request);

}  // namespace grapevine::cli
