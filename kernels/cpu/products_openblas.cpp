#include <cblas.h>

#include "products.hpp"

namespace grapevine::kernels {

const char* library_name() { return "OpenBLAS"; }

void library_gemm(const Gemm& s, const float* a, const float* b, float* c, int threads) {
    if (openblas_get_num_threads() != threads) openblas_set_num_threads(threads);
    const auto m = static_cast<blasint>(s.m), n = static_cast<blasint>(s.n), k = static_cast<blasint>(s.k);
    cblas_sgemm(CblasRowMajor, s.transpose_a ? CblasTrans : CblasNoTrans, s.transpose_b ? CblasTrans : CblasNoTrans,
                m, n, k, s.alpha, a, s.transpose_a ? m : k, b, s.transpose_b ? k : n, s.beta, c, n);
}

}  // namespace grapevine::kernels
