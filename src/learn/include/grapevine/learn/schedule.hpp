#pragma once

#include <cstdint>

#include "grapevine/config/config.hpp"

namespace grapevine::learn {

// By how much the learning rate is multiplied for a peer's own step `step`, counted from 0.
double rate_factor(const config::Schedule& schedule, std::uint64_t step);

}  // namespace grapevine::learn
