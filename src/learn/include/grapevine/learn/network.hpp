#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "grapevine/kernels/backend.hpp"
#include "grapevine/learn/tensor_table.hpp"

namespace grapevine::learn {

// A perceptron with hidden layers of ReLU units and softmax at the end; without hidden layers, multinomial
// logistic regression. Knows where its parameters lie in a block, and holds none.
class Network {
public:
    static TensorTable table(std::size_t features, std::span<const std::uint32_t> hidden, std::size_t classes);
    explicit Network(const TensorTable& table);  // one that table() made

    // The block to start from: weights normal with variance 2 / inputs before a ReLU (He et al. 2015), 1 / inputs
    // at the end; biases zero.
    static std::vector<float> initial(const TensorTable& table, std::uint64_t seed);

    // Memory that one pass over `rows` rows needs: the caller takes it from a backend, and lays the inputs at
    // outputs[0].
    struct Pass {
        std::vector<kernels::DeviceSpan> outputs;  // of layer l: outputs[l + 1], (rows, its width); the last: logits
        std::vector<kernels::DeviceSpan> deltas;   // gradients of the hidden outputs, shaped as they are
    };
    std::size_t pass_size(std::size_t rows, bool backward) const;  // floats
    void lay_out(std::size_t rows, bool backward, kernels::DeviceSpan memory, Pass& pass) const;

    // Inputs to logits.
    void forward(kernels::Backend& backend, kernels::DeviceSpan parameters, Pass& pass) const;

    // The gradient of the logits, which lies where they were, to that of all parameters, layer by layer from the
    // last. `gradient` has the parameters' layout; its gaps are left alone.
    void backward(kernels::Backend& backend, kernels::DeviceSpan parameters, Pass& pass,
                  kernels::DeviceSpan gradient) const;
    // The same for layer l alone, when those above are done. After it nothing below needs this layer's parameters.
    void backward(kernels::Backend& backend, std::size_t l, kernels::DeviceSpan parameters, Pass& pass,
                  kernels::DeviceSpan gradient) const;

    struct Layer {
        std::size_t inputs = 0, outputs = 0;
        std::uint64_t weights = 0, biases = 0;  // offsets of (inputs, outputs) and (outputs)

        kernels::DeviceSpan weights_of(kernels::DeviceSpan block) const { return block.part(weights, inputs * outputs); }
        kernels::DeviceSpan biases_of(kernels::DeviceSpan block) const { return block.part(biases, outputs); }
    };
    const std::vector<Layer>& layers() const { return layers_; }
    std::size_t features() const { return layers_.front().inputs; }
    std::size_t classes() const { return layers_.back().outputs; }

private:
    std::vector<Layer> layers_;
};

}  // namespace grapevine::learn
