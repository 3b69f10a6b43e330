#pragma once

#include "grapevine/config/config.hpp"

namespace grapevine::sim {

// When a run ends at the latest.
inline Duration length_of(const config::Config& config) {
    constexpr Duration unless_said = std::chrono::seconds(60);
    return config.until ? *config.until : config.until_steps ? Duration::max() / 4 : unless_said;
}

}  // namespace grapevine::sim
