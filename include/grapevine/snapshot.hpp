#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace grapevine {

// A run of elements of the flat parameter block.
struct Range {
    std::uint64_t offset = 0;
    std::uint64_t count = 0;
    friend bool operator==(const Range&, const Range&) = default;
};

// The i-th of n parts of nearly equal size; the first parts are the longer ones. i < n.
constexpr Range part(Range whole, std::uint64_t i, std::uint64_t n) {
    const std::uint64_t each = whole.count / n, more = whole.count % n;
    const std::uint64_t before = i * each + (i < more ? i : more);
    return {whole.offset + before, each + (i < more ? 1 : 0)};
}

// How values travel.
//   bf16   the upper half of a float32, rounded to nearest even
//   int8   blocks of 256 values, the last one shorter: a float32 scale, then a signed byte each; value = scale * byte
//   top_k  the values of largest magnitude: pairs of a uint32 place in the range, ascending, and a float32. The others
//          are 0: good for differences, of which what was left out is kept and sent later, and for nothing else
enum class Encoding : std::uint8_t { float32 = 0, float64 = 1, bf16 = 2, int8 = 3, top_k = 4 };

constexpr std::uint64_t bytes_per_element(Encoding e) {  // of the plain ones, and of a pair of top_k
    return e == Encoding::float64 || e == Encoding::top_k ? 8 : e == Encoding::float32 ? 4 : e == Encoding::bf16 ? 2 : 1;
}

inline constexpr std::uint64_t int8_block = 256;

// Of top_k: what all of its values would take, the most that there can be.
constexpr std::uint64_t encoded_size(Encoding e, std::uint64_t count) {
    return count * bytes_per_element(e) + (e == Encoding::int8 ? (count + int8_block - 1) / int8_block * sizeof(float) : 0);
}

// Whether so many bytes can be `count` values.
constexpr bool fits(Encoding e, std::uint64_t count, std::uint64_t bytes) {
    if (count > (std::uint64_t{1} << 56)) return false;
    return e == Encoding::top_k ? bytes % 8 == 0 && bytes <= encoded_size(e, count) && count <= 0xffffffff : bytes == encoded_size(e, count);
}

// Frozen bytes, shared and never changed. Whoever made them may take the memory back when the last holder
// lets go (the deleter of the shared_ptr), so that large buffers are reused.
struct Bytes {
    const std::byte* data = nullptr;
    std::size_t size = 0;
    std::shared_ptr<const void> owner;  // keeps `data` alive
};

// Parameters at one moment, frozen: those of `range`, in `encoding`. Cheap to copy. Protocols pass it on
// unread; only a learner knows what is in it.
struct Snapshot {
    std::uint64_t layout = 0;  // hash of the tensor table; a learner of another layout refuses it
    Encoding encoding = Encoding::float32;
    Range range;
    Bytes bytes;               // fits(encoding, range.count, bytes.size)
    double weight = 1;         // of these values in a weighted sum (ring allreduce, push-sum)
    double samples = 0;        // how many training samples stand behind these values
    std::uint64_t steps = 0;   // local steps its learner had taken
};

}  // namespace grapevine
