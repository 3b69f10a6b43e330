#include "grapevine/learn/encoding.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <limits>
#include <vector>

#include "elements.hpp"

namespace grapevine::learn {

namespace {

constexpr std::uint32_t sign = 0x80000000, infinity = 0x7f800000;

std::uint32_t magnitude(float x) { return std::bit_cast<std::uint32_t>(x) & ~sign; }  // ascends as |x| does; then what is no number

std::uint16_t to_bf16(float x) {
    const auto bits = std::bit_cast<std::uint32_t>(x);
    const std::uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;  // to nearest, ties to even; beyond the largest: infinite
    const std::uint32_t no_number = (bits >> 16) | 0x40;                      // its upper half alone might read as infinite
    return static_cast<std::uint16_t>((bits & ~sign) > infinity ? no_number : rounded);
}

// In float alone, so that the compiler can do many at a time: adding 1.5 * 2^23 leaves no room for a fraction.
float to_nearest(float x) {
    constexpr float shift = 12582912;
    return (x + shift) - shift;
}

void encode_block(std::span<const float> values, std::byte* to) {
    float largest = 0;
    bool numbers = true;
    for (const float x : values) {
        numbers &= magnitude(x) < infinity;
        largest = std::max(largest, std::fabs(x));
    }
    float scale = numbers ? largest / 127 : std::numeric_limits<float>::quiet_NaN();
    if (scale < std::numeric_limits<float>::min()) scale = 0;
    if (std::isinf(scale * 127)) scale = std::nextafter(scale, 0.f);  // rounded up, of the largest number there is
    std::memcpy(to, &scale, sizeof scale);
    to += sizeof scale;
    if (!(scale > 0)) {
        std::memset(to, 0, values.size());
        return;
    }
    for (std::size_t i = 0; i < values.size(); ++i) {
        const float q = std::clamp(to_nearest(values[i] / scale), -127.f, 127.f);
        to[i] = static_cast<std::byte>(static_cast<std::int8_t>(static_cast<std::int32_t>(q)));
    }
}

void encode_largest(std::span<const float> values, std::size_t k, std::byte* to) {
    if (k == 0) return;
    std::vector<std::uint32_t> magnitudes(values.size());
    std::transform(values.begin(), values.end(), magnitudes.begin(), magnitude);
    std::nth_element(magnitudes.begin(), magnitudes.begin() + static_cast<std::ptrdiff_t>(k - 1), magnitudes.end(), std::greater<>());
    const std::uint32_t least = magnitudes[k - 1];
    std::size_t ties = k;  // of that very magnitude so many travel
    for (std::size_t i = 0; i < k; ++i) ties -= magnitudes[i] > least;
    for (std::size_t i = 0; i < values.size(); ++i) {
        const std::uint32_t m = magnitude(values[i]);
        if (m < least || (m == least && ties == 0)) continue;
        if (m == least) --ties;
        const auto place = static_cast<std::uint32_t>(i);
        std::memcpy(to, &place, sizeof place);
        std::memcpy(to + sizeof place, &values[i], sizeof values[i]);
        to += 8;
    }
}

bool places_ascend(const Snapshot& s) {
    std::uint64_t next = 0;
    for (std::size_t at = 0; at < s.bytes.size; at += 8) {
        std::uint32_t place;
        std::memcpy(&place, s.bytes.data + at, sizeof place);
        if (place < next || place >= s.range.count) return false;
        next = std::uint64_t{place} + 1;
    }
    return true;
}

}  // namespace

std::uint64_t kept_of(std::uint64_t count, double kept) {
    const double wanted = std::ceil(kept * static_cast<double>(count));
    return count == 0 ? 0 : static_cast<std::uint64_t>(std::clamp(wanted, 1.0, static_cast<double>(count)));
}

std::uint64_t encoded_bytes(Encoding encoding, std::uint64_t count, double kept) {
    return encoding == Encoding::top_k ? 8 * kept_of(count, kept) : encoded_size(encoding, count);
}

void encode(std::span<const float> values, Encoding encoding, double kept, std::byte* to) {
    switch (encoding) {
        case Encoding::bf16:
            for (std::size_t i = 0; i < values.size(); ++i) {
                const std::uint16_t half = to_bf16(values[i]);
                std::memcpy(to + 2 * i, &half, sizeof half);
            }
            return;
        case Encoding::int8:
            for (std::size_t begin = 0; begin < values.size(); begin += int8_block) {
                const auto block = values.subspan(begin, std::min<std::size_t>(int8_block, values.size() - begin));
                encode_block(block, to);
                to += sizeof(float) + block.size();
            }
            return;
        case Encoding::top_k:
            assert(values.size() <= 0xffffffff);
            return encode_largest(values, kept_of(values.size(), kept), to);
        case Encoding::float32:
        case Encoding::float64: break;
    }
    assert(false);
}

void decode(const Snapshot& snapshot, std::span<float> to) {
    assert(fits(snapshot.encoding, snapshot.range.count, snapshot.bytes.size));
    for_pieces_as<float>(snapshot, [&](std::size_t begin, std::span<const float> piece) {
        if (begin < to.size()) std::copy_n(piece.begin(), std::min(piece.size(), to.size() - begin), to.begin() + static_cast<std::ptrdiff_t>(begin));
    });
}

bool travels_as(const Snapshot& snapshot, std::optional<Encoding> runs, Encoding learners) {
    return snapshot.range.count == 0 || snapshot.encoding == learners || snapshot.encoding == runs;
}

bool well_formed(const Snapshot& snapshot) {
    if (!fits(snapshot.encoding, snapshot.range.count, snapshot.bytes.size)) return false;
    if (snapshot.encoding == Encoding::top_k && !places_ascend(snapshot)) return false;
    bool all = true;
    const auto look = [&all](std::size_t, const auto piece) {
        for (const auto v : piece) all &= std::isfinite(v);
    };
    if (snapshot.encoding == Encoding::float64) for_pieces_as<double>(snapshot, look);
    else for_pieces_as<float>(snapshot, look);
    return all;
}

}  // namespace grapevine::learn
