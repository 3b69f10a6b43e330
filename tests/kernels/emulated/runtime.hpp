#pragma once

#include <functional>
#include <mutex>

#include "cuda_runtime.h"

// What the parts of the emulation share.
namespace emulated {

cudaError_t add(std::function<void()> work, cudaStream_t stream);  // under mutex()
bool on_device(const void* data, std::size_t bytes);
std::recursive_mutex& mutex();
cudaError_t begun();  // a call: fails where the device is lost

}  // namespace emulated
