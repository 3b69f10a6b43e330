#pragma once

#include <functional>
#include <span>

#include "grapevine/learn/tensor_table.hpp"

namespace grapevine::learn {

// A tensor of merge kind `set`, of shape (places, 1 + numbers of a piece):
//
//     place    1 | piece    or    0 | nothing (zeros)
//
// Whoever makes a piece puts it in a place that nobody else writes, and nobody ever changes it. Two such tensors merge by
// taking over what is lacking, a join of states that only grow (Shapiro et al. 2011): as often as one likes, in any order
// and by any way it comes to the same, and what is lost comes the next time. Weights mean nothing.

// Whether these numbers are a piece of this model: asked of each one from outside, before it is taken.
using IsPiece = std::function<bool(std::span<const float>)>;

// The block takes over the pieces that it lacks. `theirs`: what lies in another's block from `offset` on; only places that
// are in there as a whole count. Where a flag is neither 0 nor 1, or what would be taken is no piece, nothing is taken and
// the answer is false. Two pieces in one place: against the rules, and each stays where it is.
bool unite(const Tensor& set, std::span<float> block, std::uint64_t offset, std::span<const float> theirs, const IsPiece& is_piece);

}  // namespace grapevine::learn
