#pragma once

#include "common.cuh"

// Sums over many elements, in two steps: each block its share, then one block the shares.
namespace grapevine::kernels::device {

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

// sums[k] = (add ? sums[k] : 0) + partial[k] + partial[width + k] + ... for k < width. One block.
__global__ void add_up(const double* partial, std::size_t count, unsigned width, bool add, double* sums) {
    for (unsigned k = 0; k < width; ++k) {
        double sum = 0;
        for (std::size_t i = threadIdx.x; i < count; i += threads) sum += partial[i * width + k];
        sum = sum_of_block(sum);
        if (threadIdx.x == 0) sums[k] = (add ? sums[k] : 0) + sum;
    }
}

// Hands `count` sums over to memory of the host, and starts again from none.
__global__ void hand_over(unsigned count, double* sums, double* to) {
    if (threadIdx.x >= count) return;
    to[threadIdx.x] = sums[threadIdx.x];
    sums[threadIdx.x] = 0;
}

// x *= limit / |x| where |x|^2, the sum of the partial ones, says that it is longer.
__global__ void shorten(std::size_t n, float limit, const double* partial, unsigned count, float* x) {
    double sum = 0;
    for (unsigned i = threadIdx.x; i < count; i += threads) sum += partial[i];
    const double norm = sqrt(sum_of_block(sum));
    if (!(norm > static_cast<double>(limit))) return;
    const auto factor = static_cast<float>(limit / norm);
    for (std::size_t i = first_index(); i < n; i += stride()) x[i] *= factor;
}

// Sums of columns of (rows, width): a block takes 32 columns of one share of the rows. partial: (shares, width).
constexpr unsigned columns_of_block = lanes, rows_of_block = threads / lanes;
__device__ inline float sum_of_column(float value) {
    __shared__ float sums[rows_of_block][columns_of_block];
    const unsigned r = threadIdx.x / lanes, c = threadIdx.x % lanes;
    __syncthreads();
    sums[r][c] = value;
    __syncthreads();
    float sum = 0;
    for (unsigned i = 0; i < rows_of_block; ++i) sum += sums[i][c];
    return sum;
}

template <class Value>
__global__ void column_sums(std::size_t rows, std::size_t width, std::size_t share, const Value* x, float* partial) {
    const std::size_t column = blockIdx.x * static_cast<std::size_t>(columns_of_block) + threadIdx.x % lanes;
    const std::size_t begin = blockIdx.y * share, end = begin + share < rows ? begin + share : rows;
    float sum = 0;
    if (column < width)
        for (std::size_t i = begin + threadIdx.x / lanes; i < end; i += rows_of_block) sum += as_float(x[i * width + column]);
    sum = sum_of_column(sum);
    if (column < width && threadIdx.x < lanes) partial[blockIdx.y * width + column] = sum;
}

__global__ void add_shares(std::size_t width, unsigned shares, const float* partial, float* sums) {
    for (std::size_t j = first_index(); j < width; j += stride()) {
        float sum = 0;
        for (unsigned s = 0; s < shares; ++s) sum += partial[s * width + j];
        sums[j] = sum;
    }
}

// dots (n) = of row i / group of a and row i of b. One warp each.
template <class Value>
__global__ void row_dots(std::size_t n, std::size_t width, std::size_t group, const Value* a, const Value* b, Value* dots) {
    const std::size_t i = first_index() / lanes;
    if (i >= n) return;  // the whole warp
    float sum = 0;
    for (std::size_t j = threadIdx.x % lanes; j < width; j += lanes) sum += as_float(a[i / group * width + j]) * as_float(b[i * width + j]);
    sum = sum_of_warp(sum);
    if (threadIdx.x % lanes == 0) dots[i] = made<Value>(sum);
}

// size: elements of a.
template <class Value>
__global__ void row_dots_backward(std::size_t size, std::size_t width, std::size_t group, const Value* a, const Value* b, const Value* ddots, Value* da, Value* db) {
    for (std::size_t at = first_index(); at < size; at += stride()) {
        const std::size_t i = at / width, j = at % width;
        float sum = 0;
        const float mine = as_float(a[at]);
        for (std::size_t k = i * group; k < (i + 1) * group; ++k) {
            const float d = as_float(ddots[k]);
            sum += d * as_float(b[k * width + j]);
            db[k * width + j] = made<Value>(d * mine);
        }
        da[at] = made<Value>(sum);
    }
}

}  // namespace grapevine::kernels::device
