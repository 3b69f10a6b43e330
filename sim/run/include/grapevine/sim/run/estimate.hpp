#pragma once

#include <memory>
#include <optional>

#include "grapevine/config/config.hpp"
#include "grapevine/learn/task.hpp"
#include "grapevine/record/summary.hpp"

namespace grapevine::sim {

// What a run's training and evaluating will cost, before it begins: steps from the machines' step times and the run's
// length, as if nobody ever waited or died, so at most that many; seconds from some steps of real learners, taken now, on
// this machine, for about a tenth of a second. Messages, mixing and memory besides the models are not in it. None for models that are not trained.
std::optional<record::Estimate> estimate(const config::Config& config, const std::shared_ptr<const learn::Task>& task);

}  // namespace grapevine::sim
