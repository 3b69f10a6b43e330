#pragma once

#include <tuple>

#include "check.hpp"

namespace grapevine::kernels {

// The only place where kernels start. The arguments become what the kernel takes here, so that a number of another type is
// converted and not misread.
template <class... Parameters, class... Arguments>
void launch(void (*kernel)(Parameters...), dim3 grid, unsigned block, cudaStream_t stream, const Arguments&... arguments) {
    std::tuple<Parameters...> values(static_cast<Parameters>(arguments)...);
    std::apply(
        [&](auto&... value) {
            void* pointers[] = {static_cast<void*>(&value)...};
            GRAPEVINE_CUDA(cudaLaunchKernel(kernel, grid, dim3(block), pointers, 0, stream));
        },
        values);
}

}  // namespace grapevine::kernels
