#pragma once

#include <utility>
#include <vector>

#include "grapevine/record/sample.hpp"

namespace grapevine::record {

// All that is known of a sample but `t`, by name and in the order of metrics.jsonl; of `mean` the first coordinate.
std::vector<std::pair<const char*, double>> known_values(const Sample& sample);

}  // namespace grapevine::record
