#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "grapevine/learn/dataset.hpp"
#include "grapevine/learn/safetensors.hpp"
#include "grapevine/learner.hpp"

namespace grapevine::learn {

// The rows of a training set in the order in which its blocks lie one behind the other (gossip/sharding.hpp): shuffled by the run's seed, so
// that every block is as mixed as the whole. The same on every machine.
std::vector<std::uint32_t> order_of_blocks(const Dataset& train, std::uint64_t seed);

// Those of some of so many blocks of it.
std::vector<std::uint32_t> rows_of(std::span<const std::uint16_t> blocks, std::uint32_t of, std::span<const std::uint32_t> order);

// Between two steps: to train on these rows from here on. Of a learner of make_learner(), of a model that follows gradients.
void deal(Learner& learner, std::vector<std::uint32_t> rows);

// The rows that a checkpoint was trained on, if they can be rows of this set: each once, and none beyond its end. Else nothing.
std::vector<std::uint32_t> rows_in(const Checkpoint& checkpoint, const Dataset& train);

}  // namespace grapevine::learn
