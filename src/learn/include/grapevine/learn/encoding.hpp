#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "grapevine/snapshot.hpp"

// Values as they travel, and back. What each encoding is, snapshot.hpp says.
//
//   bf16   |x - decoded| <= 2^-8 |x|, down to the smallest normal number; what is no number or infinite stays so
//   int8   |x - decoded| <= max|x| of its block / 254; a block whose largest is below 127 times the smallest normal number is 0
//          as a whole, and one with a value that is no number is no number as a whole
//   top_k  what travels is exact; of equal magnitudes the first ones travel
namespace grapevine::learn {

// Values that top_k lets travel out of `count`.
std::uint64_t kept_of(std::uint64_t count, double kept);

// What encode() writes.
std::uint64_t encoded_bytes(Encoding encoding, std::uint64_t count, double kept);

// `to` has room for encoded_bytes() of them. For all encodings but the two that values lie in memory in.
void encode(std::span<const float> values, Encoding encoding, double kept, std::byte* to);

// A snapshot's values, `to.size()` of them from the first of its range; fits(encoding, range.count, bytes.size). Writes
// nothing outside of `to` whatever lies in the snapshot.
void decode(const Snapshot& snapshot, std::span<float> to);

// Whether the content can be believed: all values are numbers, none infinite, and the places of top_k ascend and lie in the
// range. Who takes parameters from outside asks first: one value that is none spreads to every peer that mixes with it.
bool well_formed(const Snapshot& snapshot);

// Whether it travels as a run's parameters do: in the run's encoding, or in the learner's own, which a few parts keep. Who
// runs the same sends nothing else: top_k would be a model of zeros where differences are not expected, and a float64 that
// is a number need not be one as float32. No values have no encoding.
bool travels_as(const Snapshot& snapshot, std::optional<Encoding> runs, Encoding learners);

}  // namespace grapevine::learn
