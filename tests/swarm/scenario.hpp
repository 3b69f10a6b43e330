#pragma once

#include <cstdint>

#include "grapevine/config/config.hpp"

namespace grapevine::swarm {

// A scenario that nobody thought of, drawn from the seed: how many peers, on what machines and links, which exchange with
// which options, which membership, and a subset of all that can go wrong, at any time before `faults_end`. What can end
// has ended then. It is what `grapevine sim` would read and run, and nothing that it refuses.
//
//   0 ........ faults_end ........ settled ........ the end
//     faults               quiet            looked at: views, suspicions, exchanges, distances
config::Config drawn(std::uint64_t seed);

inline constexpr Duration faults_end = std::chrono::seconds(80);
inline constexpr Duration settled = std::chrono::seconds(200);
inline constexpr Duration the_end = std::chrono::seconds(300);

}  // namespace grapevine::swarm
