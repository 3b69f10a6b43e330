#pragma once

#include "grapevine/config/config.hpp"

namespace grapevine::sim {

// What a scenario will take of the machine's memory, in bytes, about: to be said before it is gone.
struct Memory {
    double models = 0;   // the learners' slots and velocities, and of each a model on its way
    double views = 0;    // whom each peer knows
    double engine = 0;   // peers and machines besides
    double data = 0;     // shared by all
    double all() const { return models + views + engine + data; }
};
Memory memory_needed(const config::Config& config);

}  // namespace grapevine::sim
