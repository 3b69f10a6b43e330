#pragma once

#include "common.cuh"
#include "sums.cuh"

// Texts: normalised rows, words, attention.
namespace grapevine::kernels::device {

// A warp a row.
template <class Value>
__global__ void normalise(std::size_t rows, std::size_t width, const Value* x, const float* gain, const float* bias, float* statistics, Value* y) {
    const std::size_t row = first_index() / lanes;
    if (row >= rows) return;  // the whole warp
    x += row * width;
    const unsigned lane = threadIdx.x % lanes;
    float sum = 0;
    for (std::size_t j = lane; j < width; j += lanes) sum += as_float(x[j]);
    const float mean = sum_of_warp(sum) / static_cast<float>(width);
    float squares = 0;
    for (std::size_t j = lane; j < width; j += lanes) squares += (as_float(x[j]) - mean) * (as_float(x[j]) - mean);
    const float inverse = 1 / sqrtf(sum_of_warp(squares) / static_cast<float>(width) + 1e-5f);
    for (std::size_t j = lane; j < width; j += lanes) y[row * width + j] = made<Value>((as_float(x[j]) - mean) * inverse * gain[j] + bias[j]);
    if (lane == 0) statistics[2 * row] = mean, statistics[2 * row + 1] = inverse;
}

template <class Value>
__global__ void normalise_backward(std::size_t rows, std::size_t width, const Value* x, const float* gain, const float* statistics, const Value* dy, Value* dx) {
    const std::size_t row = first_index() / lanes;
    if (row >= rows) return;
    const std::size_t begin = row * width;
    const unsigned lane = threadIdx.x % lanes;
    const float mean = statistics[2 * row], inverse = statistics[2 * row + 1];
    float sum = 0, along = 0;  // of what comes to the normalised values; and of its part along them
    for (std::size_t j = lane; j < width; j += lanes) {
        const float d = as_float(dy[begin + j]) * gain[j];
        sum += d;
        along += d * ((as_float(x[begin + j]) - mean) * inverse);
    }
    sum = sum_of_warp(sum) / static_cast<float>(width);
    along = sum_of_warp(along) / static_cast<float>(width);
    for (std::size_t j = lane; j < width; j += lanes) {
        const float normal = (as_float(x[begin + j]) - mean) * inverse;
        dx[begin + j] = made<Value>(inverse * (as_float(dy[begin + j]) * gain[j] - sum - normal * along));
    }
}

// partial (shares, 2 * width): dgain's and dbias's. Shares as in column_sums().
template <class Value>
__global__ void normalise_parameters(std::size_t rows, std::size_t width, std::size_t share, const Value* x, const float* statistics, const Value* dy, float* partial) {
    const std::size_t column = blockIdx.x * static_cast<std::size_t>(columns_of_block) + threadIdx.x % lanes;
    const std::size_t begin = blockIdx.y * share, end = begin + share < rows ? begin + share : rows;
    float dgain = 0, dbias = 0;
    if (column < width)
        for (std::size_t i = begin + threadIdx.x / lanes; i < end; i += rows_of_block) {
            const float d = as_float(dy[i * width + column]);
            dgain += d * (as_float(x[i * width + column]) - statistics[2 * i]) * statistics[2 * i + 1];
            dbias += d;
        }
    dgain = sum_of_column(dgain);
    dbias = sum_of_column(dbias);
    if (column >= width || threadIdx.x >= lanes) return;
    partial[blockIdx.y * 2 * width + column] = dgain;
    partial[blockIdx.y * 2 * width + width + column] = dbias;
}

// Words that are not in the table give what is no number. places null: none.
template <class Value>
__global__ void embed(std::size_t size, std::size_t width, const std::int32_t* words, std::size_t vocabulary, const float* table, const float* places, std::size_t length,
                      Value* to) {
    for (std::size_t at = first_index(); at < size; at += stride()) {
        const std::size_t i = at / width, j = at % width;
        const bool known = words[i] >= 0 && static_cast<std::size_t>(words[i]) < vocabulary;
        to[at] = made<Value>(known ? table[static_cast<std::size_t>(words[i]) * width + j] + (places ? places[i % length * width + j] : 0) : NAN);
    }
}

// A block a word of the vocabulary: it looks for its word among all and adds what comes to it, the first first.
template <class Value>
__global__ void embed_backward(std::size_t count, std::size_t width, const std::int32_t* words, const Value* dy, float* dtable) {
    __shared__ std::uint32_t found[threads / lanes];
    const auto word = static_cast<std::int32_t>(blockIdx.x);
    for (std::size_t column = 0; column < width; column += 4 * threads) {
        float sums[4] = {};
        for (std::size_t begin = 0; begin < count; begin += threads) {
            const std::size_t i = begin + threadIdx.x;
            const std::uint32_t here = __ballot_sync(all_lanes, i < count && words[i] == word);
            __syncthreads();
            if (threadIdx.x % lanes == 0) found[threadIdx.x / lanes] = here;
            __syncthreads();
            for (unsigned w = 0; w < threads / lanes; ++w)
                for (std::uint32_t left = found[w]; left != 0; left &= left - 1) {
                    const std::size_t row = begin + w * lanes + static_cast<unsigned>(__ffs(static_cast<int>(left))) - 1;
                    for (unsigned k = 0; k < 4; ++k) {
                        const std::size_t j = column + k * threads + threadIdx.x;
                        if (j < width) sums[k] += as_float(dy[row * width + j]);
                    }
                }
        }
        for (unsigned k = 0; k < 4; ++k) {
            const std::size_t j = column + k * threads + threadIdx.x;
            if (j < width) dtable[blockIdx.x * width + j] = sums[k];
        }
    }
}

// size: of dplaces.
template <class Value>
__global__ void places_backward(std::size_t size, std::size_t total, const Value* dy, float* dplaces) {
    for (std::size_t at = first_index(); at < size; at += stride()) {
        float sum = 0;
        for (std::size_t i = at; i < total; i += size) sum += as_float(dy[i]);
        dplaces[at] = sum;
    }
}

// In place: row i of a square (length, length) becomes the softmax of scale times its first i + 1 values, and 0 after them.
template <class Value>
__global__ void causal_softmax(std::size_t length, float scale, Value* scores) {
    Value* const x = scores + static_cast<std::size_t>(blockIdx.x) * length;
    const std::size_t row = blockIdx.x % length;
    Largest mine{-INFINITY, 0xffffffff};
    for (std::size_t j = threadIdx.x; j <= row; j += blockDim.x) mine = larger(mine, {as_float(x[j]), static_cast<std::uint32_t>(j)});
    const float top = largest_of_block(mine).value;
    float sum = 0;
    for (std::size_t j = threadIdx.x; j <= row; j += blockDim.x) sum += expf(scale * (as_float(x[j]) - top));
    sum = sum_of_block(sum);
    for (std::size_t j = threadIdx.x; j < length; j += blockDim.x) x[j] = made<Value>(j <= row ? expf(scale * (as_float(x[j]) - top)) / sum : 0);
}

// In place: gradients of probabilities to those of scores.
template <class Value>
__global__ void causal_softmax_backward(std::size_t length, float scale, const Value* probabilities, Value* gradient) {
    const Value* const p = probabilities + static_cast<std::size_t>(blockIdx.x) * length;
    Value* const g = gradient + static_cast<std::size_t>(blockIdx.x) * length;
    const std::size_t row = blockIdx.x % length;
    float along = 0;
    for (std::size_t j = threadIdx.x; j <= row; j += blockDim.x) along += as_float(p[j]) * as_float(g[j]);
    along = sum_of_block(along);
    for (std::size_t j = threadIdx.x; j < length; j += blockDim.x) g[j] = made<Value>(j <= row ? scale * as_float(p[j]) * (as_float(g[j]) - along) : 0);
}

}  // namespace grapevine::kernels::device
