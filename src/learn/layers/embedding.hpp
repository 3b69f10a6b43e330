#pragma once

#include "layer.hpp"

namespace grapevine::learn {

// Each word's row of a table w (vocabulary, width); with places (length, width) also the row of the place where it stands, added.
//
// Both start normal with the deviation that is said.
class Embedding final : public Layer {
public:
    struct Shape {
        std::size_t vocabulary = 256, length = 1, width = 1;
        bool places = false;
    };
    // Adds its tensors to the table: NAME.w, and NAME.places.
    Embedding(TensorTable& table, const std::string& name, const Shape& shape, double deviation);

    Extent output() const override { return {shape_.length, shape_.width, {}, false}; }
    Range parameters() const override;
    void draw(std::span<float> block, Random random) const override;
    void forward(const Call& call, Room kept, kernels::DeviceSpan x, kernels::DeviceSpan y) const override;
    void backward(const Call& call, Room kept, kernels::DeviceSpan x, kernels::DeviceSpan y, kernels::DeviceSpan dy, kernels::DeviceSpan dx) const override;

private:
    std::size_t words() const { return shape_.vocabulary * shape_.width; }
    std::size_t places() const { return shape_.places ? shape_.length * shape_.width : 0; }

    Shape shape_;
    std::uint64_t words_ = 0, places_ = 0;  // offsets
    double deviation_;
};

}  // namespace grapevine::learn
