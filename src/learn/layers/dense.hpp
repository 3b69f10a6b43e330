#pragma once

#include "layer.hpp"

namespace grapevine::learn {

// y = x w + b at each place, w (inputs, outputs), and ReLU if so told.
//
// Weights start normal with a variance of 2 / inputs before a ReLU (He et al. 2015), else 1 / inputs; biases at 0.
class Dense final : public Layer {
public:
    // Adds its tensors to the table: "w" and "b" with these suffixes.
    Dense(TensorTable& table, const std::string& weights, const std::string& biases, Extent in, std::size_t outputs, bool relu, double gain = 1);

    Extent output() const override { return out_; }
    Range parameters() const override;
    void draw(std::span<float> block, Random random) const override;
    double flops() const override { return 2.0 * static_cast<double>(in_.places * in_.width * out_.width); }
    void forward(const Call& call, Room kept, kernels::DeviceSpan x, kernels::DeviceSpan y) const override;
    void backward(const Call& call, Room kept, kernels::DeviceSpan x, kernels::DeviceSpan y, kernels::DeviceSpan dy, kernels::DeviceSpan dx) const override;

private:
    kernels::Dense shape(std::size_t rows) const { return {.rows = rows * in_.places, .inputs = in_.width, .outputs = out_.width, .relu = out_.relu, .x_is_relu = in_.relu}; }

    Extent in_, out_;
    std::uint64_t weights_, biases_;  // offsets
    double deviation_;                // of the initial weights
};

// The same numbers as one vector: a picture before a dense layer.
Extent flat(const Extent& extent);

}  // namespace grapevine::learn
