#include <algorithm>
#include <cstring>

#include "clones.hpp"
#include "convolution.hpp"
#include "memory.hpp"
#include "tiles.hpp"
#include "vectors.hpp"

// F(2x2, 3x3) of Lavin and Gray, Fast algorithms for convolutional neural networks (2016): four outputs of a 3 x 3 kernel depend on
// 4 x 4 inputs, and 16 products are enough for them where 36 are counted:
//     y = A' [(G w G') * (B' x B)] A,    * number by number.
// Over all squares and channels each of the 16 is a product of matrices. The way back is the same sentence read backwards:
//     dw = G' [sum over squares of (A dy A') * (B' x B)] G,
// and the gradient of the inputs is a convolution of dy with the kernels turned over.
// Sums stay as exact as those of a plain convolution: all factors are 1 or 1/2.
namespace grapevine::kernels::winograd {
namespace {

constexpr std::size_t kinds = 16;  // of products
thread_local Workspace workspace;

// Squares of 2 x 2 outputs, counted through all pictures.
struct Squares {
    Picture in, out;
    std::size_t padding, across, down, all;

    explicit Squares(const Convolution& s)
        : in(s.in), out(s.out()), padding(s.padding), across((out.width + 1) / 2), down((out.height + 1) / 2), all(s.rows * across * down) {}

