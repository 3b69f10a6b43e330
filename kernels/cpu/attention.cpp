#include "attention.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "layers.hpp"
#include "memory.hpp"
#include "tiles.hpp"
#include "vectors.hpp"

// Queries, keys and values of one head of one text lie side by side with those of the others. Tiles read the left side of a product
// as it lies; the right side is copied, so that its rows are whole vectors, or turned over.
namespace grapevine::kernels::attention {
namespace {

thread_local Workspace workspace;

constexpr std::size_t band = 48;  // places at a time: what lies wholly behind the diagonal is skipped

struct Head {
    std::size_t length, width, stride;  // places; of a head; from one place to the next
    std::size_t wide() const { return whole_vectors(width); }
    std::size_t long_() const { return whole_vectors(length); }
};

// (length, wide) of (length, width).
void copy(const Head& h, const float* from, std::size_t stride, float* to) {
    for (std::size_t i = 0; i < h.length; ++i, from += stride, to += h.wide()) {
        std::memcpy(to, from, h.width * sizeof(float));
        std::fill(to + h.width, to + h.wide(), 0.f);
    }
}

// (width, long) of (length, width).
void turn_over(const Head& h, const float* from, std::size_t stride, float* to) {
    for (std::size_t d = 0; d < h.width; ++d, to += h.long_()) {
        for (std::size_t i = 0; i < h.length; ++i) to[i] = from[i * stride + d];
        std::fill(to + h.length, to + h.long_(), 0.f);
    }
}

// scores (length, length) = a b', as far as the diagonal; a (length, width) by stride, turned (width, long).
void scores_of(const Head& h, const float* a, std::size_t stride, const float* turned, float* scores) {
    for (std::size_t i = 0; i < h.length; i += band) {
        const std::size_t rows = std::min(band, h.length - i);
        multiply({.m = rows, .n = i + rows, .inner = h.width, .a = a + i * stride, .a_row = stride, .a_inner = 1, .b = turned, .b_inner = h.long_(), .c = scores + i * h.length, .c_row = h.length});
    }
}

// to (length, width) = triangle b, where row i of the triangle ends at i; b (length, wide).
void below(const Head& h, const float* triangle, const float* b, float* to, std::size_t stride) {
    for (std::size_t i = 0; i < h.length; i += band) {
        const std::size_t rows = std::min(band, h.length - i);
        multiply({.m = rows, .n = h.width, .inner = i + rows, .a = triangle + i * h.length, .a_row = h.length, .a_inner = 1, .b = b, .b_inner = h.wide(), .c = to + i * stride, .c_row = stride});
    }
}

// to (length, width) = triangle' b.
void across(const Head& h, const float* triangle, const float* b, float* to, std::size_t stride) {
    for (std::size_t j = 0; j < h.length; j += band)
        multiply({.m = std::min(band, h.length - j), .n = h.width, .inner = h.length - j, .a = triangle + j * h.length + j, .a_row = 1, .a_inner = h.length,
                  .b = b + j * h.wide(), .b_inner = h.wide(), .c = to + j * stride, .c_row = stride});
}

}  // namespace

void attend(const Attention& s, const float* qkv, float* probabilities, float* out) {
    const Head h{s.length, s.width / s.heads, 3 * s.width};
    const float scale = 1 / std::sqrt(static_cast<float>(h.width));
    float *const turned = workspace.floats(h.width * h.long_() + h.length * h.wide()), *const values = turned + h.width * h.long_();
    for (std::size_t i = 0; i < s.rows * s.heads; ++i, probabilities += s.length * s.length) {
        const std::size_t text = i / s.heads * s.length, column = i % s.heads * h.width;
        const float* const q = qkv + text * h.stride + column;
        turn_over(h, q + s.width, h.stride, turned);
        copy(h, q + 2 * s.width, h.stride, values);
        scores_of(h, q, h.stride, turned, probabilities);
        layers::causal_softmax(s.length, scale, probabilities);
        below(h, probabilities, values, out + text * s.width + column, s.width);
    }
}

void attend_backward(const Attention& s, const float* qkv, const float* probabilities, const float* dout, float* dqkv) {
    const Head h{s.length, s.width / s.heads, 3 * s.width};
    const float scale = 1 / std::sqrt(static_cast<float>(h.width));
    const std::size_t copied = h.length * h.wide();
    float* const turned = workspace.floats(h.width * h.long_() + 3 * copied + s.length * s.length);
    float *const queries = turned + h.width * h.long_(), *const keys = queries + copied, *const gradients = keys + copied, *const scores = gradients + copied;
    for (std::size_t i = 0; i < s.rows * s.heads; ++i, probabilities += s.length * s.length) {
        const std::size_t text = i / s.heads * s.length, column = i % s.heads * h.width;
        const float *const q = qkv + text * h.stride + column, *const d = dout + text * s.width + column;
        float* const dq = dqkv + text * h.stride + column;
        turn_over(h, q + 2 * s.width, h.stride, turned);
        copy(h, q, h.stride, queries);
        copy(h, q + s.width, h.stride, keys);
        copy(h, d, s.width, gradients);
        scores_of(h, d, s.width, turned, scores);
        layers::causal_softmax_backward(s.length, scale, probabilities, scores);
        across(h, probabilities, gradients, dq + 2 * s.width, h.stride);
        below(h, scores, keys, dq, h.stride);
        across(h, scores, queries, dq + s.width, h.stride);
    }
}

}  // namespace grapevine::kernels::attention
