#pragma once

// CUDA emulated on the host: a test double of as much of CUDA's runtime as kernels/cuda uses, so that its sources, compiled
// as plain C++ with this folder before the toolkit's, run where there is no GPU. It says nothing about speed, and little about
// what a GPU does to memory that several threads touch at once; what it does not model it refuses.
//
//   threads of a block    fibers, one after the other between barriers; a block's order is another each time
//   streams               queues that nobody works off until somebody waits: see emulated::Order
//   device memory         each allocation by itself between pages that nobody may touch, filled with what is no number, and
//                         closed to the host while no work is done
//   pinned memory         what a copy reads must not change before it ran; what it writes is no number until then
//   capture               records, refuses what waits or allocates; a graph's nodes run in any order that its edges allow
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <tuple>
#include <type_traits>
#include <utility>

#define __global__ inline
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __shared__ static

enum cudaError_t {
    cudaSuccess = 0,
    cudaErrorInvalidValue = 1,
    cudaErrorMemoryAllocation = 2,
    cudaErrorNotReady = 600,
    cudaErrorLaunchFailure = 719,
    cudaErrorStreamCaptureUnsupported = 900,
    cudaErrorStreamCaptureInvalidated = 901,
    cudaErrorStreamCaptureUnjoined = 904,
};
const char* cudaGetErrorString(cudaError_t error);
cudaError_t cudaGetLastError();

struct dim3 {
    unsigned x = 1, y = 1, z = 1;
    dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};
struct uint3 {
    unsigned x, y, z;
};

namespace emulated {
struct Stream;
struct Event;
struct Graph;
struct GraphExec;
}  // namespace emulated
using cudaStream_t = emulated::Stream*;
using cudaEvent_t = emulated::Event*;
using cudaGraph_t = emulated::Graph*;
using cudaGraphExec_t = emulated::GraphExec*;

struct cudaDeviceProp {
    char name[256];
    int multiProcessorCount, major, minor;
};
enum cudaMemcpyKind { cudaMemcpyHostToDevice = 1, cudaMemcpyDeviceToHost = 2, cudaMemcpyDeviceToDevice = 3 };
enum cudaStreamCaptureMode { cudaStreamCaptureModeGlobal = 0, cudaStreamCaptureModeThreadLocal = 1, cudaStreamCaptureModeRelaxed = 2 };
constexpr unsigned cudaStreamNonBlocking = 1, cudaEventDisableTiming = 2, cudaEventDefault = 0, cudaHostAllocDefault = 0, cudaHostAllocPortable = 1;

cudaError_t cudaSetDevice(int device);
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device);
cudaError_t cudaMalloc(void** memory, std::size_t bytes);
cudaError_t cudaFree(void* memory);
cudaError_t cudaHostAlloc(void** memory, std::size_t bytes, unsigned flags);
cudaError_t cudaFreeHost(void* memory);
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, cudaStream_t stream);
cudaError_t cudaMemsetAsync(void* to, int value, std::size_t bytes, cudaStream_t stream);
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags = 0);
cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode);
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph);
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags);
cudaError_t cudaEventDestroy(cudaEvent_t event);
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream);
cudaError_t cudaEventSynchronize(cudaEvent_t event);
cudaError_t cudaEventQuery(cudaEvent_t event);
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t begin, cudaEvent_t end);
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* exec, cudaGraph_t graph, unsigned long long flags = 0);
cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream);
cudaError_t cudaGraphDestroy(cudaGraph_t graph);
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec);

namespace emulated {

cudaError_t enqueue_kernel(std::function<void()> thread, dim3 grid, dim3 block, cudaStream_t stream);
inline thread_local uint3 thread_index{}, block_index{};
inline thread_local dim3 grid_size{}, block_size{};

void barrier(int line);                                                     // of all threads of the block
std::uint64_t exchange(std::uint32_t mask, std::uint64_t value, int lane_xor, int line);  // of a warp
std::uint32_t ballot(std::uint32_t mask, bool holds, int line);

template <class Value>
Value exchanged(std::uint32_t mask, Value value, int lane_xor, int line) {
    static_assert(sizeof(Value) <= sizeof(std::uint64_t) && std::is_trivially_copyable_v<Value>);
    std::uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof value);
    bits = exchange(mask, bits, lane_xor, line);
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

}  // namespace emulated

#define threadIdx (::emulated::thread_index)
#define blockIdx (::emulated::block_index)
#define blockDim (::emulated::block_size)
#define gridDim (::emulated::grid_size)
#define __syncthreads() ::emulated::barrier(__LINE__)
#define __syncwarp(...) ((void)::emulated::exchange(0xffffffffu, 0, 0, __LINE__))
#define __shfl_xor_sync(mask, value, lane) ::emulated::exchanged((mask), (value), (lane), __LINE__)
#define __ballot_sync(mask, holds) ::emulated::ballot((mask), (holds), __LINE__)
inline int __ffs(unsigned bits) { return __builtin_ffs(static_cast<int>(bits)); }

// As CUDA's C++ headers declare it: the arguments are read before it returns.
template <class... Parameters>
cudaError_t cudaLaunchKernel(void (*kernel)(Parameters...), dim3 grid, dim3 block, void** arguments, std::size_t shared, cudaStream_t stream) {
    if (shared != 0) return cudaErrorInvalidValue;
    return [&]<std::size_t... i>(std::index_sequence<i...>) {
        return ::emulated::enqueue_kernel([kernel, given = std::tuple<Parameters...>(*static_cast<Parameters*>(arguments[i])...)] { std::apply(kernel, given); },
                                          grid, block, stream);
    }(std::index_sequence_for<Parameters...>{});
}
