#include "pooling.hpp"

#include <cassert>

namespace grapevine::learn {

using kernels::DeviceSpan;

LargestPooling::LargestPooling(const Extent& in) : in_(in) { assert(in.picture.height >= 2 && in.picture.width >= 2); }

void LargestPooling::forward(const Call& call, Room, DeviceSpan x, DeviceSpan y) const { call.backend.pool_largest(of(call.rows), x, y); }

void LargestPooling::backward(const Call& call, Room, DeviceSpan x, DeviceSpan y, DeviceSpan dy, DeviceSpan dx) const {
    if (dx) call.backend.pool_largest_backward(of(call.rows), x, y, dy, dx);
}

void MeanPooling::forward(const Call& call, Room, DeviceSpan x, DeviceSpan y) const { call.backend.pool_mean(call.rows, in_.places, x, y); }

void MeanPooling::backward(const Call& call, Room, DeviceSpan x, DeviceSpan, DeviceSpan dy, DeviceSpan dx) const {
    if (dx) call.backend.pool_mean_backward(call.rows, in_.places, x, in_.relu, dy, dx);
}

}  // namespace grapevine::learn
