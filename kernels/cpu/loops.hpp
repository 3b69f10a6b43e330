#pragma once

#include <cstddef>
#include <cstdint>

#include "grapevine/kernels/backend.hpp"

// All of the CPU's arithmetic that is not a product: one pass over memory each.
namespace grapevine::kernels::loops {

void normalise(const std::uint8_t* from, std::size_t n, Normalisation how, float* to);
void normalise(const float* from, std::size_t n, Normalisation how, float* to);
void axpby(std::size_t n, float a, const float* x, float b, float* y);
double squared_norm(std::size_t n, const float* x);
double squared_distance(std::size_t n, const float* x, const float* y);
void bias(std::size_t m, std::size_t n, const float* biases, float* x);
void bias_relu(std::size_t m, std::size_t n, const float* biases, float* x);
void column_sums(std::size_t m, std::size_t n, const float* x, float* sums);
void relu(std::size_t n, float* x);
void add(std::size_t n, const float* x, const float* y, float* to);  // `to` may be one of them
void add_relu(std::size_t n, const float* x, const float* y, float* to);
void mask(std::size_t n, const float* activations, float* gradient);
void step(const Step& how, const Rates& now, std::size_t n, const float* gradient, float* first, float* second, float* parameters);
Mixed mix(std::size_t n, float ours_weight, float* ours, float theirs_weight, const float* theirs);

}  // namespace grapevine::kernels::loops
