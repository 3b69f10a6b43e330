#pragma once

#include <optional>

#include "convolution.hpp"

namespace grapevine::learn {

// y = ReLU(x + b(a(x))), a and b convolutions of 3 x 3 (He et al. 2016, "Deep residual learning"). Where the number of channels changes,
// a takes every second pixel, and so does a convolution of 1 x 1 in x's place.
//
// There is no batch normalisation: its statistics belong to a peer's batches, and a mean over peers is no statistic of any of them.
// Instead, as in Fixup (Zhang, Dauphin and Ma 2019): b starts at 0, so that each block begins as its shortcut, and a's weights at
// 1 / sqrt(blocks) of what they would be, so that a step moves the whole net as far as it would a shallow one.
class Residual final : public Layer {
public:
    // Adds its tensors to the table: NAME.conv1.w, .b, NAME.conv2.w, .b, and where there is one NAME.shortcut.w, .b. blocks: of the net.
    Residual(TensorTable& table, const std::string& name, const Extent& in, std::size_t outputs, std::size_t blocks);

    Extent output() const override;
    Range parameters() const override;
    void draw(std::span<float> block, Random random) const override;
    double flops() const override;
    void keep(Room& room, kernels::Element element, std::size_t rows, bool backward) const override;
    void forward(const Call& call, Room kept, kernels::DeviceSpan x, kernels::DeviceSpan y) const override;
    void backward(const Call& call, Room kept, kernels::DeviceSpan x, kernels::DeviceSpan y, kernels::DeviceSpan dy, kernels::DeviceSpan dx) const override;

private:
    struct Between {                    // a's output, b's, the projected shortcut; and of the way back
        kernels::DeviceSpan inner, sum, around;
        kernels::DeviceSpan dinner, daround;
    };
    Between all(Room& room, kernels::Element element, std::size_t rows, bool backward) const;

    Extent in_, plain_;                 // plain_: as if it had not gone through ReLU; the block masks once, for both ways into x
    Convolution a_, b_;
    std::optional<Convolution> shortcut_;
};

}  // namespace grapevine::learn
