#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>

#include "grapevine/snapshot.hpp"

namespace grapevine::learn {

// Hands a snapshot's values out as Values, from the first to the last: f(begin, piece), begin counted from the
// start of its range. In one piece where they lie in memory as such; else converted, or moved to where such a
// value may lie, a few at a time.
template <class Value, class F>
void for_pieces_as(const Snapshot& snapshot, F&& f) {
    constexpr Encoding same = sizeof(Value) == 8 ? Encoding::float64 : Encoding::float32;
    const std::size_t count = snapshot.range.count;
    if (count == 0) return;
    const std::byte* data = snapshot.bytes.data;
    if (snapshot.encoding == same && reinterpret_cast<std::uintptr_t>(data) % alignof(Value) == 0)
        return f(std::size_t{0}, std::span(reinterpret_cast<const Value*>(data), count));

    Value piece[1024];
    const std::size_t width = bytes_per_element(snapshot.encoding);
    for (std::size_t begin = 0; begin < count; begin += std::size(piece)) {
        const std::size_t n = std::min(std::size(piece), count - begin);
        for (std::size_t i = 0; i < n; ++i) {
            const std::byte* at = data + (begin + i) * width;
            if (snapshot.encoding == Encoding::float64) {
                double value;
                std::memcpy(&value, at, sizeof value);
                piece[i] = static_cast<Value>(value);
            } else {
                float value;
                std::memcpy(&value, at, sizeof value);
                piece[i] = static_cast<Value>(value);
            }
        }
        f(begin, std::span<const Value>(piece, n));
    }
}

}  // namespace grapevine::learn
