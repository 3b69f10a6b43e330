#pragma once

#include <cuda_runtime.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "grapevine/kernels/backend.hpp"

// What all kernels share. Sums are taken in a fixed order, so that the same calls give the same bits; a kernel reads activations
// of type Value, float or Bf16, and reckons in float.
namespace grapevine::kernels::device {

constexpr unsigned threads = 256;
constexpr unsigned lanes = 32;
constexpr std::uint32_t all_lanes = 0xffffffff;

// The upper half of a float32, rounded to nearest even.
struct Bf16 {
    std::uint16_t bits;
};

__host__ __device__ inline float as_float(float x) { return x; }
__host__ __device__ inline float as_float(Bf16 x) {
    const std::uint32_t bits = static_cast<std::uint32_t>(x.bits) << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}
template <class Value>
__host__ __device__ inline Value made(float x);
template <>
__host__ __device__ inline float made<float>(float x) {
    return x;
}
template <>
__host__ __device__ inline Bf16 made<Bf16>(float x) {
    std::uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    if (x != x) return {static_cast<std::uint16_t>(bits >> 16 | 0x40)};  // stays what is no number
    return {static_cast<std::uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16)};
}

__device__ inline std::size_t first_index() { return blockIdx.x * static_cast<std::size_t>(blockDim.x) + threadIdx.x; }
__device__ inline std::size_t stride() { return gridDim.x * static_cast<std::size_t>(blockDim.x); }

// All lanes of a warp come here, and each has the result: at every step both of a pair add the same two numbers.
template <class Number>
__device__ inline Number sum_of_warp(Number value) {
    for (int other = lanes / 2; other > 0; other /= 2) value += __shfl_xor_sync(all_lanes, value, other);
    return value;
}

// All threads of a block, whole warps, come here, and each has the result.
template <class Number>
__device__ inline Number sum_of_block(Number value) {
    __shared__ Number sums[threads / lanes];
    value = sum_of_warp(value);
    __syncthreads();  // nobody reads the last sum any longer
    if (threadIdx.x % lanes == 0) sums[threadIdx.x / lanes] = value;
    __syncthreads();
    Number sum = 0;
    for (unsigned w = 0; w < blockDim.x / lanes; ++w) sum += sums[w];
    return sum;
}

// The largest, and of equals the one with the smallest place. place >= none: there is nothing yet.
struct Largest {
    float value;
    std::uint32_t place;
};
__device__ inline Largest larger(Largest a, Largest b) {
    if (b.place == 0xffffffff) return a;
    if (a.place == 0xffffffff || b.value > a.value || (b.value == a.value && b.place < a.place)) return b;
    return a;
}
__device__ inline Largest largest_of_block(Largest mine) {
    __shared__ Largest found[threads / lanes];
    for (int other = lanes / 2; other > 0; other /= 2) {
        Largest theirs;
        theirs.value = __shfl_xor_sync(all_lanes, mine.value, other);
        theirs.place = __shfl_xor_sync(all_lanes, mine.place, other);
        mine = larger(mine, theirs);
    }
    __syncthreads();
    if (threadIdx.x % lanes == 0) found[threadIdx.x / lanes] = mine;
    __syncthreads();
    Largest all = found[0];
    for (unsigned w = 1; w < blockDim.x / lanes; ++w) all = larger(all, found[w]);
    return all;
}

}  // namespace grapevine::kernels::device
