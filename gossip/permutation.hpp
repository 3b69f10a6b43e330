#pragma once

#include <cstdint>

#include "grapevine/random.hpp"

namespace grapevine::gossip {

// A keyed permutation of [0, n) that answers in O(1) and stores nothing: a Feistel network over the next
// power of four, walked until it falls inside (Black, Rogaway 2002).
class Permutation {
public:
    Permutation(std::uint64_t n, std::uint64_t key) : n_(n), key_(key) {
        while ((std::uint64_t{1} << (2 * half_)) < n) ++half_;
        mask_ = (std::uint64_t{1} << half_) - 1;
    }
    std::uint64_t forward(std::uint64_t x) const {
        do x = rounds(x, true);
        while (x >= n_);
        return x;
    }
    std::uint64_t backward(std::uint64_t x) const {
        do x = rounds(x, false);
        while (x >= n_);
        return x;
    }

private:
    std::uint64_t rounds(std::uint64_t x, bool forward) const {
        std::uint64_t left = x >> half_, right = x & mask_;
        for (std::uint64_t i = 0; i < count; ++i) {
            const std::uint64_t round = forward ? i : count - 1 - i;
            if (forward) {
                const std::uint64_t next = left ^ (Random::mix(key_ + (round << 56) + right) & mask_);
                left = right;
                right = next;
            } else {
                const std::uint64_t before = right ^ (Random::mix(key_ + (round << 56) + left) & mask_);
                right = left;
                left = before;
            }
        }
        return (left << half_) | right;
    }
    static constexpr std::uint64_t count = 8;
    std::uint64_t n_, key_, mask_ = 0;
    unsigned half_ = 1;
};

}  // namespace grapevine::gossip
