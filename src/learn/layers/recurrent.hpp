#pragma once

#include "layer.hpp"

namespace grapevine::learn {

// A GRU (Cho et al. 2014, in the form of PyTorch's) that goes over the places of texts, from a state of zeros on; its states are its
// output. Here texts lie by place: (places, rows, width), so that a step of all rows is one matrix.
//
// Both products start evenly drawn up to 1 / sqrt(width) either way, as PyTorch's do; biases at 0.
class Recurrent final : public Layer {
public:
    // Adds its tensors to the table: NAME.wi, NAME.bi of what comes in and NAME.wh, NAME.bh of the state, (inputs, 3 * width) and
    // (3 * width), in the order r, z, n.
    Recurrent(TensorTable& table, const std::string& name, Extent in, std::size_t width);

    Extent output() const override { return {in_.places, width_, {}, false}; }
    Range parameters() const override { return {input_weights_, state_biases_ + 3 * width_ - input_weights_}; }
    void draw(std::span<float> block, Random random) const override;
    double flops() const override { return 6.0 * static_cast<double>(in_.places * width_ * (in_.width + width_)); }
    void keep(Room& room, kernels::Element element, std::size_t rows, bool backward) const override;
    void forward(const Call& call, Room kept, kernels::DeviceSpan x, kernels::DeviceSpan y) const override;
    void backward(const Call& call, Room kept, kernels::DeviceSpan x, kernels::DeviceSpan y, kernels::DeviceSpan dy, kernels::DeviceSpan dx) const override;

private:
    struct Kept;
    Kept kept(Room& room, kernels::Element element, std::size_t rows, bool backward) const;
    kernels::Dense of_input(std::size_t rows) const { return {.rows = rows * in_.places, .inputs = in_.width, .outputs = 3 * width_, .x_is_relu = in_.relu}; }
    kernels::Dense of_state(std::size_t rows) const { return {.rows = rows, .inputs = width_, .outputs = 3 * width_}; }

    Extent in_;
    std::size_t width_;
    std::uint64_t input_weights_, input_biases_, state_weights_, state_biases_;  // offsets
};

}  // namespace grapevine::learn
