#include "convolution.hpp"

#include <algorithm>
#include <cstring>

#include "clones.hpp"
#include "memory.hpp"
#include "tiles.hpp"
#include "vectors.hpp"

// A row of outputs is a product: pixel j sees `side` runs of side * channels numbers, each a row of the picture further down, and the
// weights of a run are as many rows of a matrix. So nothing is unfolded; a picture is only copied into a frame of zeros.
namespace grapevine::kernels {
namespace {

thread_local Workspace workspace;

// A picture with zeros around it.
struct Framed {
    std::size_t width, size;  // floats of a row, of all

    explicit Framed(const Convolution& s)
        : width((s.in.width + 2 * s.padding) * s.in.channels), size((s.in.height + 2 * s.padding) * width) {}

    // The picture itself where there is nothing to put around it.
    const float* in(const Convolution& s, const float* x, float* memory) const {
        if (s.padding == 0) return x;
        const std::size_t row = s.in.width * s.in.channels, margin = s.padding * s.in.channels, above = s.padding * width;
        std::memset(memory, 0, (above + margin) * sizeof(float));
        float* to = memory + above + margin;
        for (std::size_t i = 0; i < s.in.height; ++i, x += row, to += width) {
            std::memcpy(to, x, row * sizeof(float));
            std::memset(to + row, 0, (i + 1 < s.in.height ? 2 * margin : margin + above) * sizeof(float));
        }
        return memory;
    }
};

// Rows of whole vectors, which tiles read: the matrix itself, or a copy of it.
const float* padded(const float* matrix, std::size_t rows, std::size_t columns, float* copy) {
    const std::size_t width = whole_vectors(columns);
    if (width == columns) return matrix;
    for (std::size_t i = 0; i < rows; ++i) {
        std::memcpy(copy + i * width, matrix + i * columns, columns * sizeof(float));
        std::memset(copy + i * width + columns, 0, (width - columns) * sizeof(float));
    }
    return copy;
}

// Adds what the kernels of one picture saw, (pixels, side, side, channels), to the frame where they saw it, run by run.
GRAPEVINE_FOR_EVERY_PROCESSOR
void fold(const Convolution& s, const Framed& framed, const float* columns, float* to) {
    const Picture out = s.out();
    const std::size_t run = s.side * s.in.channels;
    for (std::size_t i = 0; i < out.height; ++i)
        for (std::size_t j = 0; j < out.width; ++j)
            for (std::size_t a = 0; a < s.side; ++a, columns += run) {
                float* __restrict const there = to + (i * s.stride + a) * framed.width + j * s.stride * s.in.channels;
                for (std::size_t k = 0; k < run; ++k) there[k] += columns[k];
            }
}

// The picture without its frame, and 0 where the mask is.
GRAPEVINE_FOR_EVERY_PROCESSOR
void unframe(const Convolution& s, const Framed& framed, const float* __restrict from, const float* mask, float* __restrict x) {
    const std::size_t row = s.in.width * s.in.channels;
    from += s.padding * (framed.width + s.in.channels);
    for (std::size_t i = 0; i < s.in.height; ++i, from += framed.width, x += row) {
        if (!mask) {
            std::memcpy(x, from, row * sizeof(float));
            continue;
        }
        for (std::size_t k = 0; k < row; ++k) x[k] = mask[k] == 0 ? 0 : from[k];
        mask += row;
    }
}

}  // namespace

void convolve(const Convolution& s, const float* x, const float* weights, const float* biases, float* y) {
    const Framed framed(s);
    const Picture out = s.out();
    const std::size_t run = s.side * s.in.channels, width = whole_vectors(s.outputs), row = out.width * s.outputs, frame_size = on_line(framed.size);
    float* const memory = workspace.floats(frame_size + s.side * run * width);
    weights = padded(weights, s.side * run, s.outputs, memory + frame_size);
    for (std::size_t n = 0; n < s.rows; ++n, x += s.in.size()) {
        const float* const picture = framed.in(s, x, memory);
        for (std::size_t i = 0; i < out.height; ++i, y += row)
            multiply({.m = out.width, .n = s.outputs, .outer = s.side, .inner = run,
                      .a = picture + i * s.stride * framed.width, .a_row = s.stride * s.in.channels, .a_outer = framed.width, .a_inner = 1,
                      .b = weights, .b_outer = run * width, .b_inner = width, .c = y, .c_row = s.outputs, .biases = biases, .relu = s.relu});
    }
}

void convolve_back_to_input(const Convolution& s, const float* x, const float* weights, const float* dy, float* dx) {
    const Framed framed(s);
    const Picture out = s.out();
    const std::size_t seen = s.side * s.side * s.in.channels, width = whole_vectors(seen), pixels = out.height * out.width;
    float *const across = workspace.floats(s.outputs * width + on_line(pixels * seen) + framed.size);
    float *const columns = across + s.outputs * width, *const picture = columns + on_line(pixels * seen);
    for (std::size_t o = 0; o < s.outputs; ++o)
        for (std::size_t i = 0; i < width; ++i) across[o * width + i] = i < seen ? weights[i * s.outputs + o] : 0;
    for (std::size_t n = 0; n < s.rows; ++n, dy += out.size(), dx += s.in.size(), x += s.in.size()) {
        multiply({.m = pixels, .n = seen, .inner = s.outputs, .a = dy, .a_row = s.outputs, .a_inner = 1, .b = across, .b_inner = width, .c = columns, .c_row = seen});
        std::memset(picture, 0, framed.size * sizeof(float));
        fold(s, framed, columns, picture);
        unframe(s, framed, picture, s.x_is_relu ? x : nullptr, dx);
    }
}

void convolve_back_to_weights(const Convolution& s, const float* x, const float* dy, float* dweights) {
    const Framed framed(s);
    const Picture out = s.out();
    const std::size_t run = s.side * s.in.channels, width = whole_vectors(s.outputs), frame_size = on_line(framed.size), pixels = out.height * out.width;
    float *const memory = workspace.floats(frame_size + pixels * width), *const copy = memory + frame_size;
    for (std::size_t n = 0; n < s.rows; ++n, x += s.in.size(), dy += out.size()) {
        const float *const picture = framed.in(s, x, memory), *const gradient = padded(dy, pixels, s.outputs, copy);
        for (std::size_t a = 0; a < s.side; ++a)
            multiply({.m = run, .n = s.outputs, .outer = out.height, .inner = out.width,
                      .a = picture + a * framed.width, .a_row = 1, .a_outer = s.stride * framed.width, .a_inner = s.stride * s.in.channels,
                      .b = gradient, .b_outer = out.width * width, .b_inner = width, .c = dweights + a * run * s.outputs, .c_row = s.outputs, .add = n > 0});
    }
}

}  // namespace grapevine::kernels
