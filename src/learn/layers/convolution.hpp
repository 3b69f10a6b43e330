#pragma once

#include "layer.hpp"

namespace grapevine::learn {

// A convolution of pictures with a bias for each channel, w (side, side, channels, outputs), and ReLU if so told. An odd side keeps
// the picture's edges: with stride 1 it stays as large as it was.
//
// Weights start normal with a variance of 2 / (side^2 channels) (He et al. 2015), times gain^2; biases at 0.
class Convolution final : public Layer {
public:
    struct Shape {
        std::size_t outputs = 0, side = 3, stride = 1;
        bool relu = true;
        double gain = 1;  // 0: all weights start at 0
    };
    // Adds its tensors to the table: NAME.w and NAME.b.
    Convolution(TensorTable& table, const std::string& name, const Extent& in, const Shape& shape);

    Extent output() const override { return Extent::of(shape_.out(), shape_.relu); }
    Range parameters() const override { return {weights_, biases_ + shape_.outputs - weights_}; }
    void draw(std::span<float> block, Random random) const override;
    double flops() const override { return 2.0 * static_cast<double>(output().places * shape_.weights()); }
    void forward(const Call& call, Room kept, kernels::DeviceSpan x, kernels::DeviceSpan y) const override;
    void backward(const Call& call, Room kept, kernels::DeviceSpan x, kernels::DeviceSpan y, kernels::DeviceSpan dy, kernels::DeviceSpan dx) const override;

private:
    kernels::Convolution of(std::size_t rows) const;

    kernels::Convolution shape_;      // of no rows
    std::uint64_t weights_, biases_;  // offsets
    double deviation_;                // of the initial weights
};

}  // namespace grapevine::learn
