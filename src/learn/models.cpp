// Which layers each kind of model is made of.
#include <cassert>
#include <string>
#include <utility>

#include "grapevine/learn/model.hpp"
#include "grapevine/learn/network.hpp"
#include "layers/dense.hpp"

namespace grapevine::learn {
namespace {

using Built = std::variant<std::shared_ptr<const Model>, Error>;

// Hidden layers of ReLU units, and outputs: w1, b1, w2, ...
Built perceptron(const DataShape& data, std::span<const std::uint32_t> hidden, Network::Loss loss) {
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
    return std::make_shared<Network>(std::move(table), std::move(layers), data, Network::Input::numbers, loss);
}

}  // namespace

Built make_model(const config::Config& config, const DataShape& data) {
    using Kind = config::ModelKind;
    switch (config.model.kind) {
        case Kind::logistic: return perceptron(data, {}, Network::Loss::softmax);
        case Kind::mlp: return perceptron(data, config.model.hidden, Network::Loss::softmax);
        default: break;
    }
    assert(false && "no model that follows gradients");
    return Error{};
}

}  // namespace grapevine::learn
