// Which layers each kind of model is made of.
#include <cassert>
#include <cmath>
#include <optional>
#include <string>
#include <utility>

#include "factors.hpp"
#include "grapevine/learn/model.hpp"
#include "grapevine/learn/network.hpp"
#include "layers/attention.hpp"
#include "layers/convolution.hpp"
#include "layers/dense.hpp"
#include "layers/embedding.hpp"
#include "layers/gelu.hpp"
#include "layers/normalisation.hpp"
#include "layers/pooling.hpp"
#include "layers/recurrent.hpp"
#include "layers/residual.hpp"
#include "layers/skip.hpp"
#include "skipgram.hpp"

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

// Bytes as rows of a table, embed; GRUs one on the other, gru1, gru2, ...; outputs, out.
Built recurrent(const DataShape& data, const config::Model& model) {
    TensorTable table;
    Layers layers;
    layers.push_back(std::make_unique<Embedding>(table, "embed", Embedding::Shape{data.classes, data.length, model.width, false}, 1 / std::sqrt(model.width)));
    for (std::uint32_t l = 1; l <= model.layers; ++l)
        layers.push_back(std::make_unique<Recurrent>(table, "gru" + std::to_string(l), layers.back()->output(), model.width));
    layers.push_back(std::make_unique<Dense>(table, "out.w", "out.b", layers.back()->output(), data.classes, false));
    return std::make_shared<Network>(std::move(table), std::move(layers), data, Network::Input::text_by_place, Network::Loss::softmax);
}

// A decoder-only transformer as GPT-2 (Radford et al. 2019): bytes and places as rows of tables, embed; blocks of attention and of two
// dense layers with GELU between them, each behind a normalisation and beside a way past it, block1.attention and block1.dense, ...; a
// normalisation, last; outputs, out. Weights start normal with a deviation of 0.02; those that add to the way past, divided by the
// root of how many there are.
Built transformer(const DataShape& data, const config::Model& model) {
    constexpr double deviation = 0.02;
    if (model.width % model.heads != 0)
        return Error{"a width of " + std::to_string(model.width) + " does not divide into " + std::to_string(model.heads) + " heads", "a width that is a multiple of heads"};
    TensorTable table;
    Layers layers;
    const auto dense = [&](const std::string& name, Extent in, std::size_t outputs, double share = 1) {
        return std::make_unique<Dense>(table, name + ".w", name + ".b", in, outputs, false, share * deviation * std::sqrt(static_cast<double>(in.width)));
    };
    layers.push_back(std::make_unique<Embedding>(table, "embed", Embedding::Shape{data.classes, data.length, model.width, true}, deviation));
    const Extent extent = layers.back()->output();
    const double share = 1 / std::sqrt(2.0 * model.layers);
    for (std::uint32_t l = 1; l <= model.layers; ++l) {
        const std::string block = "block" + std::to_string(l);
        Layers attention, wide;
        attention.push_back(std::make_unique<Normalisation>(table, block + ".attention.norm", extent));
        attention.push_back(dense(block + ".attention.in", extent, 3 * model.width));
        attention.push_back(std::make_unique<Attention>(attention.back()->output(), model.heads));
        attention.push_back(dense(block + ".attention.out", extent, model.width, share));
        layers.push_back(std::make_unique<Skip>(std::move(attention)));
        wide.push_back(std::make_unique<Normalisation>(table, block + ".dense.norm", extent));
        wide.push_back(dense(block + ".dense.in", extent, 4 * model.width));
        wide.push_back(std::make_unique<Gelu>(wide.back()->output()));
        wide.push_back(dense(block + ".dense.out", wide.back()->output(), model.width, share));
        layers.push_back(std::make_unique<Skip>(std::move(wide)));
    }
    layers.push_back(std::make_unique<Normalisation>(table, "last", extent));
    layers.push_back(dense("out", extent, data.classes));
    return std::make_shared<Network>(std::move(table), std::move(layers), data, Network::Input::text, Network::Loss::softmax);
}

// Error, unless the data are what the model reads.
std::optional<Error> mismatch(const config::Model& model, const DataShape& data) {
    if (model.reads_text() == (data.length > 0)) return {};
    if (model.reads_text()) return Error{"this model reads texts, and these data are none", "set = \"kjv\", or format = \"text\" with files, in [data]"};
    return Error{"these data are a text, which this model does not read", "kind = \"gru\" or \"transformer\" in [model]"};
}

Built factors(const DataShape& data, std::size_t rank) {
    constexpr double most_parameters = 1 << 30;
    if (static_cast<double>(data.users + data.items) * static_cast<double>(rank + 1) > most_parameters)
        return Error{"vectors of " + std::to_string(data.users) + " users and " + std::to_string(data.items) + " items have more than 2^30 parameters", "[model] rank = 8, or fewer of them"};
    return std::make_shared<Factors>(data, rank);
}

}  // namespace

Built make_model(const config::Config& config, const DataShape& data) {
    using Kind = config::ModelKind;
    if (auto error = mismatch(config.model, data)) return std::move(*error);
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
        case Kind::gru: return recurrent(data, config.model);
        case Kind::transformer: return transformer(data, config.model);
        case Kind::factors: return factors(data, config.model.rank);
        case Kind::skipgram: return std::make_shared<Skipgram>(data, config.model.vocabulary, config.model.rank, config.model.window, config.model.negatives);
        default: break;
    }
    assert(false && "no model that follows gradients");
    return Error{};
}

}  // namespace grapevine::learn
