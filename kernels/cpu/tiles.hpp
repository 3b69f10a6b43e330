#pragma once

#include <cstddef>

namespace grapevine::kernels {

// c (m, n) = a b: what products of matrices, convolutions and the gradients of both have in common. Each sum has outer * inner terms,
// and term (o, p) of row i and column j is a[i * a_row + o * a_outer + p * a_inner] * b[o * b_outer + p * b_inner + j].
struct Tiles {
    std::size_t m = 0, n = 0, outer = 1, inner = 0;
    const float* a = nullptr;
    std::size_t a_row = 0, a_outer = 0, a_inner = 0;
    const float* b = nullptr;  // may be read up to the next multiple of 16 columns
    std::size_t b_outer = 0, b_inner = 0;
    float* c = nullptr;
    std::size_t c_row = 0;

    float alpha = 1;
    bool add = false;               // to what is in c
    const float* biases = nullptr;  // n, added
    bool relu = false;              // what is negative becomes 0; what is no number stays so, and is seen
    const float* mask = nullptr;    // lies as c: where it is 0, c becomes 0

    bool plain() const { return alpha == 1 && !add && !biases && !relu && !mask; }
};

// Without a look at caches: b's panel of 64 columns should fit the second level.
void multiply(const Tiles& t);

}  // namespace grapevine::kernels
