// The CUDA backend itself, as it is, on the emulation.
#include "cuda_backend.cu"  // NOLINT: its only other compiler is nvcc
#include "emulated.hpp"

namespace emulated {

std::unique_ptr<grapevine::kernels::Backend> make_backend(grapevine::kernels::Element element) {
    return std::unique_ptr<grapevine::kernels::Backend>(grapevine_cuda_module()->make(0, element));
}

}  // namespace emulated
