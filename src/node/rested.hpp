#pragma once

#include <algorithm>

#include "grapevine/time.hpp"

namespace grapevine::node {

// When the next evaluation may begin, that would be due at `due`, after one that took so long and ended at `ended`: never more than a
// tenth of a node's time goes into evaluations, however large model and held-out set are.
constexpr Instant rested(Instant due, Instant ended, Duration took) {
    constexpr int rest = 10;
    return std::max(due, ended + rest * took);
}

}  // namespace grapevine::node
