#pragma once

#include <optional>
#include <string>
#include <vector>

#include "arguments.hpp"
#include "grapevine/record/sample.hpp"

namespace grapevine::cli {

// An event file of a whole run in `directory`. Of simulated time it is told as if it had begun in 1970.
std::optional<Error> write_event_file(const std::string& directory, const std::vector<record::Sample>& samples);

}  // namespace grapevine::cli
