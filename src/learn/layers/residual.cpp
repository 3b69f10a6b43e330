#include "residual.hpp"

#include <cmath>

namespace grapevine::learn {

using kernels::DeviceSpan;
using kernels::Element;

Residual::Residual(TensorTable& table, const std::string& name, const Extent& in, std::size_t outputs, std::size_t blocks)
    : in_(in),
      plain_(Extent::of(in.picture)),
      a_(table, name + ".conv1", plain_, {.outputs = outputs, .stride = outputs == in.width ? 1u : 2u, .gain = 1 / std::sqrt(static_cast<double>(blocks))}),
      b_(table, name + ".conv2", a_.output(), {.outputs = outputs, .relu = false, .gain = 0}) {
    if (outputs != in.width) shortcut_.emplace(table, name + ".shortcut", plain_, Convolution::Shape{.outputs = outputs, .side = 1, .stride = 2, .relu = false});
}

Extent Residual::output() const { return Extent::of(b_.output().picture, true); }

Range Residual::parameters() const {
    const Range range = joined(a_.parameters(), b_.parameters());
    return shortcut_ ? joined(range, shortcut_->parameters()) : range;
}

void Residual::draw(std::span<float> block, Random random) const {
    a_.draw(block, random.split(0));
    b_.draw(block, random.split(1));
    if (shortcut_) shortcut_->draw(block, random.split(2));
}

double Residual::flops() const { return a_.flops() + b_.flops() + (shortcut_ ? shortcut_->flops() : 0); }

Residual::Between Residual::all(Room& room, Element element, std::size_t rows, bool backward) const {
    Between between;
    const std::size_t size = rows * a_.output().size();
    between.inner = room.elements(element, size);
    between.sum = room.elements(element, size);
    if (shortcut_) between.around = room.elements(element, size);
    if (backward) between.dinner = room.elements(element, size);
    if (backward && shortcut_) between.daround = room.elements(element, rows * in_.size());
    return between;
}

void Residual::keep(Room& room, Element element, std::size_t rows, bool backward) const { all(room, element, rows, backward); }

void Residual::forward(const Call& call, Room kept, DeviceSpan x, DeviceSpan y) const {
    const Between between = all(kept, call.backend.element(), call.rows, call.backward);
    a_.forward(call, {}, x, between.inner);
    b_.forward(call, {}, between.inner, between.sum);
    if (shortcut_) shortcut_->forward(call, {}, x, between.around);
    call.backend.add_relu(between.sum, shortcut_ ? between.around : x, y);
}

void Residual::backward(const Call& call, Room kept, DeviceSpan x, DeviceSpan, DeviceSpan dy, DeviceSpan dx) const {
    const Between between = all(kept, call.backend.element(), call.rows, call.backward);
    b_.backward(call, {}, between.inner, between.sum, dy, between.dinner);
    a_.backward(call, {}, x, between.inner, between.dinner, dx);
    if (shortcut_) shortcut_->backward(call, {}, x, between.around, dy, dx ? between.daround : DeviceSpan{});
    if (!dx) return;
    call.backend.add(dx, shortcut_ ? between.daround : dy, dx);
    if (in_.relu) call.backend.mask(x, dx);
}

}  // namespace grapevine::learn
