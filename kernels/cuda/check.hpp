#pragma once

#include <cublasLt.h>
#include <cuda_runtime.h>

#include <string>

#include "grapevine/kernels/backend.hpp"

// Every call to CUDA and cuBLAS goes through one of these.
#define GRAPEVINE_CUDA(call) ::grapevine::kernels::check((call), #call, __FILE__, __LINE__)

namespace grapevine::kernels {

inline void fail(const std::string& said, const char* call, const char* file, int line) {
    throw DeviceFailure(std::string(file) + ":" + std::to_string(line) + ": " + call + ": " + said);
}

inline void check(cudaError_t status, const char* call, const char* file, int line) {
    if (status != cudaSuccess) fail(cudaGetErrorString(status), call, file, line);
}

inline void check(cublasStatus_t status, const char* call, const char* file, int line) {
    if (status != CUBLAS_STATUS_SUCCESS) fail(cublasLtGetStatusString(status), call, file, line);
}

}  // namespace grapevine::kernels
