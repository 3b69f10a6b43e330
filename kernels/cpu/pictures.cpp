#include <algorithm>

#include "clones.hpp"
#include "inlined.hpp"
#include "layers.hpp"

// A pixel's channels lie side by side, so all loops run over channels innermost.
namespace grapevine::kernels::layers {
namespace {

template <class Value>
void move_any(Picture p, std::int32_t how, const Value* from, Normalisation normalisation, float* to) {
    const auto down = (how & 0xff) - 128, right = (how >> 8 & 0xff) - 128;
    const bool mirrored = (how >> 16 & 1) != 0;
    for (std::size_t r = 0; r < p.height; ++r)
        for (std::size_t c = 0; c < p.width; ++c, to += p.channels) {
            const std::size_t row = r - static_cast<std::size_t>(down), moved = c - static_cast<std::size_t>(right);  // wraps outside
            const std::size_t column = mirrored ? p.width - 1 - moved : moved;
            const bool inside = row < p.height && moved < p.width;
            for (std::size_t k = 0; k < p.channels; ++k)
                to[k] = (inside ? normalisation.scale * static_cast<float>(from[(row * p.width + column) * p.channels + k]) : 0) + normalisation.shift;
        }
}

}  // namespace

void move(Picture picture, std::int32_t how, const std::uint8_t* from, Normalisation normalisation, float* to) { move_any(picture, how, from, normalisation, to); }
void move(Picture picture, std::int32_t how, const float* from, Normalisation normalisation, float* to) { move_any(picture, how, from, normalisation, to); }

// What is no number replaces what is, and stays.
GRAPEVINE_INLINE float larger(float so_far, float value) { return value > so_far || value != value ? value : so_far; }

// Squares of 2 x 2, the common case: each input is read once and nothing is kept in between.
GRAPEVINE_FOR_EVERY_PROCESSOR
static void pool_quarters(std::size_t width, std::size_t channels, std::size_t stride, const float* __restrict above, const float* __restrict below, float* __restrict y) {
    for (std::size_t j = 0; j < width; ++j, above += stride * channels, below += stride * channels, y += channels)
        for (std::size_t k = 0; k < channels; ++k)
            y[k] = larger(larger(larger(above[k], above[channels + k]), below[k]), below[channels + k]);
}

GRAPEVINE_FOR_EVERY_PROCESSOR
static void pool_pixel(const Pooling& s, const float* __restrict corner, float* __restrict y) {
    const std::size_t channels = s.in.channels;
    std::copy_n(corner, channels, y);
    for (std::size_t a = 0; a < s.side; ++a)
        for (std::size_t b = 0; b < s.side; ++b) {
            const float* const pixel = corner + (a * s.in.width + b) * channels;
            for (std::size_t k = 0; k < channels; ++k) y[k] = larger(y[k], pixel[k]);
        }
}

void pool_largest(const Pooling& s, const float* x, float* y) {
    const Picture out = s.out();
    const std::size_t channels = s.in.channels, row = s.in.width * channels;
    for (std::size_t n = 0; n < s.rows; ++n, x += s.in.size())
        for (std::size_t i = 0; i < out.height; ++i) {
            const float* const corner = x + i * s.stride * row;
            if (s.side == 2) {
                pool_quarters(out.width, channels, s.stride, corner, corner + row, y);
                y += out.width * channels;
            } else {
                for (std::size_t j = 0; j < out.width; ++j, y += channels) pool_pixel(s, corner + j * s.stride * channels, y);
            }
        }
}

// Squares of 2 x 2 side by side: each gradient is written once.
GRAPEVINE_FOR_EVERY_PROCESSOR
static void spread_quarters(std::size_t width, std::size_t channels, std::size_t row, const float* __restrict x, const float* __restrict y, const float* __restrict dy, float* __restrict dx) {
    for (std::size_t j = 0; j < width; ++j, x += 2 * channels, dx += 2 * channels, y += channels, dy += channels)
        for (std::size_t k = 0; k < channels; ++k) {
            float left = dy[k];  // until somebody has it
            const float top = y[k];
            const auto give = [&](std::size_t at) __attribute__((always_inline)) {
                const bool mine = x[at] == top;
                dx[at] = mine ? left : 0;
                left = mine ? 0 : left;
            };
            give(k);
            give(channels + k);
            give(row + k);
            give(row + channels + k);
        }
}

static void spread_pixel(const Pooling& s, const float* x, const float* y, const float* dy, float* dx) {
    for (std::size_t k = 0; k < s.in.channels; ++k) {
        bool given = false;
        for (std::size_t a = 0; a < s.side && !given; ++a)
            for (std::size_t b = 0; b < s.side && !given; ++b) {
                const std::size_t at = (a * s.in.width + b) * s.in.channels + k;
                if (x[at] != y[k]) continue;
                dx[at] += dy[k];
                given = true;
            }
    }
}

void pool_largest_backward(const Pooling& s, const float* x, const float* y, const float* dy, float* dx) {
    const Picture out = s.out();
    const std::size_t channels = s.in.channels, row = s.in.width * channels, used = 2 * out.width * channels;
    const bool quarters = s.side == 2 && s.stride == 2;
    for (std::size_t n = 0; n < s.rows; ++n, x += s.in.size(), dx += s.in.size()) {
        if (!quarters) std::fill_n(dx, s.in.size(), 0.f);
        for (std::size_t i = 0; i < out.height; ++i, y += out.width * channels, dy += out.width * channels) {
            const std::size_t begin = i * s.stride * row;
            if (!quarters) {
                for (std::size_t j = 0; j < out.width; ++j)
                    spread_pixel(s, x + begin + j * s.stride * channels, y + j * channels, dy + j * channels, dx + begin + j * s.stride * channels);
                continue;
            }
            spread_quarters(out.width, channels, row, x + begin, y, dy, dx + begin);
            std::fill(dx + begin + used, dx + begin + row, 0.f);
            std::fill(dx + begin + row + used, dx + begin + 2 * row, 0.f);
        }
        if (quarters) std::fill(dx + 2 * out.height * row, dx + s.in.size(), 0.f);
    }
}

GRAPEVINE_FOR_EVERY_PROCESSOR
void pool_mean(std::size_t rows, std::size_t pixels, std::size_t channels, const float* __restrict x, float* __restrict y) {
    const float share = 1 / static_cast<float>(pixels);
    for (std::size_t n = 0; n < rows; ++n, y += channels) {
        for (std::size_t k = 0; k < channels; ++k) y[k] = 0;
        for (std::size_t p = 0; p < pixels; ++p, x += channels)
            for (std::size_t k = 0; k < channels; ++k) y[k] += x[k];
        for (std::size_t k = 0; k < channels; ++k) y[k] *= share;
    }
}

GRAPEVINE_FOR_EVERY_PROCESSOR
void pool_mean_backward(std::size_t rows, std::size_t pixels, std::size_t channels, const float* x, const float* __restrict dy, float* __restrict dx) {
    const float share = 1 / static_cast<float>(pixels);
    for (std::size_t n = 0; n < rows; ++n, dy += channels)
        for (std::size_t p = 0; p < pixels; ++p, dx += channels) {
            for (std::size_t k = 0; k < channels; ++k) dx[k] = share * dy[k];
            if (!x) continue;
            for (std::size_t k = 0; k < channels; ++k) dx[k] = x[k] == 0 ? 0 : dx[k];
            x += channels;
        }
}

}  // namespace grapevine::kernels::layers
