#pragma once

#include "grapevine/kernels/backend.hpp"

// Convolutions of pictures that lie as backend.hpp says, without a library: it is our layout, weights (side, side, channels, outputs) and
// a pixel's channels side by side, that registers are filled from directly. Sizes are checked and no picture is empty; nullptr where
// there are no biases.
namespace grapevine::kernels {

void convolve(const Convolution& s, const float* x, const float* weights, const float* biases, float* y);
void convolve_back_to_input(const Convolution& s, const float* x, const float* weights, const float* dy, float* dx);  // x: for x_is_relu
void convolve_back_to_weights(const Convolution& s, const float* x, const float* dy, float* dweights);

// By squares of four outputs (winograd.cpp).
namespace winograd {
bool can(const Convolution& s);
void convolve(const Convolution& s, const float* x, const float* weights, const float* biases, float* y);
void convolve_back_to_input(const Convolution& s, const float* x, const float* weights, const float* dy, float* dx);
void convolve_back_to_weights(const Convolution& s, const float* x, const float* dy, float* dweights);
}  // namespace winograd

}  // namespace grapevine::kernels
