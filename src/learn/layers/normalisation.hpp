#pragma once

#include "layer.hpp"

namespace grapevine::learn {

// Layer normalisation (Ba, Kiros and Hinton 2016): at each place mean 0 and variance 1, then times a gain, which starts at 1, and plus
// a bias, which starts at 0.
class Normalisation final : public Layer {
public:
    // Adds its tensors to the table: NAME.gain and NAME.b.
    Normalisation(TensorTable& table, const std::string& name, Extent in);

    Extent output() const override { return extent_; }
    Range parameters() const override { return {gain_, bias_ + extent_.width - gain_}; }
    void draw(std::span<float> block, Random random) const override;
    void keep(Room& room, kernels::Element element, std::size_t rows, bool backward) const override;
    void forward(const Call& call, Room kept, kernels::DeviceSpan x, kernels::DeviceSpan y) const override;
    void backward(const Call& call, Room kept, kernels::DeviceSpan x, kernels::DeviceSpan y, kernels::DeviceSpan dy, kernels::DeviceSpan dx) const override;

private:
    kernels::DeviceSpan statistics(Room& room, std::size_t rows) const { return room.floats(2 * rows * extent_.places); }

    Extent extent_;
    std::uint64_t gain_, bias_;  // offsets
};

}  // namespace grapevine::learn
