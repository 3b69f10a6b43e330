#include "convolution.hpp"

#include <cassert>
#include <cmath>

#include "../normals.hpp"

namespace grapevine::learn {

using kernels::DeviceSpan;

Convolution::Convolution(TensorTable& table, const std::string& name, const Extent& in, const Shape& shape)
    : shape_{.in = in.picture, .outputs = shape.outputs, .side = shape.side, .stride = shape.stride, .padding = shape.side / 2, .relu = shape.relu, .x_is_relu = in.relu},
      deviation_(shape.gain * std::sqrt(2.0 / static_cast<double>(shape.side * shape.side * in.width))) {
    assert(in.picture.size() > 0 && in.picture.size() == in.size());
    weights_ = table.add(name + ".w", {shape.side, shape.side, in.width, shape.outputs});
    biases_ = table.add(name + ".b", {shape.outputs});
}

kernels::Convolution Convolution::of(std::size_t rows) const {
    kernels::Convolution shape = shape_;
    shape.rows = rows;
    return shape;
}

void Convolution::draw(std::span<float> block, Random random) const {
    draw_normals(block.subspan(weights_, shape_.weights()), deviation_, random);
}

void Convolution::forward(const Call& call, Room, DeviceSpan x, DeviceSpan y) const {
    call.backend.convolve(of(call.rows), x, call.shadow.part(weights_, shape_.weights()), call.parameters.part(biases_, shape_.outputs), y);
}

void Convolution::backward(const Call& call, Room, DeviceSpan x, DeviceSpan, DeviceSpan dy, DeviceSpan dx) const {
    call.backend.convolve_backward(of(call.rows), x, call.shadow.part(weights_, shape_.weights()), dy, dx, call.gradient.part(weights_, shape_.weights()),
                                   call.gradient.part(biases_, shape_.outputs));
}

}  // namespace grapevine::learn