    struct Place {
        std::size_t row, i, j;  // picture; first output
    };
    Place place(std::size_t square) const { return {square / (across * down), square / across % down * 2, square % across * 2}; }
    void next(Place& p) const {
        if ((p.j += 2) < out.width) return;
        p.j = 0;
        if ((p.i += 2) < out.height) return;
        p.i = 0;
        ++p.row;
    }
    // As many at once as the second-level cache holds of both sides, in whole tiles.
    std::size_t at_once() const {
        const std::size_t fit = (std::size_t{600} << 10) / (kinds * sizeof(float) * (in.channels + out.channels));
        return std::clamp<std::size_t>(fit / 12 * 12, 24, 480);
    }
};

// to (16, count, channels) = B' x B of these squares.
GRAPEVINE_FOR_EVERY_PROCESSOR
void take_inputs(const Squares& s, std::size_t first, std::size_t count, const float* x, float* edge, float* to) {
    const std::size_t channels = s.in.channels, kind = count * channels;
    Squares::Place place = s.place(first);
    for (std::size_t t = 0; t < count; ++t, to += channels, s.next(place)) {
        const std::size_t top = place.i - s.padding, left = place.j - s.padding;  // wraps outside
        const float* from = x + place.row * s.in.size() + (top * s.in.width + left) * channels;
        std::size_t row = s.in.width * channels;
        if (top >= s.in.height || left >= s.in.width || top + 4 > s.in.height || left + 4 > s.in.width) {
            for (std::size_t a = 0; a < 4; ++a)
                for (std::size_t b = 0; b < 4; ++b) {
                    float* const pixel = edge + (a * 4 + b) * channels;
                    if (top + a < s.in.height && left + b < s.in.width) std::memcpy(pixel, from + a * row + b * channels, channels * sizeof(float));
                    else std::memset(pixel, 0, channels * sizeof(float));
                }
            from = edge;
            row = 4 * channels;
        }
        for (std::size_t c = 0; c < channels; c += lanes) {
            Vector down[4][4];
#pragma GCC unroll 4
            for (std::size_t b = 0; b < 4; ++b) {
                const float* const pixel = from + b * channels + c;
                const Vector x0 = load(pixel), x1 = load(pixel + row), x2 = load(pixel + 2 * row), x3 = load(pixel + 3 * row);
                down[0][b] = x0 - x2;
                down[1][b] = x1 + x2;
                down[2][b] = x2 - x1;
                down[3][b] = x1 - x3;
            }
#pragma GCC unroll 4
            for (std::size_t a = 0; a < 4; ++a) {
                float* const out = to + 4 * a * kind + c;
                store(out, down[a][0] - down[a][2]);
                store(out + kind, down[a][1] + down[a][2]);
                store(out + 2 * kind, down[a][2] - down[a][1]);
                store(out + 3 * kind, down[a][1] - down[a][3]);
            }
        }
    }
}

// y = A' products A, with biases and ReLU, or 0 where `mask` is.
GRAPEVINE_FOR_EVERY_PROCESSOR
void give_outputs(const Squares& s, std::size_t first, std::size_t count, const float* products, const float* biases, bool relu, const float* mask, float* y) {
    const std::size_t channels = s.out.channels, kind = count * channels, row = s.out.width * channels;
    const Vector zero = {};
    Squares::Place place = s.place(first);
    for (std::size_t t = 0; t < count; ++t, products += channels, s.next(place)) {
        const std::size_t begin = place.row * s.out.size() + place.i * row + place.j * channels;
        const bool below = place.i + 1 < s.out.height, right = place.j + 1 < s.out.width;
        for (std::size_t c = 0; c < channels; c += lanes) {
            Vector up[2][4];
#pragma GCC unroll 4
            for (std::size_t b = 0; b < 4; ++b) {
                const float* const from = products + b * kind + c;
                const Vector p0 = load(from), p1 = load(from + 4 * kind), p2 = load(from + 8 * kind), p3 = load(from + 12 * kind);
                up[0][b] = p0 + p1 + p2;
                up[1][b] = p1 - p2 - p3;
            }
            const Vector bias = biases ? load(biases + c) : zero;
#pragma GCC unroll 2
            for (std::size_t a = 0; a < 2; ++a) {
                if (a == 1 && !below) break;
                Vector left = up[a][0] + up[a][1] + up[a][2] + bias, other = up[a][1] - up[a][2] - up[a][3] + bias;
                const std::size_t at = begin + a * row + c;
                if (relu) {
                    left = left < zero ? zero : left;
                    other = other < zero ? zero : other;
                }
                if (mask) left = load(mask + at) == zero ? zero : left;
                store(y + at, left);
                if (!right) continue;
                if (mask) other = load(mask + at + channels) == zero ? zero : other;
                store(y + at + channels, other);
            }
        }
    }
}

// to (16, count, channels) = A dy A'.
GRAPEVINE_FOR_EVERY_PROCESSOR
void take_gradients(const Squares& s, std::size_t first, std::size_t count, const float* dy, float* to) {
    const std::size_t channels = s.out.channels, kind = count * channels, row = s.out.width * channels;
    const Vector zero = {};
    Squares::Place place = s.place(first);
    for (std::size_t t = 0; t < count; ++t, to += channels, s.next(place)) {
        const float* const from = dy + place.row * s.out.size() + place.i * row + place.j * channels;
        const bool below = place.i + 1 < s.out.height, right = place.j + 1 < s.out.width;
        for (std::size_t c = 0; c < channels; c += lanes) {
            const Vector d00 = load(from + c), d01 = right ? load(from + channels + c) : zero;
            const Vector d10 = below ? load(from + row + c) : zero, d11 = below && right ? load(from + row + channels + c) : zero;
            const Vector down[4][2] = {{d00, d01}, {d00 + d10, d01 + d11}, {d00 - d10, d01 - d11}, {-d10, -d11}};
#pragma GCC unroll 4
            for (std::size_t a = 0; a < 4; ++a) {
                float* const out = to + 4 * a * kind + c;
                store(out, down[a][0]);
                store(out + kind, down[a][0] + down[a][1]);
                store(out + 2 * kind, down[a][0] - down[a][1]);
                store(out + 3 * kind, -down[a][1]);
            }
        }
    }
}

// to (16, n) = G w G' of weights (9, n).
GRAPEVINE_FOR_EVERY_PROCESSOR
void take_weights(std::size_t n, const float* __restrict w, float* __restrict to) {
    for (std::size_t k = 0; k < n; ++k) {
        float down[4][3];
        for (std::size_t b = 0; b < 3; ++b) {
            const float w0 = w[b * n + k], w1 = w[(3 + b) * n + k], w2 = w[(6 + b) * n + k];
            down[0][b] = w0;
            down[1][b] = 0.5f * (w0 + w1 + w2);
            down[2][b] = 0.5f * (w0 - w1 + w2);
            down[3][b] = w2;
        }
        for (std::size_t a = 0; a < 4; ++a) {
            to[4 * a * n + k] = down[a][0];
            to[(4 * a + 1) * n + k] = 0.5f * (down[a][0] + down[a][1] + down[a][2]);
            to[(4 * a + 2) * n + k] = 0.5f * (down[a][0] - down[a][1] + down[a][2]);
            to[(4 * a + 3) * n + k] = down[a][2];
        }
    }
}

// dweights (9, n) = G' products G.
GRAPEVINE_FOR_EVERY_PROCESSOR
void give_weights(std::size_t n, const float* __restrict p, float* __restrict dw) {
    for (std::size_t k = 0; k < n; ++k) {
        float up[3][4];
        for (std::size_t b = 0; b < 4; ++b) {
            const float p0 = p[b * n + k], p1 = p[(4 + b) * n + k], p2 = p[(8 + b) * n + k], p3 = p[(12 + b) * n + k];
            up[0][b] = p0 + 0.5f * (p1 + p2);
            up[1][b] = 0.5f * (p1 - p2);
            up[2][b] = 0.5f * (p1 + p2) + p3;
        }
        for (std::size_t a = 0; a < 3; ++a) {
            dw[3 * a * n + k] = up[a][0] + 0.5f * (up[a][1] + up[a][2]);
            dw[(3 * a + 1) * n + k] = 0.5f * (up[a][1] - up[a][2]);
            dw[(3 * a + 2) * n + k] = 0.5f * (up[a][1] + up[a][2]) + up[a][3];
        }
    }
}

void turn_over(const Convolution& s, const float* weights, float* to) {
    for (std::size_t t = 9; t-- > 0;) {
        const float* const from = weights + t * s.in.channels * s.outputs;
        for (std::size_t o = 0; o < s.outputs; ++o)
            for (std::size_t c = 0; c < s.in.channels; ++c) *to++ = from[c * s.outputs + o];
    }
}

// transformed: (16, channels, outputs).
void convolve_with(const Convolution& s, const float* x, const float* transformed, const float* biases, bool relu, const float* mask, float* edge, float* inputs, float* y) {
    const Squares squares(s);
    const std::size_t channels = s.in.channels, outputs = s.outputs;
    for (std::size_t begin = 0; begin < squares.all; begin += squares.at_once()) {
        const std::size_t count = std::min(squares.at_once(), squares.all - begin);
        float* const products = inputs + kinds * count * channels;
        take_inputs(squares, begin, count, x, edge, inputs);
        for (std::size_t k = 0; k < kinds; ++k)
            multiply({.m = count, .n = outputs, .inner = channels, .a = inputs + k * count * channels, .a_row = channels, .a_inner = 1,
                      .b = transformed + k * channels * outputs, .b_inner = outputs, .c = products + k * count * outputs, .c_row = outputs});
        give_outputs(squares, begin, count, products, biases, relu, mask, y);
    }
}

std::size_t working(const Convolution& s) { return kinds * Squares(s).at_once() * (s.in.channels + s.outputs); }

}  // namespace

bool can(const Convolution& s) {
    return s.side == 3 && s.stride == 1 && s.padding <= 1 && s.in.channels % lanes == 0 && s.outputs % lanes == 0 && s.in.channels > 0 && s.outputs > 0;
}

void convolve(const Convolution& s, const float* x, const float* weights, const float* biases, float* y) {
    const std::size_t n = s.in.channels * s.outputs, edge = kinds * s.in.channels;
    float *const memory = workspace.floats(kinds * n + edge + working(s)), *const rest = memory + kinds * n;
    take_weights(n, weights, memory);
    convolve_with(s, x, memory, biases, s.relu, nullptr, rest, rest + edge, y);
}

void convolve_back_to_input(const Convolution& s, const float* x, const float* weights, const float* dy, float* dx) {
    const Convolution back{.rows = s.rows, .in = s.out(), .outputs = s.in.channels, .side = 3, .stride = 1, .padding = 2 - s.padding};
    const std::size_t n = s.in.channels * s.outputs, edge = kinds * s.outputs;
    float *const memory = workspace.floats((kinds + 9) * n + edge + working(back)), *const turned = memory + kinds * n, *const rest = turned + 9 * n;
    turn_over(s, weights, turned);
    take_weights(n, turned, memory);
    convolve_with(back, dy, memory, nullptr, false, s.x_is_relu ? x : nullptr, rest, rest + edge, dx);
}

void convolve_back_to_weights(const Convolution& s, const float* x, const float* dy, float* dweights) {
    const Squares squares(s);
    const std::size_t channels = s.in.channels, outputs = s.outputs, n = channels * outputs, edge = kinds * channels;
    float *const sums = workspace.floats(kinds * n + edge + working(s)), *const rest = sums + kinds * n, *const inputs = rest + edge;
    for (std::size_t begin = 0; begin < squares.all; begin += squares.at_once()) {
        const std::size_t count = std::min(squares.at_once(), squares.all - begin);
        float* const gradients = inputs + kinds * count * channels;
        take_inputs(squares, begin, count, x, rest, inputs);
        take_gradients(squares, begin, count, dy, gradients);
        for (std::size_t k = 0; k < kinds; ++k)
            multiply({.m = channels, .n = outputs, .inner = count, .a = inputs + k * count * channels, .a_row = 1, .a_inner = channels,
                      .b = gradients + k * count * outputs, .b_inner = outputs, .c = sums + k * n, .c_row = outputs, .add = begin > 0});
    }
    give_weights(n, sums, dweights);
}

}  // namespace grapevine::kernels::winograd
