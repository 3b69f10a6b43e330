#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "grapevine/config/config.hpp"
#include "grapevine/kernels/backend.hpp"
#include "grapevine/learn/dataset.hpp"
#include "grapevine/learn/room.hpp"
#include "grapevine/learn/tensor_table.hpp"
#include "grapevine/random.hpp"
#include "grapevine/snapshot.hpp"

namespace grapevine::learn {

// One way through a model and back, over some rows: what it reads and where it works. The caller owns all of it.
struct Pass {
    kernels::Backend& backend;
    const Dataset& set;
    const Kept& kept;                 // the same set, where the device reads it
    std::size_t rows;
    bool backward;                    // whether the way back is taken too
    kernels::IndexSpan staged;        // (indices_per_row, rows), of stage()
    kernels::DeviceSpan parameters;   // the block
    kernels::DeviceSpan shadow;       // the same as products want it: Backend::shadow()
    kernels::DeviceSpan gradient;     // the way back: of the block; its gaps are left alone
    kernels::DeviceSpan memory;       // of memory() floats; what forward() leaves there backward() needs
};

// What is trained by following a gradient. Knows where its parameters lie in a block and how to go through them; holds none, and
// no state: all learners of a process share one.
class Model {
public:
    virtual ~Model() = default;

    const TensorTable& table() const { return table_; }

    // The block to start from.
    virtual std::vector<float> initial(std::uint64_t seed) const = 0;

    // What the device must be told of each row of a batch, made on the host: by these numbers it finds everything in the kept set.
    // random: for what is drawn anew each time (moves of a picture, negative samples); null where nothing is to be drawn, in
    // an evaluation. to (indices_per_row, rows): first the rows' own numbers.
    virtual std::size_t indices_per_row() const { return 1; }
    virtual void stage(const Dataset& set, std::span<const std::uint32_t> rows, Random* random, std::span<std::int32_t> to) const;

    virtual std::size_t memory(kernels::Element element, std::size_t rows, bool backward) const = 0;  // floats

    // Inputs to outputs (rows, outputs()): of a classifier its logits.
    virtual kernels::DeviceSpan forward(const Pass& pass) const = 0;
    virtual std::size_t outputs() const = 0;  // of each row
    // After forward(): adds to the backend's losses, and the outputs become their gradient.
    virtual void lose(const Pass& pass) const = 0;
    // How many terms of the loss a row has: 1, or the places of a text.
    virtual std::size_t losses_per_row() const { return 1; }

    // The way back goes by stages, the last one first; stages() - 1 begins with the outputs' gradient. Each writes the gradient of its
    // own run of parameters, and after it nothing needs these parameters any more.
    virtual std::size_t stages() const = 0;
    virtual Range parameters_of(std::size_t stage) const = 0;
    virtual void backward(const Pass& pass, std::size_t stage) const = 0;
    void backward(const Pass& pass) const {
        for (std::size_t stage = stages(); stage-- > 0;) backward(pass, stage);
    }

    // Of products, as everybody counts: two for each multiplication and its addition. Of one row.
    virtual double forward_flops() const = 0;
    virtual double step_flops() const = 0;  // there and back

protected:
    TensorTable table_;
};

// The model of a config that follows gradients. What it cannot be for such data is an error.
std::variant<std::shared_ptr<const Model>, Error> make_model(const config::Config& config, const DataShape& data);

}  // namespace grapevine::learn
