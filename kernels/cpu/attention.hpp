#pragma once

#include "grapevine/kernels/backend.hpp"

// Attention without a library: a head is small, and a triangle of its square is never needed. Sizes are checked.
namespace grapevine::kernels::attention {

void attend(const Attention& s, const float* qkv, float* probabilities, float* out);
void attend_backward(const Attention& s, const float* qkv, const float* probabilities, const float* dout, float* dqkv);

}  // namespace grapevine::kernels::attention
