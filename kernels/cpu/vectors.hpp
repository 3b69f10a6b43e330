#pragma once

#include <cstddef>
#include <cstring>

// Sixteen floats as one value: a register of AVX-512, two of AVX2. What is written with it is compiled for each generation of
// processors (clones.hpp); all of it is inlined, so that no call passes one.
namespace grapevine::kernels {

constexpr std::size_t lanes = 16;
using Vector = float __attribute__((vector_size(lanes * sizeof(float)), aligned(4), may_alias));

#define GRAPEVINE_INLINE inline __attribute__((always_inline))

GRAPEVINE_INLINE Vector load(const float* from) { return *reinterpret_cast<const Vector*>(from); }
GRAPEVINE_INLINE void store(float* to, Vector v) { *reinterpret_cast<Vector*>(to) = v; }

// The first `count` of them, the others 0.
GRAPEVINE_INLINE Vector load(const float* from, std::size_t count) {
    float held[lanes] = {};
    std::memcpy(held, from, count * sizeof(float));
    return load(held);
}
GRAPEVINE_INLINE void store(float* to, Vector v, std::size_t count) {
    float held[lanes];
    store(held, v);
    std::memcpy(to, held, count * sizeof(float));
}

constexpr std::size_t whole_vectors(std::size_t n) { return (n + lanes - 1) / lanes * lanes; }

}  // namespace grapevine::kernels
