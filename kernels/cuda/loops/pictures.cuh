#pragma once

#include "common.cuh"

// Pictures: what kernels see of them, and pooling. On the way back each pixel collects what comes to it, in a fixed order.
namespace grapevine::kernels::device {

// columns (rows * out pixels, side * side * channels) = what each kernel sees. size: of columns.
template <class Value>
__global__ void unfold(Convolution s, std::size_t size, std::size_t out_height, std::size_t out_width, const Value* x, Value* columns) {
    const std::size_t channels = s.in.channels, seen = s.side * s.side * channels;
    for (std::size_t at = first_index(); at < size; at += stride()) {
        const std::size_t pixel = at / seen, in = at % seen, k = in % channels, b = in / channels % s.side, a = in / channels / s.side;
        const std::size_t j = pixel % out_width, i = pixel / out_width % out_height, row = pixel / out_width / out_height;
        const std::size_t r = i * s.stride + a - s.padding, c = j * s.stride + b - s.padding;  // wraps outside
        const bool inside = r < s.in.height && c < s.in.width;
        columns[at] = inside ? x[((row * s.in.height + r) * s.in.width + c) * channels + k] : made<Value>(0);
    }
}

// And back, added up. size: of x.
template <class Value>
__global__ void fold(Convolution s, std::size_t size, std::size_t out_height, std::size_t out_width, const Value* columns, const Value* masked_by, Value* x) {
    const std::size_t channels = s.in.channels, seen = s.side * s.side * channels;
    for (std::size_t at = first_index(); at < size; at += stride()) {
        const std::size_t k = at % channels, c = at / channels % s.in.width, r = at / channels / s.in.width % s.in.height, row = at / channels / s.in.width / s.in.height;
        float sum = 0;
        for (std::size_t a = 0; a < s.side; ++a) {
            const std::size_t i = r + s.padding - a;  // wraps where there is none
            if (i % s.stride != 0 || i / s.stride >= out_height) continue;
            for (std::size_t b = 0; b < s.side; ++b) {
                const std::size_t j = c + s.padding - b;
                if (j % s.stride != 0 || j / s.stride >= out_width) continue;
                const std::size_t pixel = (row * out_height + i / s.stride) * out_width + j / s.stride;
                sum += as_float(columns[pixel * seen + (a * s.side + b) * channels + k]);
            }
        }
        x[at] = masked_by && as_float(masked_by[at]) == 0 ? made<Value>(0) : made<Value>(sum);
    }
}

// size: of y.
template <class Value>
__global__ void pool_largest(Pooling s, std::size_t size, std::size_t out_height, std::size_t out_width, const Value* x, Value* y) {
    const std::size_t channels = s.in.channels;
    for (std::size_t at = first_index(); at < size; at += stride()) {
        const std::size_t k = at % channels, j = at / channels % out_width, i = at / channels / out_width % out_height, row = at / channels / out_width / out_height;
        const Value* const corner = x + ((row * s.in.height + i * s.stride) * s.in.width + j * s.stride) * channels + k;
        float top = as_float(corner[0]);
        for (std::size_t a = 0; a < s.side; ++a)
            for (std::size_t b = 0; b < s.side; ++b) {
                const float value = as_float(corner[(a * s.in.width + b) * channels]);
                top = value <= top || top != top ? top : value;  // what is no number is seen, wherever it lies
            }
        y[at] = made<Value>(top);
    }
}

// To the first of equals: a pixel has a square's gradient if it is the largest and none before it is. size: of x.
template <class Value>
__global__ void pool_largest_backward(Pooling s, std::size_t size, std::size_t out_height, std::size_t out_width, const Value* x, const Value* y, const Value* dy,
                                      Value* dx) {
    const std::size_t channels = s.in.channels;
    for (std::size_t at = first_index(); at < size; at += stride()) {
        const std::size_t k = at % channels, c = at / channels % s.in.width, r = at / channels / s.in.width % s.in.height, row = at / channels / s.in.width / s.in.height;
        const float mine = as_float(x[at]);
        float sum = 0;
        const std::size_t first_i = r < s.side ? 0 : (r - s.side) / s.stride + 1, first_j = c < s.side ? 0 : (c - s.side) / s.stride + 1;
        for (std::size_t i = first_i; i < out_height && i * s.stride <= r; ++i)
            for (std::size_t j = first_j; j < out_width && j * s.stride <= c; ++j) {
                const std::size_t out = ((row * out_height + i) * out_width + j) * channels + k;
                if (mine != as_float(y[out])) continue;
                const Value* const corner = x + ((row * s.in.height + i * s.stride) * s.in.width + j * s.stride) * channels + k;
                const std::size_t mine_at = (r - i * s.stride) * s.side + (c - j * s.stride);
                bool first = true;
                for (std::size_t before = 0; before < mine_at && first; ++before)
                    first = as_float(corner[(before / s.side * s.in.width + before % s.side) * channels]) != mine;
                if (first) sum += as_float(dy[out]);
            }
        dx[at] = made<Value>(sum);
    }
}

template <class Value>
__global__ void pool_mean(std::size_t size, std::size_t pixels, std::size_t channels, const Value* x, Value* y) {
    for (std::size_t at = first_index(); at < size; at += stride()) {
        float sum = 0;
        for (std::size_t p = 0; p < pixels; ++p) sum += as_float(x[(at / channels * pixels + p) * channels + at % channels]);
        y[at] = made<Value>(sum / static_cast<float>(pixels));
    }
}

template <class Value>
__global__ void pool_mean_backward(std::size_t size, std::size_t pixels, std::size_t channels, const Value* masked_by, const Value* dy, Value* dx) {
    const float share = 1 / static_cast<float>(pixels);
    for (std::size_t at = first_index(); at < size; at += stride()) {
        const float d = as_float(dy[at / channels / pixels * channels + at % channels]);
        dx[at] = made<Value>(masked_by && as_float(masked_by[at]) == 0 ? 0 : share * d);
    }
}

}  // namespace grapevine::kernels::device
