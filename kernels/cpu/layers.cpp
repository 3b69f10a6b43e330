#include "layers.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

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

void pool_largest(const Pooling& s, const float* x, float* y) {
    const Picture out = s.out();
    const std::size_t channels = s.in.channels;
    for (std::size_t row = 0; row < s.rows; ++row, x += s.in.size())
        for (std::size_t i = 0; i < out.height; ++i)
            for (std::size_t j = 0; j < out.width; ++j, y += channels) {
                const float* const corner = x + (i * s.stride * s.in.width + j * s.stride) * channels;
                std::copy_n(corner, channels, y);
                for (std::size_t a = 0; a < s.side; ++a)
                    for (std::size_t b = 0; b < s.side; ++b)
                        for (std::size_t k = 0; k < channels; ++k) {
                            const float value = corner[(a * s.in.width + b) * channels + k];
                            y[k] = value > y[k] || value != value ? value : y[k];  // what is no number stays, and is seen
                        }
            }
}

void pool_largest_backward(const Pooling& s, const float* x, const float* y, const float* dy, float* dx) {
    const Picture out = s.out();
    const std::size_t channels = s.in.channels;
    for (std::size_t row = 0; row < s.rows; ++row, x += s.in.size(), dx += s.in.size()) {
        std::fill_n(dx, s.in.size(), 0.f);
        for (std::size_t i = 0; i < out.height; ++i)
            for (std::size_t j = 0; j < out.width; ++j, y += channels, dy += channels) {
                const std::size_t corner = (i * s.stride * s.in.width + j * s.stride) * channels;
                for (std::size_t k = 0; k < channels; ++k) {
                    bool given = false;
                    for (std::size_t a = 0; a < s.side && !given; ++a)
                        for (std::size_t b = 0; b < s.side && !given; ++b) {
                            const std::size_t at = corner + (a * s.in.width + b) * channels + k;
                            if (x[at] != y[k]) continue;
                            dx[at] += dy[k];
                            given = true;
                        }
                }
            }
    }
}

void pool_mean(std::size_t rows, std::size_t pixels, std::size_t channels, const float* x, float* y) {
    for (std::size_t row = 0; row < rows; ++row, y += channels) {
        std::fill_n(y, channels, 0.f);
        for (std::size_t p = 0; p < pixels; ++p, x += channels)
            for (std::size_t k = 0; k < channels; ++k) y[k] += x[k];
        for (std::size_t k = 0; k < channels; ++k) y[k] /= static_cast<float>(pixels);
    }
}

void pool_mean_backward(std::size_t rows, std::size_t pixels, std::size_t channels, const float* x, const float* dy, float* dx) {
    const float share = 1 / static_cast<float>(pixels);
    for (std::size_t row = 0; row < rows; ++row, dy += channels)
        for (std::size_t p = 0; p < pixels; ++p, dx += channels, x += x ? channels : 0)
            for (std::size_t k = 0; k < channels; ++k) dx[k] = x && x[k] == 0 ? 0 : share * dy[k];
}

void normalise(std::size_t rows, std::size_t width, const float* x, const float* gain, const float* bias, float* statistics, float* y) {
    for (std::size_t i = 0; i < rows; ++i, x += width, y += width, statistics += 2) {
        double sum = 0, squares = 0;
        for (std::size_t j = 0; j < width; ++j) sum += x[j];
        const double mean = sum / static_cast<double>(width);
        for (std::size_t j = 0; j < width; ++j) squares += (x[j] - mean) * (x[j] - mean);
        statistics[0] = static_cast<float>(mean);
        statistics[1] = static_cast<float>(1 / std::sqrt(squares / static_cast<double>(width) + 1e-5));
        for (std::size_t j = 0; j < width; ++j) y[j] = (x[j] - statistics[0]) * statistics[1] * gain[j] + bias[j];
    }
}

void normalise_backward(std::size_t rows, std::size_t width, const float* x, const float* gain, const float* statistics, const float* dy, float* dx, float* dgain, float* dbias) {
    std::fill_n(dgain, width, 0.f);
    std::fill_n(dbias, width, 0.f);
    for (std::size_t i = 0; i < rows; ++i, x += width, dy += width, dx += width, statistics += 2) {
        const float mean = statistics[0], inverse = statistics[1];
        float sum = 0, along = 0;  // of what comes to the normalised values; and of its part along them
        for (std::size_t j = 0; j < width; ++j) {
            const float normal = (x[j] - mean) * inverse, d = dy[j] * gain[j];
            sum += d;
            along += d * normal;
            dgain[j] += dy[j] * normal;
            dbias[j] += dy[j];
        }
        const auto n = static_cast<float>(width);
        for (std::size_t j = 0; j < width; ++j)
            dx[j] = inverse * (dy[j] * gain[j] - sum / n - (x[j] - mean) * inverse * along / n);
    }
}

namespace {
constexpr float root = 0.7978845608f, cubic = 0.044715f;  // sqrt(2 / pi)
}

void gelu(std::size_t n, const float* x, float* y) {
    for (std::size_t i = 0; i < n; ++i) y[i] = 0.5f * x[i] * (1 + std::tanh(root * (x[i] + cubic * x[i] * x[i] * x[i])));
}

