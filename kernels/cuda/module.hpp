#pragma once

#include <cstddef>
#include <cstdint>

#include "grapevine/kernels/backend.hpp"

// What the CUDA module and the program say to each other. The module is loaded, never linked, so nothing but
// this number tells whether both were built from the same backend.hpp: raise it with every change there.
namespace grapevine::kernels {

inline constexpr std::uint32_t cuda_module_abi = 2;
inline constexpr const char* cuda_module_symbol = "grapevine_cuda_module";

struct CudaModule {
    std::uint32_t abi;             // first, and of this type, for ever
    Backend* (*make)(int device, Element element);  // owned by the caller; throws DeviceFailure
};

using CudaModuleFunction = const CudaModule*();

}  // namespace grapevine::kernels
