#include "products.hpp"

namespace grapevine::kernels {

const char* library_name() { return "own"; }

void library_gemm(const Gemm& s, const float* a, const float* b, float* c, int) { own_gemm(s, a, b, c); }

}  // namespace grapevine::kernels
