#pragma once

#include <cassert>
#include <cstddef>

#include "grapevine/kernels/backend.hpp"
#include "grapevine/learn/tensor_table.hpp"

namespace grapevine::learn {

// Hands out a block of memory in parts, one after the other, each on 256 bytes. Without memory it only counts: so one function
// says how much is needed and, called again, where everything lies.
class Room {
public:
    Room() = default;
    explicit Room(kernels::DeviceSpan memory) : memory_(memory), real_(true) {}

    kernels::DeviceSpan floats(std::size_t count) { return {take(count), count}; }
    kernels::DeviceSpan elements(kernels::Element element, std::size_t count) {
        return {take(element == kernels::Element::float32 ? count : (count + 1) / 2), count, element};
    }
    kernels::IndexSpan indices(std::size_t count) { return {reinterpret_cast<std::int32_t*>(take(count)), count}; }

    std::size_t used() const { return used_; }  // floats

    // What comes after it.
    Room rest() const {
        Room room;
        if (real_) room = Room(memory_.part(used_, memory_.size - used_));
        return room;
    }

private:
    float* take(std::size_t count) {
        const std::size_t begin = used_;
        used_ += on_boundary(count);
        if (!real_) return nullptr;
        assert(used_ <= memory_.size);
        return memory_.data + begin;
    }

    kernels::DeviceSpan memory_;
    std::size_t used_ = 0;
    bool real_ = false;
};

}  // namespace grapevine::learn
