#pragma once

#include "grapevine/kernels/backend.hpp"

namespace grapevine::kernels {

// Sizes are checked, none of m, n, k is 0, and a, b, c lie as backend.hpp says.
// One of products_{onednn,openblas,own}.cpp is built in.
const char* library_name();
void library_gemm(const Gemm& s, const float* a, const float* b, float* c, int threads);

void own_gemm(const Gemm& s, const float* a, const float* b, float* c);  // own_gemm.cpp, always

}  // namespace grapevine::kernels
