#include "grapevine/learn/network.hpp"

#include <cassert>
#include <cmath>
#include <string>

#include "purposes.hpp"

namespace grapevine::learn {

using kernels::Backend;
using kernels::DeviceSpan;

TensorTable Network::table(std::size_t features, std::span<const std::uint32_t> hidden, std::size_t classes) {
    TensorTable table;
    std::uint64_t inputs = features;
    const auto add_layer = [&](std::size_t number, std::uint64_t outputs) {
        table.add("w" + std::to_string(number), {inputs, outputs});
        table.add("b" + std::to_string(number), {outputs});
        inputs = outputs;
    };
    for (std::size_t l = 0; l < hidden.size(); ++l) add_layer(l + 1, hidden[l]);
    add_layer(hidden.size() + 1, classes);
    return table;
}

Network::Network(const TensorTable& table) {
    const auto& tensors = table.tensors();
    for (std::size_t i = 0; i + 1 < tensors.size(); i += 2) {
        const Tensor &w = tensors[i], &b = tensors[i + 1];
        layers_.push_back({w.shape[0], w.shape[1], w.offset, b.offset});
    }
    assert(!layers_.empty());
}

std::vector<float> Network::initial(const TensorTable& table, std::uint64_t seed) {
    std::vector<float> block(table.size());
    const Network network(table);
    for (std::size_t l = 0; l < network.layers_.size(); ++l) {
        const Layer& layer = network.layers_[l];
        const bool last = l + 1 == network.layers_.size();
        const double deviation = std::sqrt((last ? 1.0 : 2.0) / static_cast<double>(layer.inputs));
        Random random = stream(seed, Purpose::parameters).split(l);
        for (std::size_t i = 0; i < layer.inputs * layer.outputs; ++i)
            block[layer.weights + i] = static_cast<float>(deviation * random.normal());
    }
    return block;
}

std::size_t Network::pass_size(std::size_t rows, bool backward) const {
    std::size_t size = on_boundary(rows * features()) + on_boundary(rows * classes());
    for (std::size_t l = 0; l + 1 < layers_.size(); ++l)
        size += on_boundary(rows * layers_[l].outputs) * (backward ? 2 : 1);
    return size;
}

void Network::lay_out(std::size_t rows, bool backward, DeviceSpan memory, Pass& pass) const {
    assert(memory.size >= pass_size(rows, backward));
    std::size_t used = 0;
    const auto take = [&](std::size_t width) {
        const DeviceSpan taken = memory.part(used, width * rows);
        used += on_boundary(taken.size);
        return taken;
    };
    pass.outputs.clear();
    pass.deltas.clear();
    pass.outputs.push_back(take(features()));
    for (const Layer& layer : layers_) pass.outputs.push_back(take(layer.outputs));
    for (std::size_t l = 0; backward && l + 1 < layers_.size(); ++l) pass.deltas.push_back(take(layers_[l].outputs));
}

void Network::forward(Backend& backend, DeviceSpan parameters, Pass& pass) const {
    for (std::size_t l = 0; l < layers_.size(); ++l) {
        const Layer& layer = layers_[l];
        const DeviceSpan in = pass.outputs[l], out = pass.outputs[l + 1];
        backend.gemm({.m = in.size / layer.inputs, .n = layer.outputs, .k = layer.inputs}, in,
                     layer.weights_of(parameters), out);
        if (l + 1 < layers_.size())
            backend.bias_relu(layer.biases_of(parameters), out);
        else
            backend.bias(layer.biases_of(parameters), out);
    }
}

void Network::backward(Backend& backend, DeviceSpan parameters, Pass& pass, DeviceSpan gradient) const {
    for (std::size_t l = layers_.size(); l-- > 0;) backward(backend, l, parameters, pass, gradient);
}

void Network::backward(Backend& backend, std::size_t l, DeviceSpan parameters, Pass& pass, DeviceSpan gradient) const {
    const Layer& layer = layers_[l];
    const DeviceSpan in = pass.outputs[l];
    const std::size_t rows = in.size / layer.inputs;
    const bool last = l + 1 == layers_.size();
    const DeviceSpan delta = last ? pass.outputs[l + 1] : pass.deltas[l];  // (rows, outputs)
    if (last)
        backend.column_sums(delta, layer.biases_of(gradient));
    else
        backend.relu_backward(pass.outputs[l + 1], delta, layer.biases_of(gradient));
    backend.gemm({.m = layer.inputs, .n = layer.outputs, .k = rows, .transpose_a = true}, in, delta,
                 layer.weights_of(gradient));
    if (l > 0)
        backend.gemm({.m = rows, .n = layer.inputs, .k = layer.outputs, .transpose_b = true}, delta,
                     layer.weights_of(parameters), pass.deltas[l - 1]);
}

}  // namespace grapevine::learn
