#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "grapevine/membership/book.hpp"
#include "grapevine/membership/roster.hpp"

namespace grapevine::membership {

// What somebody knows, in 2^bits hashes of a share of the members each (by the hash of their ids). Two peers that
// compare theirs see which shares differ, and tell each other those alone.
struct Buckets {
    std::uint8_t bits = 0;  // at most most_bits
    std::vector<std::uint32_t> hashes;

    static constexpr std::uint8_t most_bits = 8;
    static std::uint8_t bits_for(std::size_t members);   // about four members a bucket
    static std::size_t of(PeerId peer, std::uint8_t bits);
    static Buckets of(const Roster& roster, const Book& book, Handle self, std::uint8_t bits);
};

// A set of buckets.
class Mask {
public:
    void add(std::size_t bucket) { words_[bucket / 64] |= std::uint64_t{1} << bucket % 64; }
    bool has(std::size_t bucket) const { return words_[bucket / 64] >> bucket % 64 & 1; }
    bool empty() const;
    std::size_t count() const;
    std::array<std::uint64_t, 4>& words() { return words_; }
    const std::array<std::uint64_t, 4>& words() const { return words_; }

private:
    std::array<std::uint64_t, 4> words_{};
};

// Where two differ; both of the same number of bits.
Mask difference(const Buckets& a, const Buckets& b);

}  // namespace grapevine::membership
