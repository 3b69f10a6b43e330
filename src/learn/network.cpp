#include "grapevine/learn/network.hpp"

#include <cassert>
#include <utility>

#include "layers/sequence.hpp"
#include "purposes.hpp"

namespace grapevine::learn {

using kernels::DeviceSpan;
using kernels::Element;
using kernels::IndexSpan;

void Model::stage(const Dataset&, std::span<const std::uint32_t> rows, Random*, std::span<std::int32_t> to) const {
    for (std::size_t i = 0; i < rows.size(); ++i) to[i] = static_cast<std::int32_t>(rows[i]);
}

struct Network::Places {
    DeviceSpan inputs, outputs;
    IndexSpan words, targets;
    Room layers;
};

Network::Network(TensorTable table, Layers layers, const DataShape& data, Input input, Loss loss, Augment augment)
    : layers_(std::make_unique<Sequence>(std::move(layers))), data_(data), input_(input), loss_(loss), augment_(augment) {
    table_ = std::move(table);
    assert(!augment || data.picture.size() == data.features);
}

Network::~Network() = default;

std::vector<float> Network::initial(std::uint64_t seed) const {
    std::vector<float> block(table_.size());
    layers_->draw(block, stream(seed, Purpose::parameters));
    return block;
}

void Network::stage(const Dataset& set, std::span<const std::uint32_t> rows, Random* random, std::span<std::int32_t> to) const {
    Model::stage(set, rows, random, to);
    if (!augment_) return;
    constexpr std::int32_t middle = 128;  // as Backend::gather_moved() has it
    for (std::size_t i = 0; i < rows.size(); ++i) {
        std::int32_t down = 0, right = 0, mirrored = 0;
        if (random) {
            const auto drawn = [&] { return static_cast<std::int32_t>(random->below(2 * augment_.shift + 1)) - static_cast<std::int32_t>(augment_.shift); };
            down = drawn();
            right = drawn();
            if (augment_.mirror) mirrored = static_cast<std::int32_t>(random->below(2));
        }
        to[rows.size() + i] = (down + middle) | (right + middle) << 8 | mirrored << 16;
    }
}

Network::Places Network::places(Room& room, Element element, std::size_t rows) const {
    Places p;
    const std::size_t length = losses_per_row();
    if (input_ == Input::numbers) p.inputs = room.elements(element, rows * data_.features);
    else p.words = room.indices(rows * length);
    p.targets = room.indices(rows * length);
    p.outputs = room.elements(element, rows * outputs());
    p.layers = room.rest();
    return p;
}

std::size_t Network::memory(Element element, std::size_t rows, bool backward) const {
    Room room;
    places(room, element, rows);
    Room layers;
    layers_->keep(layers, element, rows, backward);
    return room.used() + layers.used();
}

std::size_t Network::outputs() const { return layers_->output().size(); }
std::size_t Network::losses_per_row() const { return input_ == Input::numbers ? 1 : layers_->output().places; }
std::size_t Network::stages() const { return layers_->layers().size(); }
Range Network::parameters_of(std::size_t stage) const { return layers_->layers()[stage]->parameters(); }

namespace {
Call call_of(const Pass& pass, IndexSpan words) { return {pass.backend, pass.rows, pass.backward, pass.parameters, pass.shadow, pass.gradient, words}; }
}  // namespace

DeviceSpan Network::forward(const Pass& pass) const {
    Room room(pass.memory);
    const Places p = places(room, pass.backend.element(), pass.rows);
    const IndexSpan rows = pass.staged.part(0, pass.rows);
    if (input_ != Input::numbers)
        pass.backend.take(pass.kept.values, losses_per_row(), pass.set.step(), 0, rows, input_ == Input::text_by_place, p.words);
    else if (augment_)
        pass.backend.gather_moved(pass.kept.values, data_.picture, rows, pass.staged.part(pass.rows, pass.rows), pass.set.normalisation, p.inputs);
    else
        pass.backend.gather(pass.kept.values, data_.features, pass.set.step(), rows, pass.set.normalisation, p.inputs);
    layers_->forward(call_of(pass, p.words), p.layers, p.inputs, p.outputs);
    return p.outputs;
}

void Network::lose(const Pass& pass) const {
    Room room(pass.memory);
    const Places p = places(room, pass.backend.element(), pass.rows);
    const IndexSpan rows = pass.staged.part(0, pass.rows);
    if (input_ == Input::numbers) pass.backend.take(pass.kept.labels, 1, 1, 0, rows, false, p.targets);
    else pass.backend.take(pass.kept.values, losses_per_row(), pass.set.step(), 1, rows, input_ == Input::text_by_place, p.targets);
    const std::size_t classes = layers_->output().width;
    if (loss_ == Loss::softmax) pass.backend.softmax_cross_entropy(classes, p.targets, p.outputs);
    else pass.backend.hinge(classes, p.targets, p.outputs);
}

// The gradient of the outputs lies where they were.
void Network::backward(const Pass& pass, std::size_t stage) const {
    Room room(pass.memory);
    const Places p = places(room, pass.backend.element(), pass.rows);
    layers_->backward(stage, call_of(pass, p.words), p.layers, p.inputs, p.outputs, p.outputs, {});
}

double Network::forward_flops() const { return layers_->flops(); }

// A product on the way there is two on the way back, but for the gradient of the inputs, which nobody wants.
double Network::step_flops() const { return 3 * layers_->flops() - layers_->layers().front()->flops(); }

}  // namespace grapevine::learn
