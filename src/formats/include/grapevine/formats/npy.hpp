#pragma once

#include <cstddef>
#include <span>

#include "grapevine/formats/array.hpp"

namespace grapevine::formats {

// NumPy's format for one array (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html), versions 1 to 3, little-endian,
// in C order, of the types f4, f8 (kept as float32: what does not fit becomes infinite), u1, i4 and i8 (kept as 64 bits).
inline constexpr std::size_t most_npy_header = 1 << 16;  // bytes
inline constexpr std::uint64_t most_npy_values = std::uint64_t{1} << 31;
inline constexpr std::size_t most_npy_dimensions = 8;
std::variant<Array, Fault> decode_npy(std::span<const std::byte> bytes);

// Version 1, of float32.
std::vector<std::byte> encode_npy(std::span<const std::uint64_t> shape, std::span<const float> values);

}  // namespace grapevine::formats
