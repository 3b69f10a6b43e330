#pragma once

#include "sequence.hpp"

namespace grapevine::learn {

// y = x + f(x), where f is layers that give what they take.
class Skip final : public Layer {
public:
    explicit Skip(Layers layers) : inner_(std::move(layers)) {}

    Extent output() const override { return inner_.output(); }
    Range parameters() const override { return inner_.parameters(); }
    void draw(std::span<float> block, Random random) const override { inner_.draw(block, random); }
    double flops() const override { return inner_.flops(); }
    void keep(Room& room, kernels::Element element, std::size_t rows, bool backward) const override { inner_.keep(room, element, rows, backward); }
    void forward(const Call& call, Room kept, kernels::DeviceSpan x, kernels::DeviceSpan y) const override {
        inner_.forward(call, kept, x, y);
        call.backend.add(x, y, y);
    }
    // The last of the layers must not need its output on the way back: x was added to it.
    void backward(const Call& call, Room kept, kernels::DeviceSpan x, kernels::DeviceSpan y, kernels::DeviceSpan dy, kernels::DeviceSpan dx) const override {
        inner_.backward(call, kept, x, y, dy, dx);
        if (dx) call.backend.add(dx, dy, dx);
    }

private:
    Sequence inner_;
};

}  // namespace grapevine::learn
