#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "grapevine/learn/model.hpp"

namespace grapevine::learn {

class Sequence;
class Layer;

struct Augment {                       // of pictures, when they are trained on
    std::uint32_t shift = 0;           // by up to so many pixels each way, evenly drawn
    bool mirror = false;               // left and right change sides, half of the time
    explicit operator bool() const { return shift > 0 || mirror; }
};

// Layers one after the other, from a row of numbers, a picture or a text to the outputs of a classifier. The first and the last layer
// of a text's model see a row as its places: all bytes but its last go in, all but its first are wanted.
class Network final : public Model {
public:
    enum class Input { numbers, text, text_by_place };  // by place: all rows' first words, then all their second ones
    enum class Loss { softmax, hinge };
    // table: where the layers lie. The last layer's width is the number of classes.
    Network(TensorTable table, std::vector<std::unique_ptr<Layer>> layers, const DataShape& data, Input input, Loss loss, Augment augment = {});
    ~Network() override;

    std::vector<float> initial(std::uint64_t seed) const override;
    std::size_t indices_per_row() const override { return augment_ ? 2 : 1; }
    void stage(const Dataset& set, std::span<const std::uint32_t> rows, Random* random, std::span<std::int32_t> to) const override;
    std::size_t memory(kernels::Element element, std::size_t rows, bool backward) const override;
    kernels::DeviceSpan forward(const Pass& pass) const override;
    std::size_t outputs() const override;
    void lose(const Pass& pass) const override;
    std::size_t losses_per_row() const override;
    std::size_t stages() const override;
    Range parameters_of(std::size_t stage) const override;
    void backward(const Pass& pass, std::size_t stage) const override;
    using Model::backward;
    double forward_flops() const override;
    double step_flops() const override;

private:
    struct Places;  // where in a pass's memory everything lies
    Places places(Room& room, kernels::Element element, std::size_t rows) const;

    std::unique_ptr<Sequence> layers_;
    DataShape data_;
    Input input_;
    Loss loss_;
    Augment augment_;
};

}  // namespace grapevine::learn
