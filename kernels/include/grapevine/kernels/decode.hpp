#pragma once

#include <cstddef>

namespace grapevine::kernels {

// Values as they travel, to floats, at the speed of memory. `from` need not be aligned.
void decode_bf16(std::size_t n, const std::byte* from, float* to);               // the upper halves of floats, little-endian
void decode_int8(std::size_t n, float scale, const std::byte* from, float* to);  // scale times signed bytes

}  // namespace grapevine::kernels
