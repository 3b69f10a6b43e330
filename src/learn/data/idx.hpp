#pragma once

#include <string>
#include <variant>

#include "grapevine/formats/array.hpp"
#include "grapevine/learn/dataset.hpp"

namespace grapevine::learn {

// `path`, or if that is missing and ends in .gz, the same without. `missing` is the hint for a file that is not there.
std::variant<formats::Array, Error> read_idx(const std::string& path, const std::string& missing);

}  // namespace grapevine::learn
