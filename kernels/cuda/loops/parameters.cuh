#pragma once

#include "common.cuh"

// Whole models in one pass: the optimiser's step, and mixing. The shadow in bf16 is written on the way.
namespace grapevine::kernels::device {

template <Step::Rule rule>
__global__ void step(Step how, std::size_t n, const float* rates, const std::uint8_t* decays, std::size_t decay_offset, const float* gradient, float* first,
                     float* second, float* parameters, Bf16* shadow) {
    const float rate = rates[0], correction1 = rates[1], correction2 = rates[2];
    for (std::size_t i = first_index(); i < n; i += stride()) {
        const float p = parameters[i], g = gradient[i];
        const float decay = !decays || decays[(decay_offset + i) / 64] ? how.weight_decay : 0;
        float after;
        if (rule == Step::Rule::adamw) {
            const float m = how.mu * first[i] + (1 - how.mu) * g, v = how.beta2 * second[i] + (1 - how.beta2) * g * g;
            first[i] = m;
            second[i] = v;
            after = p - rate * (m * correction1 / (sqrtf(v * correction2) + how.epsilon) + decay * p);
        } else {
            const float d = g + decay * p;
            float along = d;
            if (rule != Step::Rule::sgd) {
                const float v = how.mu * first[i] + d;
                first[i] = v;
                along = rule == Step::Rule::nesterov ? d + how.mu * v : v;
            }
            after = p - rate * along;
        }
        parameters[i] = after;
        if (shadow) shadow[i] = made<Bf16>(after);
    }
}

// theirs as it travels: see Encoded.
struct Floats {
    const float* data;
    __device__ float operator[](std::size_t i) const { return data[i]; }
};
struct Halves {
    const Bf16* data;
    __device__ float operator[](std::size_t i) const { return as_float(data[i]); }
};
struct Blocks {  // a float32 scale and 256 signed bytes: nothing lies on a boundary
    const unsigned char* data;
    __device__ float operator[](std::size_t i) const {
        const unsigned char* const block = data + i / 256 * 260;
        const std::uint32_t bits = block[0] | static_cast<std::uint32_t>(block[1]) << 8 | static_cast<std::uint32_t>(block[2]) << 16 | static_cast<std::uint32_t>(block[3]) << 24;
        float scale;
        memcpy(&scale, &bits, sizeof scale);
        return scale * static_cast<float>(static_cast<signed char>(block[4 + i % 256]));
    }
};

// partial[2 block] = |theirs - ours|^2, partial[2 block + 1] = |ours|^2. Weights 1 and 0: nothing is written.
template <class Theirs>
__global__ void mix(std::size_t n, float ours_weight, float* ours, float theirs_weight, Theirs theirs, Bf16* shadow, double* partial) {
    double distance = 0, norm = 0;
    for (std::size_t i = first_index(); i < n; i += stride()) {
        const float x = ours[i], y = theirs[i], d = y - x;
        distance += static_cast<double>(d) * d;
        norm += static_cast<double>(x) * x;
        if (theirs_weight == 0 && ours_weight == 1) continue;
        const float after = (ours_weight == 0 ? 0 : ours_weight * x) + theirs_weight * y;
        ours[i] = after;
        if (shadow) shadow[i] = made<Bf16>(after);
    }
    distance = sum_of_block(distance);
    norm = sum_of_block(norm);
    if (threadIdx.x != 0) return;
    partial[2 * blockIdx.x] = distance;
    partial[2 * blockIdx.x + 1] = norm;
}

}  // namespace grapevine::kernels::device
