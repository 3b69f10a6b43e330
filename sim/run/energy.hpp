#pragma once

#include "grapevine/config/config.hpp"
#include "grapevine/sim/world.hpp"

namespace grapevine::sim {

// What all machines have drawn so far, in joules: while the learner works and while it does not, and for each byte sent.
// A machine whose process is down draws nothing. Nothing if no group says what it draws.
std::optional<double> energy(const World& world, const std::vector<config::Group>& groups);

}  // namespace grapevine::sim
