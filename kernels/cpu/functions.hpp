#pragma once

#include <bit>
#include <cstdint>

#include "inlined.hpp"

// Exponentials and what is made of them, to within 1e-6 of the true value (relative), in arithmetic that a compiler turns into vectors:
// no branch, no table. A loop that calls one is vectorised whole. What is no number stays none.
namespace grapevine::kernels {

// e^x as 2^n e^r, |r| <= ln 2 / 2, and Taylor's series of e^r (its next term is below 6e-9). Below -87 and above 88 as there:
// the ends of what a float can hold.
GRAPEVINE_INLINE float exponential(float x) {
    constexpr float per_ln2 = 1.44269504f, ln2_high = 0.693359375f, ln2_low = -2.12194440e-4f;  // high + low = ln 2; n * high is exact
    constexpr float shift = 12582912;                                                            // 1.5 * 2^23: adding it rounds to a whole number
    x = x < -87 ? -87 : x;
    x = x > 88 ? 88 : x;
    const float shifted = x * per_ln2 + shift, n = shifted - shift;
    const float r = (x - n * ln2_high) - n * ln2_low;
    float p = 1.f / 5040;
    p = p * r + 1.f / 720;
    p = p * r + 1.f / 120;
    p = p * r + 1.f / 24;
    p = p * r + 1.f / 6;
    p = p * r + 0.5f;
    p = p * r + 1;
    p = p * r + 1;
    const std::int32_t exponent = std::bit_cast<std::int32_t>(shifted) - std::bit_cast<std::int32_t>(shift) + 127;
    return p * std::bit_cast<float>(exponent << 23);
}

GRAPEVINE_INLINE float sigmoid(float x) { return 1 / (1 + exponential(-x)); }

// Below 0.6 by Lambert's continued fraction, six terms (the next changes nothing in a float), for 1 - e^(-2x) would cancel there.
GRAPEVINE_INLINE float hyperbolic_tangent(float x) {
    const float s = x * x, size = x < 0 ? -x : x, e = exponential(-2 * size);
    const bool small = size < 0.6f;
    const float above = small ? size * (10395 + s * (1260 + 21 * s)) : 1 - e, below = small ? 10395 + s * (4725 + s * (210 + s)) : 1 + e;
    const float t = above / below;
    return x < 0 ? -t : t;
}

// log(1 + x) of 0 <= x <= 1 as 2 atanh(x / (2 + x)), and the series of that.
GRAPEVINE_INLINE float log_of_one_and(float x) {
    const float t = x / (2 + x), s = t * t;
    float p = 1.f / 15;
    p = p * s + 1.f / 13;
    p = p * s + 1.f / 11;
    p = p * s + 1.f / 9;
    p = p * s + 1.f / 7;
    p = p * s + 1.f / 5;
    p = p * s + 1.f / 3;
    p = p * s + 1;
    return 2 * t * p;
}

}  // namespace grapevine::kernels
