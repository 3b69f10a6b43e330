#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

// Logarithm and exponential made of additions, multiplications, divisions and exact scaling alone. The C
// library's differ in the last bit between machines, and what decides when something happens must not. The
// libraries that use them are built with -ffp-contract=off. Relative error below 4e-16 (log, away from 1)
// and 1e-14 (exp, pow with moderate y), checked by tests/core.
namespace grapevine::portable {

inline constexpr double ln2_high = 0x1.62e42fefa3800p-1;  // the sum of both is ln 2 to 95 bits;
inline constexpr double ln2_low = 0x1.ef35793c76730p-45;  // e * ln2_high is exact for |e| < 2^11

// x > 0, finite. Writes x = 2^e m with m in [sqrt 1/2, sqrt 2), then log m = 2 atanh((m-1)/(m+1)).
inline double log(double x) {
    int e = 0;
    double m = std::frexp(x, &e);  // exact
    if (m < 0.70710678118654752) {
        m *= 2;
        --e;
    }
    const double s = (m - 1) / (m + 1), z = s * s;
    double series = 0;  // z <= 0.0295: 12 terms reach 1e-19
    for (int k = 25; k >= 3; k -= 2) series = (series + 1.0 / k) * z;
    return e * ln2_high + (2 * s + (2 * s * series + e * ln2_low));
}

// 0 below -745, infinite above 709.78.
inline double exp(double x) {
    if (!(x > -745.2)) return 0;
    if (x > 709.79) return std::numeric_limits<double>::infinity();
    const double n = std::floor(x * 1.4426950408889634 + 0.5);
    const double r = (x - n * ln2_high) - n * ln2_low;  // |r| <= 0.35
    double sum = 1;                                      // 16 terms reach 1e-20
    for (int k = 16; k >= 1; --k) sum = 1 + sum * r / k;
    return std::ldexp(sum, static_cast<int>(n));  // exact but for results below the normal numbers
}

inline double pow(double x, double y) { return exp(y * log(x)); }  // x > 0

// cos(2 pi t), by the Taylor series around the nearest quarter turn. Absolute error below 1e-15.
inline double cos_turn(double t) {
    t -= std::floor(t + 0.5);         // [-1/2, 1/2)
    const double quarters = std::floor(t * 4 + 0.5);
    const double x = (t - quarters / 4) * 6.283185307179586, z = x * x;  // |x| <= pi/4
    double cosine = 1, sine = 1;
    for (int k = 20; k >= 2; k -= 2) cosine = 1 - cosine * z / (k * (k - 1));
    for (int k = 21; k >= 3; k -= 2) sine = 1 - sine * z / (k * (k - 1));
    sine *= x;
    switch (static_cast<int>(quarters)) {
        case 0: return cosine;
        case 1: return -sine;
        case -1: return sine;
        default: return -cosine;
    }
}

}  // namespace grapevine::portable
