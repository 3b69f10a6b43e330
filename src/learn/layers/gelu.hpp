#pragma once

#include "layer.hpp"

namespace grapevine::learn {

// Backend::gelu() of each number.
class Gelu final : public Layer {
public:
    explicit Gelu(Extent in) : extent_(in) { extent_.relu = false; }

    Extent output() const override { return extent_; }
    void forward(const Call& call, Room, kernels::DeviceSpan x, kernels::DeviceSpan y) const override { call.backend.gelu(x, y); }
    void backward(const Call& call, Room, kernels::DeviceSpan x, kernels::DeviceSpan, kernels::DeviceSpan dy, kernels::DeviceSpan dx) const override {
        call.backend.gelu_backward(x, dy, dx);
    }

private:
    Extent extent_;
};

}  // namespace grapevine::learn
