#pragma once

#include <cstddef>
#include <cstring>

#include "inlined.hpp"

// Sixteen floats as one value: a register of AVX-512, two of AVX2. What is written with it is compiled for each generation of
// processors (clones.hpp); all of it is inlined, so that no call passes one.
namespace grapevine::kernels {

constexpr std::size_t lanes = 16;
using Vector = float __attribute__((vector_size(lanes * sizeof(float)), aligned(4), may_alias));

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

// ---- over a row: kept in lanes side by side, in a fixed order ----

GRAPEVINE_INLINE double sum_of(Vector v) {
    double sum = 0;
    for (std::size_t l = 0; l < lanes; ++l) sum += v[l];
    return sum;
}

GRAPEVINE_INLINE float largest_of(std::size_t n, const float* x) {
    float top = x[0];
    std::size_t i = 0;
    if (n >= lanes) {
        Vector tops = load(x);
        for (i = lanes; i + lanes <= n; i += lanes) {
            const Vector v = load(x + i);
            tops = v > tops ? v : tops;
        }
        for (std::size_t l = 0; l < lanes; ++l) top = tops[l] > top ? tops[l] : top;
    }
    for (; i < n; ++i) top = x[i] > top ? x[i] : top;
    return top;
}

}  // namespace grapevine::kernels
