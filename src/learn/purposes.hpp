#pragma once

#include "grapevine/random.hpp"

namespace grapevine::learn {

// What randomness is drawn for here, so that no two uses share a stream.
enum class Purpose : std::uint64_t { set = 1, shards, parameters, batches, laws, centroids, trees, stand_ins, augment, held_out, pairs };

inline Random stream(std::uint64_t seed, Purpose purpose) {
    return Random(seed).split(0x6c6561726e).split(static_cast<std::uint64_t>(purpose));  // "learn"
}

}  // namespace grapevine::learn
