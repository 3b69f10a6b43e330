#pragma once

#include <cstdint>
#include <string>

#include "grapevine/config/config.hpp"
#include "grapevine/peer/peer.hpp"

namespace grapevine::setup {

// What a run's configuration means for a peer: the same for a node and for the simulator. Layout, size and
// the fixed roll are for the driver to fill in, which has the learner and the others.
PeerConfig peer_config(const config::Config& config);

// Why a peer cannot run this; empty where it can. `common_clock`: all peers of this world share one.
std::string refused(const config::Config& config, bool common_clock);
// Why it can, but not well; empty where it can.
std::string doubtful(const config::Config& config);

// Whether who exchanges with whom is the same for all by a roll or a graph, and nobody chooses among those he reaches: it falls on two that can
// both only dial out as on any others.
bool in_fixed_order(const config::Config& config);

}  // namespace grapevine::setup
