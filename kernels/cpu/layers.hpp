#pragma once

#include <cstddef>
#include <cstdint>

#include "grapevine/kernels/backend.hpp"

// What models are made of besides products and sums. Sizes are checked; matrices lie as backend.hpp says.
namespace grapevine::kernels::layers {

// ---- pictures.cpp ----

void move(Picture picture, std::int32_t how, const std::uint8_t* from, Normalisation normalisation, float* to);
void move(Picture picture, std::int32_t how, const float* from, Normalisation normalisation, float* to);

void pool_largest(const Pooling& s, const float* x, float* y);
void pool_largest_backward(const Pooling& s, const float* x, const float* y, const float* dy, float* dx);
void pool_mean(std::size_t rows, std::size_t pixels, std::size_t channels, const float* x, float* y);
void pool_mean_backward(std::size_t rows, std::size_t pixels, std::size_t channels, const float* x, const float* dy, float* dx);  // x null: no ReLU

// ---- texts.cpp ----
void normalise(std::size_t rows, std::size_t width, const float* x, const float* gain, const float* bias, float* statistics, float* y);
void normalise_backward(std::size_t rows, std::size_t width, const float* x, const float* gain, const float* statistics, const float* dy, float* dx, float* dgain, float* dbias);
void gelu(std::size_t n, const float* x, float* y);
void gelu_backward(std::size_t n, const float* x, const float* dy, float* dx);

// In place: row i of a square (length, length) becomes the softmax of scale times its first i + 1 values, and 0 after them.
void causal_softmax(std::size_t length, float scale, float* scores);
// In place: gradients of probabilities to those of scores.
void causal_softmax_backward(std::size_t length, float scale, const float* probabilities, float* gradient);

void gru(const Gru& s, const float* from_input, const float* from_state, const float* state, float* kept, float* next);
void gru_backward(const Gru& s, const float* state, const float* kept, const float* dnext, float* dfrom_input, float* dfrom_state, float* dstate);

// `chosen` (words) are rows of the table. places null: there are none. The gradients of both are added to.
void embed(std::size_t words, const std::int32_t* chosen, std::size_t width, const float* table, const float* places, std::size_t length, float* to);
void embed_backward(std::size_t words, const std::int32_t* chosen, std::size_t width, const float* dy, float* dtable, float* dplaces, std::size_t length);

void row_dots(std::size_t rows, std::size_t group, std::size_t width, const float* a, const float* b, float* dots);
void row_dots_backward(std::size_t rows, std::size_t group, std::size_t width, const float* a, const float* b, const float* ddots, float* da, float* db);

// ---- losses.cpp ----
void softmax_cross_entropy(std::size_t rows, std::size_t classes, const std::int32_t* targets, float* logits, Losses& losses);
void hinge(std::size_t rows, std::size_t classes, const std::int32_t* targets, float* outputs, Losses& losses);
void squared_error(std::size_t rows, const float* targets, float* outputs, Losses& losses);
void pairs(std::size_t rows, std::size_t group, float* scores, Losses& losses);

}  // namespace grapevine::kernels::layers
