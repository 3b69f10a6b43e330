#include "sequence.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace grapevine::learn {

using kernels::DeviceSpan;

Range joined(const Range& a, const Range& b) {
    if (a.count == 0) return b;
    if (b.count == 0) return a;
    const std::uint64_t begin = std::min(a.offset, b.offset), end = std::max(a.offset + a.count, b.offset + b.count);
    return {begin, end - begin};
}

Sequence::Sequence(Layers layers) : layers_(std::move(layers)) { assert(!layers_.empty()); }

Range Sequence::parameters() const {
    Range range{0, 0};
    for (const auto& layer : layers_) range = joined(range, layer->parameters());
    return range;
}

void Sequence::draw(std::span<float> block, Random random) const {
    for (std::size_t l = 0; l < layers_.size(); ++l) layers_[l]->draw(block, random.split(l));
}

double Sequence::flops() const {
    double sum = 0;
    for (const auto& layer : layers_) sum += layer->flops();
    return sum;
}

template <class F>
void Sequence::walk(Room& room, kernels::Element element, std::size_t rows, bool backward, F&& f) const {
    for (std::size_t l = 0; l < layers_.size(); ++l) {
        Between between;
        const std::size_t size = rows * layers_[l]->output().size();
        if (l + 1 < layers_.size()) {
            between.y = room.elements(element, size);
            if (backward) between.dy = room.elements(element, size);
        }
        between.kept = room.rest();
        Room own = room.rest();
        layers_[l]->keep(own, element, rows, backward);
        room.floats(own.used());
        f(l, between);
    }
}

std::vector<Sequence::Between> Sequence::all(Room room, const Call& call) const {
    std::vector<Between> places;
    places.reserve(layers_.size());
    walk(room, call.backend.element(), call.rows, call.backward, [&](std::size_t, const Between& between) { places.push_back(between); });
    return places;
}

void Sequence::keep(Room& room, kernels::Element element, std::size_t rows, bool backward) const {
    walk(room, element, rows, backward, [](std::size_t, const Between&) {});
}

void Sequence::forward(const Call& call, Room kept, DeviceSpan x, DeviceSpan y) const {
    walk(kept, call.backend.element(), call.rows, call.backward, [&](std::size_t l, const Between& between) {
        const DeviceSpan out = l + 1 < layers_.size() ? between.y : y;
        layers_[l]->forward(call, between.kept, x, out);
        x = out;
    });
}

void Sequence::backward(const Call& call, Room kept, DeviceSpan x, DeviceSpan y, DeviceSpan dy, DeviceSpan dx) const {
    for (std::size_t l = layers_.size(); l-- > 0;) backward(l, call, kept, x, y, dy, dx);
}

void Sequence::backward(std::size_t l, const Call& call, Room kept, DeviceSpan x, DeviceSpan y, DeviceSpan dy, DeviceSpan dx) const {
    const auto places = all(kept, call);
    const bool first = l == 0, last = l + 1 == layers_.size();
    layers_[l]->backward(call, places[l].kept, first ? x : places[l - 1].y, last ? y : places[l].y, last ? dy : places[l].dy, first ? dx : places[l - 1].dy);
}

}  // namespace grapevine::learn
