#pragma once

#include <cstddef>
#include <span>

#include "grapevine/formats/array.hpp"

namespace grapevine::formats {

// The format of the MNIST family (http://yann.lecun.com/exdb/mnist): two zero bytes, a type (8: unsigned bytes, the only one read
// here), the number of dimensions (1 to 4), each dimension as a big-endian 32-bit number, then the values. At most 2^31 of them.
inline constexpr std::uint64_t most_idx_values = std::uint64_t{1} << 31;
std::variant<Array, Fault> decode_idx(std::span<const std::byte> bytes);

}  // namespace grapevine::formats
