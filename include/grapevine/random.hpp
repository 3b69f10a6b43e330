#pragma once

#include <cmath>
#include <cstdint>

#include "grapevine/portable_math.hpp"

namespace grapevine {

// Randomness that is handed out, never taken: seeded, the same on every machine, and counted. The n-th
// draw is a function of (key, n) alone, so streams with different keys never disturb each other: turning
// one knob of a scenario does not reshuffle the rest. The mixing is SplitMix64's (Steele, Lea, Flood 2014).
class Random {
    __extension__ using Wide = unsigned __int128;

public:
    constexpr Random() = default;
    explicit constexpr Random(std::uint64_t seed) : key_(mix(seed + golden)) {}

    // A stream of its own for one purpose (or peer, or round); the order in which streams are split off
    // does not matter, and splitting draws nothing.
    constexpr Random split(std::uint64_t purpose) const {
        Random r;
        r.key_ = mix(key_ ^ mix(purpose * golden + 0x632be59bd9b4e019ULL));
        return r;
    }

    // As if so many values had been drawn: a stream can be kept as its number of draws.
    constexpr void resume(std::uint64_t drawn) { drawn_ = drawn; }
    constexpr std::uint64_t drawn() const { return drawn_; }

    constexpr std::uint64_t bits() { return mix(key_ + golden * ++drawn_); }

    // Uniform in [0, 1), all 53 bits.
    constexpr double uniform() { return static_cast<double>(bits() >> 11) * 0x1.0p-53; }

    // Uniform in [0, n), exactly (Lemire 2019). n > 0.
    constexpr std::uint64_t below(std::uint64_t n) {
        auto product = static_cast<Wide>(bits()) * n;
        if (static_cast<std::uint64_t>(product) < n) {
            const std::uint64_t threshold = (0 - n) % n;
            while (static_cast<std::uint64_t>(product) < threshold) product = static_cast<Wide>(bits()) * n;
        }
        return static_cast<std::uint64_t>(product >> 64);
    }

    constexpr bool chance(double p) { return uniform() < p; }

    double exponential() { return -portable::log(1.0 - uniform()); }  // mean 1

    // Mean 0, standard deviation 1 (Marsaglia's polar method; keeps no second value).
    double normal() {
        for (;;) {
            const double u = 2 * uniform() - 1, v = 2 * uniform() - 1, s = u * u + v * v;
            if (s > 0 && s < 1) return u * std::sqrt(-2 * portable::log(s) / s);
        }
    }

    static constexpr std::uint64_t mix(std::uint64_t z) {
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
        return z ^ (z >> 31);
    }

private:
    static constexpr std::uint64_t golden = 0x9e3779b97f4a7c15ULL;
    std::uint64_t key_ = 0;
    std::uint64_t drawn_ = 0;
};

}  // namespace grapevine
