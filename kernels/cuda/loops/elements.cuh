#pragma once

#include "common.cuh"

// Element by element.
namespace grapevine::kernels::device {

template <class From, class To>
__global__ void convert(std::size_t n, const From* from, To* to) {
    for (std::size_t i = first_index(); i < n; i += stride()) to[i] = made<To>(as_float(from[i]));
}

// Whole words, also from or to memory of the host.
__global__ void carry(std::size_t words, const std::uint32_t* from, std::uint32_t* to) {
    for (std::size_t i = first_index(); i < words; i += stride()) to[i] = from[i];
}

template <class Value>
__global__ void axpby(std::size_t n, float a, const Value* x, float b, Value* y, Bf16* shadow) {
    for (std::size_t i = first_index(); i < n; i += stride()) {
        const float value = a * as_float(x[i]) + (b == 0 ? 0 : b * as_float(y[i]));
        y[i] = made<Value>(value);
        if (shadow) shadow[i] = made<Bf16>(value);
    }
}

template <class Value>
__global__ void add(std::size_t n, const Value* x, const Value* y, bool relu, Value* to) {
    for (std::size_t i = first_index(); i < n; i += stride()) {
        const float sum = as_float(x[i]) + as_float(y[i]);
        to[i] = made<Value>(relu && sum < 0 ? 0 : sum);  // what is no number is seen
    }
}

template <class Value>
__global__ void mask(std::size_t n, const Value* activations, Value* gradient) {
    for (std::size_t i = first_index(); i < n; i += stride())
        if (as_float(activations[i]) == 0) gradient[i] = made<Value>(0);
}

// biases null: none.
template <class Value>
__global__ void bias(std::size_t size, std::size_t width, const float* biases, bool relu, Value* x) {
    for (std::size_t i = first_index(); i < size; i += stride()) {
        const float sum = as_float(x[i]) + (biases ? biases[i % width] : 0);
        x[i] = made<Value>(relu && sum < 0 ? 0 : sum);
    }
}

constexpr float gelu_root = 0.7978845608f, gelu_cubic = 0.044715f;  // sqrt(2 / pi)

template <class Value>
__global__ void gelu(std::size_t n, const Value* from, Value* to) {
    for (std::size_t i = first_index(); i < n; i += stride()) {
        const float x = as_float(from[i]);
        to[i] = made<Value>(0.5f * x * (1 + tanhf(gelu_root * (x + gelu_cubic * x * x * x))));
    }
}

template <class Value>
__global__ void gelu_backward(std::size_t n, const Value* from, const Value* dy, Value* dx) {
    for (std::size_t i = first_index(); i < n; i += stride()) {
        const float x = as_float(from[i]), t = tanhf(gelu_root * (x + gelu_cubic * x * x * x));
        dx[i] = made<Value>(as_float(dy[i]) * (0.5f * (1 + t) + 0.5f * x * (1 - t * t) * gelu_root * (1 + 3 * gelu_cubic * x * x)));
    }
}

__device__ inline float sigmoid(float x) { return 1 / (1 + expf(-x)); }

template <class Value>
__global__ void gru(std::size_t size, std::size_t w, const Value* from_input, const Value* from_state, const Value* state, Value* kept, Value* next) {
    for (std::size_t at = first_index(); at < size; at += stride()) {
        const std::size_t i = at / w, j = at % w, three = i * 3 * w + j, four = i * 4 * w + j;
        const float r = sigmoid(as_float(from_input[three]) + as_float(from_state[three]));
        const float z = sigmoid(as_float(from_input[three + w]) + as_float(from_state[three + w]));
        const float hn = as_float(from_state[three + 2 * w]), n = tanhf(as_float(from_input[three + 2 * w]) + r * hn);
        kept[four] = made<Value>(r);
        kept[four + w] = made<Value>(z);
        kept[four + 2 * w] = made<Value>(n);
        kept[four + 3 * w] = made<Value>(hn);
        next[at] = made<Value>((1 - z) * n + z * as_float(state[at]));
    }
}

template <class Value>
__global__ void gru_backward(std::size_t size, std::size_t w, const Value* state, const Value* kept, const Value* dnext, Value* dfrom_input, Value* dfrom_state,
                             Value* dstate) {
    for (std::size_t at = first_index(); at < size; at += stride()) {
        const std::size_t i = at / w, j = at % w, three = i * 3 * w + j, four = i * 4 * w + j;
        const float r = as_float(kept[four]), z = as_float(kept[four + w]), n = as_float(kept[four + 2 * w]), hn = as_float(kept[four + 3 * w]);
        const float d = as_float(dnext[at]);
        const float dn = d * (1 - z) * (1 - n * n), dz = d * (as_float(state[at]) - n) * z * (1 - z), dr = dn * hn * r * (1 - r);
        dfrom_input[three] = dfrom_state[three] = made<Value>(dr);
        dfrom_input[three + w] = dfrom_state[three + w] = made<Value>(dz);
        dfrom_input[three + 2 * w] = made<Value>(dn);
        dfrom_state[three + 2 * w] = made<Value>(dn * r);
        dstate[at] = made<Value>(d * z);
    }
}

}  // namespace grapevine::kernels::device
