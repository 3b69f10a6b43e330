// Which layers each kind of model is made of.
#include <cassert>
#include <string>
#include <utility>

#include "grapevine/learn/model.hpp"
#include "grapevine/learn/network.hpp"
#include "layers/convolution.hpp"
#include "layers/dense.hpp"
#include "layers/pooling.hpp"
#include "layers/residual.hpp"

namespace grapevine::learn {
namespace {

using Built = std::variant<std::shared_ptr<const Model>, Error>;

// Hidden layers of ReLU units, and outputs: w1, b1, w2, ...
Built perceptron(const DataShape& data, std::span<const std::uint32_t> hidden, Network::Loss loss, Augment augment) {
    TensorTable table;
    Layers layers;
    Extent extent{1, data.features, {}, false};
    const auto add = [&](std::size_t outputs, bool relu) {
        const std::string number = std::to_string(layers.size() + 1);
        layers.push_back(std::make_unique<Dense>(table, "w" + number, "b" + number, extent, outputs, relu));
        extent = layers.back()->output();
    };
    for (const std::uint32_t units : hidden) add(units, true);
    add(data.classes, false);
    return std::make_shared<Network>(std::move(table), std::move(layers), data, Network::Input::numbers, loss, augment);
}

std::string size_of(const kernels::Picture& p) { return std::to_string(p.height) + " x " + std::to_string(p.width); }

// For each number of channels a convolution of 3 x 3 with ReLU and pooling to half the size; then dense layers: conv1, conv2, ...,
// dense1, ..., out. Residual: a convolution, stem, then for each number of channels a block, block1, block2, ..., the first of which keeps
// the stem's; the mean over all pixels; dense layers.
Built convolutional(const DataShape& data, const config::Model& model, Augment augment) {
    TensorTable table;
    Layers layers;
    Extent extent = Extent::of(data.picture);
    const auto add = [&](std::unique_ptr<Layer> layer) {
        extent = layer->output();
        layers.push_back(std::move(layer));
    };
    const auto named = [](const char* what, std::size_t i) { return what + std::to_string(i + 1); };
    if (model.residual) add(std::make_unique<Convolution>(table, "stem", extent, Convolution::Shape{.outputs = model.channels.front()}));
    for (std::size_t i = 0; i < model.channels.size(); ++i) {
        const std::size_t channels = model.channels[i];
        if (model.residual) {
            add(std::make_unique<Residual>(table, named("block", i), extent, channels, model.channels.size()));
            continue;
        }
        if (extent.picture.height < 2 || extent.picture.width < 2)
            return Error{"each of the " + std::to_string(model.channels.size()) + " convolutions halves the picture, and of " + size_of(data.picture) +
                             " nothing is left after " + std::to_string(i),
                         "fewer numbers in [model] channels, or residual = true, which halves only where they change"};
        add(std::make_unique<Convolution>(table, named("conv", i), extent, Convolution::Shape{.outputs = channels}));
        add(std::make_unique<LargestPooling>(extent));
    }
    if (model.residual) add(std::make_unique<MeanPooling>(extent));
    extent = flat(extent);
    for (std::size_t i = 0; i < model.hidden.size(); ++i)
        add(std::make_unique<Dense>(table, named("dense", i) + ".w", named("dense", i) + ".b", extent, model.hidden[i], true));
    add(std::make_unique<Dense>(table, "out.w", "out.b", extent, data.classes, false));
    return std::make_shared<Network>(std::move(table), std::move(layers), data, Network::Input::numbers, Network::Loss::softmax, augment);
}

}  // namespace

Built make_model(const config::Config& config, const DataShape& data) {
    using Kind = config::ModelKind;
    const Augment augment{config.data.shift, config.data.mirror};
    const bool pictures = data.picture.size() > 0;
    if (augment && !pictures) return Error{"these data are no pictures, and only pictures can be moved and turned over", "take 'augment' out of [data]"};
    if (config.model.kind == Kind::cnn && !pictures)
        return Error{"a cnn looks at pictures, and these data are none", "kind = \"mlp\" takes any numbers; set = \"fashion-mnist\" are pictures"};
    switch (config.model.kind) {
        case Kind::logistic: return perceptron(data, {}, Network::Loss::softmax, augment);
        case Kind::svm: return perceptron(data, {}, Network::Loss::hinge, augment);
        case Kind::mlp: return perceptron(data, config.model.hidden, Network::Loss::softmax, augment);
        case Kind::cnn: return convolutional(data, config.model, augment);
        default: break;
    }
    assert(false && "no model that follows gradients");
    return Error{};
}

}  // namespace grapevine::learn
