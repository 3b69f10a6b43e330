#pragma once

#include "layer.hpp"

namespace grapevine::learn {

// Layers one after the other. As a layer among others it keeps what lies between them.
class Sequence final : public Layer {
public:
    explicit Sequence(Layers layers);

    const Layers& layers() const { return layers_; }
    Extent output() const override { return layers_.back()->output(); }
    Range parameters() const override;
    void draw(std::span<float> block, Random random) const override;
    double flops() const override;
    void keep(Room& room, kernels::Element element, std::size_t rows, bool backward) const override;
    void forward(const Call& call, Room kept, kernels::DeviceSpan x, kernels::DeviceSpan y) const override;
    void backward(const Call& call, Room kept, kernels::DeviceSpan x, kernels::DeviceSpan y, kernels::DeviceSpan dy, kernels::DeviceSpan dx) const override;

    // One layer of them on the way back, when those above it have gone it.
    void backward(std::size_t layer, const Call& call, Room kept, kernels::DeviceSpan x, kernels::DeviceSpan y, kernels::DeviceSpan dy, kernels::DeviceSpan dx) const;

private:
    struct Between {                       // where everything of one layer lies
        Room kept;
        kernels::DeviceSpan y, dy;         // y: but for the last, whose output is the caller's
    };
    // Walks through the memory and tells f(layer, Between).
    template <class F>
    void walk(Room& room, kernels::Element element, std::size_t rows, bool backward, F&& f) const;
    std::vector<Between> all(Room room, const Call& call) const;

    Layers layers_;
};

}  // namespace grapevine::learn
