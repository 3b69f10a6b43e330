#include "grapevine/kernels/decode.hpp"

#include <bit>
#include <cstdint>
#include <cstring>

#include "clones.hpp"

namespace grapevine::kernels {

GRAPEVINE_FOR_EVERY_PROCESSOR
void decode_bf16(std::size_t n, const std::byte* __restrict from, float* __restrict to) {
    for (std::size_t i = 0; i < n; ++i) {
        std::uint16_t half;
        std::memcpy(&half, from + 2 * i, sizeof half);
        to[i] = std::bit_cast<float>(std::uint32_t{half} << 16);
    }
}

GRAPEVINE_FOR_EVERY_PROCESSOR
void decode_int8(std::size_t n, float scale, const std::byte* __restrict from, float* __restrict to) {
    for (std::size_t i = 0; i < n; ++i) to[i] = scale * static_cast<float>(static_cast<std::int8_t>(from[i]));
}

}  // namespace grapevine::kernels
