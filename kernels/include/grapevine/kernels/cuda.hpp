#pragma once

#include <memory>
#include <string>

#include "grapevine/kernels/backend.hpp"

namespace grapevine::kernels {

struct CudaBackend {
    std::unique_ptr<Backend> backend;  // null where there is none,
    std::string reason;                // and why
};

// The GPU, if one answers. The driver is asked first, and only then is the module with cuBLAS loaded: linked
// into the program it would cost 86 ms and 213 MiB at every start, also where there is no GPU. `element`:
// what it computes in. `module`: where the module lies; empty: next to the executable, in ../lib/grapevine, or where a build tree has it.
CudaBackend load_cuda_backend(int device = 0, Element element = Element::float32, const std::string& module = {});

}  // namespace grapevine::kernels
