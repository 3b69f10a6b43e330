#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "grapevine/kernels/backend.hpp"
#include "grapevine/learn/room.hpp"
#include "grapevine/learn/tensor_table.hpp"
#include "grapevine/random.hpp"
#include "grapevine/snapshot.hpp"

namespace grapevine::learn {

// What goes from one layer to the next, for each row of a batch: `places` times `width` numbers. A picture's places are its pixels
// and its width their channels; a vector has one place.
struct Extent {
    std::size_t places = 1, width = 0;
    kernels::Picture picture;  // of a picture
    bool relu = false;         // it has gone through ReLU: whoever makes a gradient of it masks that where it is 0

    std::size_t size() const { return places * width; }
    static Extent of(kernels::Picture p, bool relu = false) { return {p.height * p.width, p.channels, p, relu}; }
};

// What all layers of a pass share.
struct Call {
    kernels::Backend& backend;
    std::size_t rows;                // of the batch
    bool backward;                   // whether the way back is taken too: then what it needs is kept
    kernels::DeviceSpan parameters, shadow, gradient;  // whole blocks; Pass says what they are
    kernels::IndexSpan words;        // inputs of models that take words
};

// A part of a model: x (rows, its input's size) to y (rows, output().size()). Says where its parameters lie, and holds none.
//
// Between the way there and the way back it keeps what it needs in memory of the caller's: keep() takes its parts of a Room, and
// forward() and backward() take the same ones of a Room that begins at the same place.
class Layer {
public:
    virtual ~Layer() = default;

    virtual Extent output() const = 0;
    virtual Range parameters() const { return {0, 0}; }                        // of the block
    virtual void draw(std::span<float> block, Random random) const { (void)block, (void)random; }  // initial parameters; the block is zero
    virtual double flops() const { return 0; }                                  // of products, for one row, on the way there

    virtual void keep(Room& room, kernels::Element element, std::size_t rows, bool backward) const { (void)room, (void)element, (void)rows, (void)backward; }
    virtual void forward(const Call& call, Room kept, kernels::DeviceSpan x, kernels::DeviceSpan y) const = 0;
    // dy: as it comes, masked already where output().relu; it is not changed. dx may be empty: then nobody wants it.
    virtual void backward(const Call& call, Room kept, kernels::DeviceSpan x, kernels::DeviceSpan y, kernels::DeviceSpan dy, kernels::DeviceSpan dx) const = 0;
};
using Layers = std::vector<std::unique_ptr<Layer>>;

// Of a layer's tensors in the table: all of them lie one after the other.
Range joined(const Range& a, const Range& b);

}  // namespace grapevine::learn
