#include "dense.hpp"

#include <cmath>

#include "../normals.hpp"

namespace grapevine::learn {

using kernels::DeviceSpan;

Extent flat(const Extent& extent) { return {1, extent.size(), {}, extent.relu}; }

Dense::Dense(TensorTable& table, const std::string& weights, const std::string& biases, Extent in, std::size_t outputs, bool relu, double gain)
    : in_(in), out_{in.places, outputs, {}, relu}, deviation_(gain * std::sqrt((relu ? 2.0 : 1.0) / static_cast<double>(in.width))) {
    if (in.picture.size() > 0) out_.picture = {in.picture.height, in.picture.width, outputs};
    weights_ = table.add(weights, {in.width, outputs});
    biases_ = table.add(biases, {outputs});
}

Range Dense::parameters() const { return {weights_, biases_ + out_.width - weights_}; }

void Dense::draw(std::span<float> block, Random random) const {
    draw_normals(block.subspan(weights_, in_.width * out_.width), deviation_, random);
}

void Dense::forward(const Call& call, Room, DeviceSpan x, DeviceSpan y) const {
    call.backend.dense(shape(call.rows), x, call.shadow.part(weights_, in_.width * out_.width), call.parameters.part(biases_, out_.width), y);
}

void Dense::backward(const Call& call, Room, DeviceSpan x, DeviceSpan, DeviceSpan dy, DeviceSpan dx) const {
    call.backend.dense_backward(shape(call.rows), x, call.shadow.part(weights_, in_.width * out_.width), dy, dx,
                                call.gradient.part(weights_, in_.width * out_.width), call.gradient.part(biases_, out_.width));
}

}  // namespace grapevine::learn
