#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "grapevine/learn/dataset.hpp"

namespace grapevine::learn {

// The format of the MNIST family: two zero bytes, a type (8: unsigned bytes, the only one read here), the number
// of dimensions, each dimension as a big-endian 32-bit number, then the values. Usually gzipped.
struct Idx {
    std::vector<std::uint32_t> dimensions;
    std::vector<std::uint8_t> values;
};

// `path`, or if that is missing and ends in .gz, the same without. Memory grows with what is really in the file,
// never with what its header claims. `missing` is the hint for a file that is not there.
std::variant<Idx, Error> read_idx(const std::string& path, const std::string& missing);

}  // namespace grapevine::learn
