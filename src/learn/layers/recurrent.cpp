#include "recurrent.hpp"

#include <cmath>

namespace grapevine::learn {

using kernels::DeviceSpan;

// One place's part of what lies by place.
namespace {
DeviceSpan at(DeviceSpan all, std::size_t place, std::size_t places) { return all.part(place * (all.size / places), all.size / places); }
}  // namespace

struct Recurrent::Kept {
    DeviceSpan zeros, before;  // the state that the first place finds, as what can be cleared and as what it is
    DeviceSpan from_input;  // of all places; on the way back its gradient
    DeviceSpan from_state;  // of one place; on the way back the gradient of all
    DeviceSpan gates;       // Backend::gru()'s `kept`: of all places, or of one where there is no way back
    DeviceSpan dnext, past, through;  // of one place: the gradient of its state, and what of it goes to the state before
    DeviceSpan first_biases;
};

Recurrent::Recurrent(TensorTable& table, const std::string& name, Extent in, std::size_t width) : in_(in), width_(width) {
    input_weights_ = table.add(name + ".wi", {in.width, 3 * width});
    input_biases_ = table.add(name + ".bi", {3 * width});
    state_weights_ = table.add(name + ".wh", {width, 3 * width});
    state_biases_ = table.add(name + ".bh", {3 * width});
}

void Recurrent::draw(std::span<float> block, Random random) const {
    const double most = 1 / std::sqrt(static_cast<double>(width_));
    const auto even = [&](std::uint64_t offset, std::size_t count) {
        for (float& w : block.subspan(offset, count)) w = static_cast<float>(most * (2 * random.uniform() - 1));
    };
    even(input_weights_, in_.width * 3 * width_);
    even(state_weights_, width_ * 3 * width_);
}

Recurrent::Kept Recurrent::kept(Room& room, kernels::Element element, std::size_t rows, bool backward) const {
    const std::size_t one = rows * width_, all = in_.places * one;
    Kept k;
    k.zeros = room.floats(one);
    k.before = {k.zeros.data, one, element};
    k.from_input = room.elements(element, 3 * all);
    k.from_state = room.elements(element, backward ? 3 * all : 3 * one);
    k.gates = room.elements(element, backward ? 4 * all : 4 * one);
    if (!backward) return k;
    k.dnext = room.elements(element, one);
    k.past = room.elements(element, one);
    k.through = room.elements(element, one);
    k.first_biases = room.floats(3 * width_);
    return k;
}

void Recurrent::keep(Room& room, kernels::Element element, std::size_t rows, bool backward) const { kept(room, element, rows, backward); }

void Recurrent::forward(const Call& call, Room room, DeviceSpan x, DeviceSpan y) const {
    kernels::Backend& backend = call.backend;
    const Kept k = kept(room, backend.element(), call.rows, call.backward);
    const std::size_t places = in_.places;
    backend.dense(of_input(call.rows), x, call.shadow.part(input_weights_, in_.width * 3 * width_), call.parameters.part(input_biases_, 3 * width_), k.from_input);
    const kernels::Part all{0, k.zeros.size};
    backend.clear(k.zeros, {&all, 1});
    DeviceSpan state = k.before;
    for (std::size_t t = 0; t < places; ++t) {
        const DeviceSpan from_state = k.from_state.part(0, call.rows * 3 * width_), next = at(y, t, places);
        backend.dense(of_state(call.rows), state, call.shadow.part(state_weights_, width_ * 3 * width_), call.parameters.part(state_biases_, 3 * width_), from_state);
        backend.gru({.rows = call.rows, .width = width_}, at(k.from_input, t, places), from_state, state, call.backward ? at(k.gates, t, places) : k.gates, next);
        state = next;
    }
}

void Recurrent::backward(const Call& call, Room room, DeviceSpan x, DeviceSpan y, DeviceSpan dy, DeviceSpan dx) const {
    kernels::Backend& backend = call.backend;
    const Kept k = kept(room, backend.element(), call.rows, call.backward);
    const std::size_t places = in_.places;
    const DeviceSpan weights = call.shadow.part(state_weights_, width_ * 3 * width_);
    const DeviceSpan dweights = call.gradient.part(state_weights_, width_ * 3 * width_), dbiases = call.gradient.part(state_biases_, 3 * width_);
    for (std::size_t t = places; t-- > 0;) {
        DeviceSpan dnext = at(dy, t, places);
        if (t + 1 < places) {
            backend.add(k.past, k.through, k.dnext);
            backend.add(k.dnext, dnext, k.dnext);
            dnext = k.dnext;
        }
        const DeviceSpan state = t > 0 ? at(y, t - 1, places) : k.before, dfrom_state = at(k.from_state, t, places);
        backend.gru_backward({.rows = call.rows, .width = width_}, state, at(k.gates, t, places), dnext, at(k.from_input, t, places), dfrom_state, k.past);
        if (t > 0) backend.dense_backward(of_state(call.rows), state, weights, dfrom_state, k.through, {}, {});
    }
    // The states before each place lie in y, but for the first place's: it is zero, and of that place only the biases' gradient counts.
    backend.dense_backward(of_state(call.rows), k.before, weights, at(k.from_state, 0, places), {}, dweights, dbiases);
    if (places > 1) {
        const std::size_t rest = (places - 1) * call.rows;
        backend.axpby(1, dbiases, 0, k.first_biases);
        backend.dense_backward(of_state(rest), y.part(0, rest * width_), weights, k.from_state.part(call.rows * 3 * width_, rest * 3 * width_), {}, dweights, dbiases);
        backend.axpby(1, k.first_biases, 1, dbiases);
    }
    backend.dense_backward(of_input(call.rows), x, call.shadow.part(input_weights_, in_.width * 3 * width_), k.from_input, dx,
                           call.gradient.part(input_weights_, in_.width * 3 * width_), call.gradient.part(input_biases_, 3 * width_));
}

}  // namespace grapevine::learn
