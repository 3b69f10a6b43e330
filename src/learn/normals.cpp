#include "normals.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "grapevine/portable_math.hpp"

namespace grapevine::learn {

namespace {

constexpr std::size_t most_at_once = 256;

// 1/3, 1/5, ... 1/25, the last first, as portable::log sums them.
constexpr auto odd_parts = [] {
    std::array<double, 12> parts{};
    for (std::size_t i = 0; i < parts.size(); ++i) parts[i] = 1.0 / static_cast<double>(25 - 2 * i);
    return parts;
}();

// portable::log of a normal number, to the bit, without a branch or a call: a compiler makes vectors of it.
inline double log_of_normal(double x) {
    const auto bits = std::bit_cast<std::uint64_t>(x);
    const std::uint64_t biased = bits >> 52;
    const auto half_to_one = std::bit_cast<double>((bits & 0x000fffffffffffff) | 0x3fe0000000000000);
    const bool low = half_to_one < 0.70710678118654752;
    const double m = low ? half_to_one * 2 : half_to_one;
    // The exponent as a double: put into the fraction of 2^52, which is taken away again.
    const double e = std::bit_cast<double>(biased | 0x4330000000000000) - (0x1.0p52 + 1022) - (low ? 1.0 : 0.0);
    const double s = (m - 1) / (m + 1), z = s * s;
    double series = 0;
    for (std::size_t k = 0; k < odd_parts.size(); ++k) series = (series + odd_parts[k]) * z;
    return e * portable::ln2_high + (2 * s + (2 * s * series + e * portable::ln2_low));
}

}  // namespace

// Random::normal() tries until a point lies in the circle. Which of the tries that are is seen first, for some hundred of them, and
// only those are worked out.
void draw_normals(std::span<float> to, double deviation, Random& random) {
    std::array<double, most_at_once> places, squares;
    while (!to.empty()) {
        const std::size_t tries = std::min(to.size(), most_at_once);  // never more than are still wanted: nothing is drawn in vain
        std::size_t inside = 0;
        for (std::size_t i = 0; i < tries; ++i) {
            const double u = 2 * random.uniform() - 1, v = 2 * random.uniform() - 1, s = u * u + v * v;
            places[inside] = u;
            squares[inside] = s;
            inside += static_cast<std::size_t>(s > 0 && s < 1);
        }
        for (std::size_t i = 0; i < inside; ++i)
            to[i] = static_cast<float>(deviation * (places[i] * std::sqrt(-2 * log_of_normal(squares[i]) / squares[i])));
        to = to.subspan(inside);
    }
}

}  // namespace grapevine::learn
