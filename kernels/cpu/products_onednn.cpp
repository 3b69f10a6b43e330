#include <dlfcn.h>
#include <dnnl.h>

#include "products.hpp"

namespace grapevine::kernels {

const char* library_name() { return "oneDNN"; }

// oneDNN asks OpenMP how many threads there are, and OpenMP's answer belongs to the calling thread. Which
// OpenMP it was linked with only the running process knows.
static void bound_threads(int threads) {
    using SetThreads = void(int);
    static auto* const set = reinterpret_cast<SetThreads*>(dlsym(RTLD_DEFAULT, "omp_set_num_threads"));
    static thread_local int bound = 0;
    if (set && bound != threads) set(bound = threads);
}

void library_gemm(const Gemm& s, const float* a, const float* b, float* c, int threads) {
    bound_threads(threads);
    const auto m = static_cast<dnnl_dim_t>(s.m), n = static_cast<dnnl_dim_t>(s.n), k = static_cast<dnnl_dim_t>(s.k);
    const auto status = dnnl_sgemm(s.transpose_a ? 'T' : 'N', s.transpose_b ? 'T' : 'N', m, n, k, s.alpha, a,
                                   s.transpose_a ? m : k, b, s.transpose_b ? k : n, s.beta, c, n);
    if (status != dnnl_success) throw DeviceFailure("dnnl_sgemm failed with status " + std::to_string(status));
}

}  // namespace grapevine::kernels
