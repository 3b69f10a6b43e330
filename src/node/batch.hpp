#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "grapevine/config/config.hpp"

namespace grapevine::node {

// --batch auto: how many samples a step this machine likes best. A GPU that is given 64 rows at a time mostly waits; a small CPU has nothing from
// more.
struct Trial {
    std::uint32_t batch = 0;
    double rate = 0;  // samples a second
};

// Around the run's, in powers of two: from an eighth of it to four times as many, not more than there are rows.
std::vector<std::uint32_t> batches_to_try(std::uint32_t of_the_run, std::size_t rows);

// The run's own where it is within a tenth of the best; else the smallest that is. Not empty.
Trial best_batch(std::span<const Trial> trials, std::uint32_t of_the_run);

// What the run's learning rate is multiplied by for another batch than the run's, so that as many samples move the model as far, with as much
// noise: by the ratio of the batches for what follows the gradient (Goyal et al. 2017), by its root for adamw, whose steps have a length of
// their own (Malladi et al. 2022). That holds up to a batch, and a rate, at which it no longer does: hence four times at most.
double rate_factor(config::TrainOptions::Optimizer optimizer, std::uint32_t batch, std::uint32_t of_the_run);

// Measures one after the other, the run's first; larger ones only while a step takes less than a second. `rate`: samples a second at a batch; it
// returns 0 for what the device cannot hold.
std::vector<Trial> try_batches(std::uint32_t of_the_run, std::size_t rows, const std::function<double(std::uint32_t)>& rate);

}  // namespace grapevine::node
