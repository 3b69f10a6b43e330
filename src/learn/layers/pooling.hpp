#pragma once

#include "layer.hpp"

namespace grapevine::learn {

// The largest of each square of 2 x 2 pixels, channel by channel. What has gone through ReLU has gone through it after that too: where
// the largest is 0 all of the square are, and no gradient comes.
class LargestPooling final : public Layer {
public:
    explicit LargestPooling(const Extent& in);

    Extent output() const override { return Extent::of(of(1).out(), in_.relu); }
    void forward(const Call& call, Room kept, kernels::DeviceSpan x, kernels::DeviceSpan y) const override;
    void backward(const Call& call, Room kept, kernels::DeviceSpan x, kernels::DeviceSpan y, kernels::DeviceSpan dy, kernels::DeviceSpan dx) const override;

private:
    kernels::Pooling of(std::size_t rows) const { return {.rows = rows, .in = in_.picture}; }

    Extent in_;
};

// The mean of all pixels of a picture, channel by channel.
class MeanPooling final : public Layer {
public:
    explicit MeanPooling(const Extent& in) : in_(in) {}

    Extent output() const override { return {1, in_.width, {}, false}; }
    void forward(const Call& call, Room kept, kernels::DeviceSpan x, kernels::DeviceSpan y) const override;
    void backward(const Call& call, Room kept, kernels::DeviceSpan x, kernels::DeviceSpan y, kernels::DeviceSpan dy, kernels::DeviceSpan dx) const override;

private:
    Extent in_;
};

}  // namespace grapevine::learn
