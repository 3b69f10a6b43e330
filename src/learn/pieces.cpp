#include "grapevine/learn/pieces.hpp"

#include <algorithm>
#include <cassert>

namespace grapevine::learn {

bool unite(const Tensor& set, std::span<float> block, std::uint64_t offset, std::span<const float> theirs, const IsPiece& is_piece) {
    assert(set.role == Tensor::Role::set && set.shape.size() == 2 && set.shape[1] > 1);
    assert(set.offset + set.size() <= block.size() && offset <= block.size() && theirs.size() <= block.size() - offset);
    const std::uint64_t length = set.shape[1];
    const std::uint64_t begin = std::max(offset, set.offset), end = std::min(offset + theirs.size(), set.offset + set.size());
    if (begin >= end) return true;
    const std::uint64_t first = (begin - set.offset + length - 1) / length, last = (end - set.offset) / length;
    const auto place = [&](std::uint64_t i) { return theirs.subspan(set.offset + i * length - offset, length); };
    const auto taken = [&](std::uint64_t i) { return block[set.offset + i * length] == 0 && place(i)[0] == 1; };
    for (std::uint64_t i = first; i < last; ++i) {  // looked at first: nothing is written of what has one that is none
        if (place(i)[0] != 0 && place(i)[0] != 1) return false;
        if (taken(i) && !is_piece(place(i).subspan(1))) return false;
    }
    for (std::uint64_t i = first; i < last; ++i)
        if (taken(i)) std::ranges::copy(place(i), block.begin() + static_cast<std::ptrdiff_t>(set.offset + i * length));
    return true;
}

}  // namespace grapevine::learn
