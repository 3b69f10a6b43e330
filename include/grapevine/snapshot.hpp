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

enum class Encoding : std::uint8_t { float32 = 0, float64 = 1 };

constexpr std::uint64_t bytes_per_element(Encoding e) { return e == Encoding::float64 ? 8 : 4; }

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
    Bytes bytes;               // range.count * bytes_per_element(encoding)
    double weight = 1;         // of these values in a weighted sum (ring allreduce, push-sum)
    double samples = 0;        // how many training samples stand behind these values
    std::uint64_t steps = 0;   // local steps its learner had taken
};

}  // namespace grapevine
