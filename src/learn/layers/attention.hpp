#pragma once

#include "layer.hpp"

namespace grapevine::learn {

// Causal self-attention (Vaswani et al. 2017) between places whose queries, keys and values are there already, side by side.
class Attention final : public Layer {
public:
    Attention(Extent in, std::size_t heads) : length_(in.places), width_(in.width / 3), heads_(heads) {}

    Extent output() const override { return {length_, width_, {}, false}; }
    double flops() const override { return 4.0 * static_cast<double>(length_ * length_ * width_); }
    void keep(Room& room, kernels::Element element, std::size_t rows, bool) const override { room.elements(element, shape(rows).probabilities()); }
    void forward(const Call& call, Room kept, kernels::DeviceSpan x, kernels::DeviceSpan y) const override {
        call.backend.attend(shape(call.rows), x, probabilities(call, kept), y);
    }
    void backward(const Call& call, Room kept, kernels::DeviceSpan x, kernels::DeviceSpan, kernels::DeviceSpan dy, kernels::DeviceSpan dx) const override {
        call.backend.attend_backward(shape(call.rows), x, probabilities(call, kept), dy, dx);
    }

private:
    kernels::Attention shape(std::size_t rows) const { return {.rows = rows, .length = length_, .width = width_, .heads = heads_}; }
    kernels::DeviceSpan probabilities(const Call& call, Room& kept) const { return kept.elements(call.backend.element(), shape(call.rows).probabilities()); }

    std::size_t length_, width_, heads_;
};

}  // namespace grapevine::learn
