#pragma once

#include <functional>

#include "cuda_runtime.h"

namespace emulated {

// All threads of all blocks of a launch, one at a time.
void run_kernel(const std::function<void()>& thread, dim3 grid, dim3 block);

std::uint64_t drawn();  // for the order of what has none: the same in every run

}  // namespace emulated
