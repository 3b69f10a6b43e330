#include "embedding.hpp"

#include "../normals.hpp"

namespace grapevine::learn {

using kernels::DeviceSpan;

Embedding::Embedding(TensorTable& table, const std::string& name, const Shape& shape, double deviation) : shape_(shape), deviation_(deviation) {
    words_ = table.add(name + ".w", {shape.vocabulary, shape.width});
    if (shape.places) places_ = table.add(name + ".places", {shape.length, shape.width});
}

Range Embedding::parameters() const { return joined({words_, words()}, {places_, places()}); }

void Embedding::draw(std::span<float> block, Random random) const {
    draw_normals(block.subspan(words_, words()), deviation_, random);
    draw_normals(block.subspan(places_, places()), deviation_, random);
}

void Embedding::forward(const Call& call, Room, DeviceSpan, DeviceSpan y) const {
    call.backend.embed(call.words, shape_.width, call.parameters.part(words_, words()), call.parameters.part(places_, places()), y);
}

void Embedding::backward(const Call& call, Room, DeviceSpan, DeviceSpan, DeviceSpan dy, DeviceSpan) const {
    call.backend.embed_backward(call.words, shape_.width, dy, call.gradient.part(words_, words()), call.gradient.part(places_, places()));
}

}  // namespace grapevine::learn
