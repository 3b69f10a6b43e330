#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

#include "grapevine/kernels/decode.hpp"
#include "grapevine/snapshot.hpp"

namespace grapevine::learn {

// A few of a snapshot's values, from the place `begin` on. Places are handed out in order; top_k goes through its pairs
// as it comes to them.
class Decoder {
public:
    explicit Decoder(const Snapshot& snapshot) : snapshot_(snapshot), data_(snapshot.bytes.data) {}

    // begin: after what was read before, and with int8 where a block starts.
    template <class Value>
    void read(std::size_t begin, std::span<Value> to) {
        switch (snapshot_.encoding) {
            case Encoding::float32: return convert<float>(begin, to);
            case Encoding::float64: return convert<double>(begin, to);
            case Encoding::bf16:
                if constexpr (std::is_same_v<Value, float>) return kernels::decode_bf16(to.size(), data_ + 2 * begin, to.data());
                for (std::size_t i = 0; i < to.size(); ++i) to[i] = static_cast<Value>(std::bit_cast<float>(std::uint32_t{load<std::uint16_t>(2 * (begin + i))} << 16));
                return;
            case Encoding::int8: return read_blocks(begin, to);
            case Encoding::top_k: return read_pairs(begin, to);
        }
    }

private:
    template <class Stored>
    Stored load(std::size_t at) const {
        Stored value;
        std::memcpy(&value, data_ + at, sizeof value);
        return value;
    }
    template <class Stored, class Value>
    void convert(std::size_t begin, std::span<Value> to) const {
        for (std::size_t i = 0; i < to.size(); ++i) to[i] = static_cast<Value>(load<Stored>((begin + i) * sizeof(Stored)));
    }
    template <class Value>
    void read_blocks(std::size_t begin, std::span<Value> to) const {
        std::size_t at = begin + begin / int8_block * sizeof(float);
        for (std::size_t done = 0; done < to.size(); done += int8_block) {
            const std::size_t n = std::min<std::size_t>(int8_block, to.size() - done);
            const auto scale = load<float>(at);
            at += sizeof scale;
            if constexpr (std::is_same_v<Value, float>) kernels::decode_int8(n, scale, data_ + at, to.data() + done);
            else for (std::size_t i = 0; i < n; ++i) to[done + i] = static_cast<Value>(scale * static_cast<float>(static_cast<std::int8_t>(data_[at + i])));
            at += n;
        }
    }
    // A place that is not where it should be stops the rest: well_formed() says no to such a snapshot, and nothing is
    // written where it should not.
    template <class Value>
    void read_pairs(std::size_t begin, std::span<Value> to) {
        std::fill(to.begin(), to.end(), Value{0});
        for (; pair_ < snapshot_.bytes.size; pair_ += 8) {
            const std::size_t place = load<std::uint32_t>(pair_);
            if (place < begin || place - begin >= to.size()) return;
            to[place - begin] = static_cast<Value>(load<float>(pair_ + 4));
        }
    }

    const Snapshot& snapshot_;
    const std::byte* data_;
    std::size_t pair_ = 0;  // of top_k: the next, in bytes
};

// Hands a snapshot's values out as Values, from the first to the last: f(begin, piece), begin counted from the
// start of its range. In one piece where they lie in memory as such; else converted, or moved to where such a
// value may lie, some at a time.
template <class Value, class F>
void for_pieces_as(const Snapshot& snapshot, F&& f) {
    constexpr Encoding same = sizeof(Value) == 8 ? Encoding::float64 : Encoding::float32;
    const std::size_t count = snapshot.range.count;
    if (count == 0) return;
    const std::byte* data = snapshot.bytes.data;
    if (snapshot.encoding == same && reinterpret_cast<std::uintptr_t>(data) % alignof(Value) == 0)
        return f(std::size_t{0}, std::span(reinterpret_cast<const Value*>(data), count));

    Value piece[4096];  // whole blocks of int8
    static_assert(std::size(piece) % int8_block == 0);
    Decoder decoder(snapshot);
    for (std::size_t begin = 0; begin < count; begin += std::size(piece)) {
        const std::size_t n = std::min(std::size(piece), count - begin);
        decoder.read(begin, std::span<Value>(piece, n));
        f(begin, std::span<const Value>(piece, n));
    }
}

}  // namespace grapevine::learn
