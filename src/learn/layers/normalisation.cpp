#include "normalisation.hpp"

#include <algorithm>

namespace grapevine::learn {

using kernels::DeviceSpan;

Normalisation::Normalisation(TensorTable& table, const std::string& name, Extent in) : extent_(in) {
    extent_.relu = false;
    gain_ = table.add(name + ".gain", {in.width});
    bias_ = table.add(name + ".b", {in.width});
}

void Normalisation::draw(std::span<float> block, Random) const { std::ranges::fill(block.subspan(gain_, extent_.width), 1.f); }

void Normalisation::keep(Room& room, kernels::Element, std::size_t rows, bool) const { statistics(room, rows); }

void Normalisation::forward(const Call& call, Room kept, DeviceSpan x, DeviceSpan y) const {
    call.backend.normalise(x, call.parameters.part(gain_, extent_.width), call.parameters.part(bias_, extent_.width), statistics(kept, call.rows), y);
}

void Normalisation::backward(const Call& call, Room kept, DeviceSpan x, DeviceSpan, DeviceSpan dy, DeviceSpan dx) const {
    call.backend.normalise_backward(x, call.parameters.part(gain_, extent_.width), statistics(kept, call.rows), dy, dx, call.gradient.part(gain_, extent_.width),
                                    call.gradient.part(bias_, extent_.width));
}

}  // namespace grapevine::learn