void gelu_backward(std::size_t n, const float* x, const float* dy, float* dx) {
    for (std::size_t i = 0; i < n; ++i) {
        const float t = std::tanh(root * (x[i] + cubic * x[i] * x[i] * x[i]));
        dx[i] = dy[i] * (0.5f * (1 + t) + 0.5f * x[i] * (1 - t * t) * root * (1 + 3 * cubic * x[i] * x[i]));
    }
}

void causal_softmax(std::size_t length, float scale, float* scores) {
    for (std::size_t i = 0; i < length; ++i, scores += length) {
        const float top = *std::max_element(scores, scores + i + 1);
        float sum = 0;
        for (std::size_t j = 0; j <= i; ++j) sum += scores[j] = std::exp(scale * (scores[j] - top));
        for (std::size_t j = 0; j <= i; ++j) scores[j] /= sum;
        std::fill(scores + i + 1, scores + length, 0.f);
    }
}

void causal_softmax_backward(std::size_t length, float scale, const float* probabilities, float* gradient) {
    for (std::size_t i = 0; i < length; ++i, probabilities += length, gradient += length) {
        float along = 0;
        for (std::size_t j = 0; j <= i; ++j) along += probabilities[j] * gradient[j];
        for (std::size_t j = 0; j <= i; ++j) gradient[j] = scale * probabilities[j] * (gradient[j] - along);
        std::fill(gradient + i + 1, gradient + length, 0.f);
    }
}

namespace {
float sigmoid(float x) { return 1 / (1 + std::exp(-x)); }
}  // namespace

void gru(const Gru& s, const float* from_input, const float* from_state, const float* state, float* kept, float* next) {
    const std::size_t w = s.width;
    for (std::size_t i = 0; i < s.rows; ++i, from_input += 3 * w, from_state += 3 * w, state += w, kept += 4 * w, next += w)
        for (std::size_t j = 0; j < w; ++j) {
            const float r = sigmoid(from_input[j] + from_state[j]), z = sigmoid(from_input[w + j] + from_state[w + j]);
            const float hn = from_state[2 * w + j], n = std::tanh(from_input[2 * w + j] + r * hn);
            kept[j] = r, kept[w + j] = z, kept[2 * w + j] = n, kept[3 * w + j] = hn;
            next[j] = (1 - z) * n + z * state[j];
        }
}

void gru_backward(const Gru& s, const float* state, const float* kept, const float* dnext, float* dfrom_input, float* dfrom_state, float* dstate) {
    const std::size_t w = s.width;
    for (std::size_t i = 0; i < s.rows; ++i, state += w, kept += 4 * w, dnext += w, dfrom_input += 3 * w, dfrom_state += 3 * w, dstate += w)
        for (std::size_t j = 0; j < w; ++j) {
            const float r = kept[j], z = kept[w + j], n = kept[2 * w + j], hn = kept[3 * w + j], d = dnext[j];
            const float dn = d * (1 - z) * (1 - n * n), dz = d * (state[j] - n) * z * (1 - z), dr = dn * hn * r * (1 - r);
            dfrom_input[j] = dfrom_state[j] = dr;
            dfrom_input[w + j] = dfrom_state[w + j] = dz;
            dfrom_input[2 * w + j] = dn;
            dfrom_state[2 * w + j] = dn * r;
            dstate[j] = d * z;
        }
}

void hinge(std::size_t rows, std::size_t classes, const std::int32_t* targets, float* outputs, Losses& losses) {
    const float share = 1 / static_cast<float>(rows * classes);
    for (std::size_t i = 0; i < rows; ++i, outputs += classes) {
        const auto target = static_cast<std::size_t>(targets[i]);
        losses.correct += static_cast<std::size_t>(std::max_element(outputs, outputs + classes) - outputs) == target;
        const float wanted = outputs[target];
        double sum = 0;
        std::size_t over = 0;
        for (std::size_t j = 0; j < classes; ++j) {
            const float margin = 1 + outputs[j] - wanted;
            if (j == target) continue;
            outputs[j] = margin <= 0 ? 0 : share;  // a margin that is no number counts as one that is not kept, and the sum shows it
            if (margin <= 0) continue;
            sum += margin;
            ++over;
        }
        outputs[target] = -share * static_cast<float>(over);
        losses.sum += sum / static_cast<double>(classes);
    }
    losses.rows += rows;
}

void squared_error(std::size_t rows, const float* targets, float* outputs, Losses& losses) {
    const float share = 2 / static_cast<float>(rows);
    for (std::size_t i = 0; i < rows; ++i) {
        const float difference = outputs[i] - targets[i];
        losses.sum += static_cast<double>(difference) * difference;
        outputs[i] = share * difference;
    }
    losses.rows += rows;
}

void pairs(std::size_t rows, std::size_t group, float* scores, Losses& losses) {
    const float share = 1 / static_cast<float>(rows);
    for (std::size_t i = 0; i < rows; ++i, scores += group) {
        losses.correct += std::max_element(scores, scores + group) == scores;
        for (std::size_t j = 0; j < group; ++j) {
            const float x = scores[j], against = j == 0 ? -x : x;  // log(1 + e^against)
            losses.sum += std::max(against, 0.f) + std::log1p(std::exp(-std::abs(against)));
            scores[j] = share * (sigmoid(x) - (j == 0 ? 1.f : 0.f));
        }
    }
    losses.rows += rows;
}

}  // namespace grapevine::kernels::layers
