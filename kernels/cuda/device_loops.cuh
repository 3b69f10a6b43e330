#pragma once

#include <cstddef>
#include <cstdint>

#include "grapevine/kernels/backend.hpp"

// The kernels: one pass over memory each, as in cpu/loops.cpp. Sums are taken in two steps of a fixed order, so
// that the same calls give the same bits.
namespace grapevine::kernels::device {

constexpr int threads = 256;
constexpr int partial_sums = 256;  // a sum's first step: so many blocks

// Shared by all threads of a block; every one of them must come here. The result is thread 0's.
__device__ inline double sum_of_block(double value) {
    __shared__ double values[threads];
    values[threadIdx.x] = value;
    for (int half = threads / 2; half > 0; half /= 2) {
        __syncthreads();
        if (threadIdx.x < half) values[threadIdx.x] += values[threadIdx.x + half];
    }
    __syncthreads();
    const double sum = values[0];
    __syncthreads();  // nobody writes the next sum before all have read this one
    return sum;
}

__device__ inline std::size_t first_index() { return blockIdx.x * static_cast<std::size_t>(blockDim.x) + threadIdx.x; }
__device__ inline std::size_t stride() { return gridDim.x * static_cast<std::size_t>(blockDim.x); }

template <class Value>
__global__ void normalise(const Value* from, std::size_t n, Normalisation how, float* to) {
    for (std::size_t i = first_index(); i < n; i += stride()) to[i] = how.scale * static_cast<float>(from[i]) + how.shift;
}

__global__ void axpby(std::size_t n, float a, const float* x, float b, float* y) {
    for (std::size_t i = first_index(); i < n; i += stride()) y[i] = a * x[i] + (b == 0 ? 0 : b * y[i]);
}

// partial[block] = its share of |x - y|^2; y null: of |x|^2.
__global__ void squared_distance(std::size_t n, const float* x, const float* y, double* partial) {
    double sum = 0;
    for (std::size_t i = first_index(); i < n; i += stride()) {
        const float d = y ? x[i] - y[i] : x[i];
        sum += static_cast<double>(d) * d;
    }
    sum = sum_of_block(sum);
    if (threadIdx.x == 0) partial[blockIdx.x] = sum;
}

// partial[2 block] += |theirs - ours|^2, partial[2 block + 1] += |ours|^2.
__global__ void mix(std::size_t n, float ours_weight, float* ours, float theirs_weight, const float* theirs,
                    double* partial) {
    double distance = 0, norm = 0;
    for (std::size_t i = first_index(); i < n; i += stride()) {
        const float x = ours[i], y = theirs[i], d = y - x;
        distance += static_cast<double>(d) * d;
        norm += static_cast<double>(x) * x;
        ours[i] = (ours_weight == 0 ? 0 : ours_weight * x) + theirs_weight * y;
    }
    distance = sum_of_block(distance);
    norm = sum_of_block(norm);
    if (threadIdx.x == 0) {
        partial[2 * blockIdx.x] += distance;
        partial[2 * blockIdx.x + 1] += norm;
    }
}

// sums[k] += of partial[k], partial[width + k], ..., for k < width. One block.
__global__ void add_up(const double* partial, int count, int width, double* sums) {
    for (int k = 0; k < width; ++k) {
        double sum = 0;
        for (int i = threadIdx.x; i < count; i += threads) sum += partial[i * width + k];
        sum = sum_of_block(sum);
        if (threadIdx.x == 0) sums[k] += sum;
    }
}

__global__ void bias(std::size_t size, std::size_t n, const float* biases, float* x, bool relu) {
    for (std::size_t i = first_index(); i < size; i += stride()) {
        const float sum = x[i] + biases[i % n];
        x[i] = relu && sum < 0 ? 0 : sum;
    }
}

// One thread a column: rows are few, and neighbours read neighbours. activations null: no ReLU.
__global__ void relu_backward(std::size_t m, std::size_t n, const float* activations, float* gradient, float* sums) {
    for (std::size_t j = first_index(); j < n; j += stride()) {
        float sum = 0;
        for (std::size_t i = 0; i < m; ++i) {
            const std::size_t at = i * n + j;
            if (activations && activations[at] == 0) gradient[at] = 0;
            sum += gradient[at];
        }
        sums[j] = sum;
    }
}

// One warp a row. losses: (m, 2), the row's cross-entropy and whether its largest logit is its target's, the
// first of equals counting as the largest.
__global__ void softmax_cross_entropy(std::size_t m, std::size_t n, const std::int32_t* targets, float* logits,
                                      double* losses) {
    constexpr unsigned all = 0xffffffff;
    const std::size_t row = first_index() / 32;
    const unsigned lane = threadIdx.x % 32;
    if (row >= m) return;  // the whole warp
    float* const x = logits + row * n;

    float top = -INFINITY;
    std::size_t largest = n;  // none yet
    for (std::size_t j = lane; j < n; j += 32)
        if (largest == n || x[j] > top) top = x[j], largest = j;
    for (int other = 16; other > 0; other /= 2) {
        const float their_top = __shfl_xor_sync(all, top, other);
        const std::size_t theirs = __shfl_xor_sync(all, static_cast<unsigned long long>(largest), other);
        if (theirs < n && (largest == n || their_top > top || (their_top == top && theirs < largest)))
            top = their_top, largest = theirs;
    }
    const auto target = static_cast<std::size_t>(targets[row]);
    const float target_logit = x[target];  // before anybody overwrites it
    __syncwarp();
    float sum = 0;
    for (std::size_t j = lane; j < n; j += 32) sum += x[j] = expf(x[j] - top);
    for (int other = 16; other > 0; other /= 2) sum += __shfl_xor_sync(all, sum, other);
    const float share = 1 / (sum * static_cast<float>(m));
    for (std::size_t j = lane; j < n; j += 32) x[j] = x[j] * share - (j == target ? 1 / static_cast<float>(m) : 0);
    if (lane == 0) {
        losses[2 * row] = log(static_cast<double>(sum)) + top - target_logit;
        losses[2 * row + 1] = largest == target;
    }
}

__global__ void step(Step how, std::size_t n, const float* gradient, float* velocity, float* parameters) {
    for (std::size_t i = first_index(); i < n; i += stride()) {
        const float p = parameters[i], d = gradient[i] + how.weight_decay * p;
        float along = d;
        if (how.rule != Step::Rule::sgd) {
            const float v = how.mu * velocity[i] + d;
            velocity[i] = v;
            along = how.rule == Step::Rule::nesterov ? d + how.mu * v : v;
        }
        parameters[i] = p - how.rate * along;
    }
}

}  // namespace grapevine::kernels::device
