#include <algorithm>
#include <cmath>
#include <cstring>

#include "clones.hpp"
#include "functions.hpp"
#include "layers.hpp"
#include "vectors.hpp"

namespace grapevine::kernels::layers {

GRAPEVINE_FOR_EVERY_PROCESSOR
void normalise(std::size_t rows, std::size_t width, const float* __restrict x, const float* __restrict gain, const float* __restrict bias, float* __restrict statistics, float* __restrict y) {
    const auto n = static_cast<double>(width);
    const std::size_t whole = width / lanes * lanes;
    for (std::size_t i = 0; i < rows; ++i, x += width, y += width, statistics += 2) {
        Vector sums = {}, squares = {};
        for (std::size_t j = 0; j < whole; j += lanes) sums += load(x + j);
        double sum = sum_of(sums);
        for (std::size_t j = whole; j < width; ++j) sum += x[j];
        const auto mean = static_cast<float>(sum / n);
        for (std::size_t j = 0; j < whole; j += lanes) {  // once the mean is away, for far from 0 squares cancel
            const Vector off = load(x + j) - mean;
            squares += off * off;
        }
        double square = sum_of(squares);
        for (std::size_t j = whole; j < width; ++j) square += (x[j] - mean) * (x[j] - mean);
        const auto inverse = static_cast<float>(1 / std::sqrt(square / n + 1e-5));
        statistics[0] = mean;
        statistics[1] = inverse;
        for (std::size_t j = 0; j < width; ++j) y[j] = (x[j] - mean) * inverse * gain[j] + bias[j];
    }
}

GRAPEVINE_FOR_EVERY_PROCESSOR
void normalise_backward(std::size_t rows, std::size_t width, const float* __restrict x, const float* __restrict gain, const float* __restrict statistics, const float* __restrict dy, float* __restrict dx, float* __restrict dgain, float* __restrict dbias) {
    const std::size_t whole = width / lanes * lanes;
    for (std::size_t j = 0; j < width; ++j) dgain[j] = dbias[j] = 0;
    for (std::size_t i = 0; i < rows; ++i, x += width, dy += width, dx += width, statistics += 2) {
        const float mean = statistics[0], inverse = statistics[1];
        Vector sums = {}, alongs = {};  // of what comes to the normalised values; and of its part along them
        for (std::size_t j = 0; j < whole; j += lanes) {
            const Vector normal = (load(x + j) - mean) * inverse, d = load(dy + j), scaled = d * load(gain + j);
            sums += scaled;
            alongs += scaled * normal;
            store(dgain + j, load(dgain + j) + d * normal);
            store(dbias + j, load(dbias + j) + d);
        }
        double sum = sum_of(sums), along = sum_of(alongs);
        for (std::size_t j = whole; j < width; ++j) {
            const float normal = (x[j] - mean) * inverse, scaled = dy[j] * gain[j];
            sum += scaled;
            along += scaled * normal;
            dgain[j] += dy[j] * normal;
            dbias[j] += dy[j];
        }
        const auto n = static_cast<double>(width);
        const auto share = static_cast<float>(sum / n), slope = static_cast<float>(along / n);
        for (std::size_t j = 0; j < width; ++j) dx[j] = inverse * (dy[j] * gain[j] - share - (x[j] - mean) * inverse * slope);
    }
}

namespace {
constexpr float root = 0.7978845608f, cubic = 0.044715f;  // sqrt(2 / pi)
}

// 0.5 (1 + tanh u) is sigma(2 u), which does not cancel where u is far below 0.
GRAPEVINE_FOR_EVERY_PROCESSOR
void gelu(std::size_t n, const float* __restrict x, float* __restrict y) {
    for (std::size_t i = 0; i < n; ++i) y[i] = x[i] * sigmoid(2 * root * (x[i] + cubic * x[i] * x[i] * x[i]));
}

GRAPEVINE_FOR_EVERY_PROCESSOR
void gelu_backward(std::size_t n, const float* __restrict x, const float* __restrict dy, float* __restrict dx) {
    for (std::size_t i = 0; i < n; ++i) {
        const float square = x[i] * x[i], share = sigmoid(2 * root * x[i] * (1 + cubic * square));
        dx[i] = dy[i] * (share + 2 * root * x[i] * share * (1 - share) * (1 + 3 * cubic * square));
    }
}

GRAPEVINE_FOR_EVERY_PROCESSOR
void causal_softmax(std::size_t length, float scale, float* scores) {
    for (std::size_t i = 0; i < length; ++i, scores += length) {
        const float top = largest_of(i + 1, scores);
        for (std::size_t j = 0; j <= i; ++j) scores[j] = exponential(scale * (scores[j] - top));
        Vector sums = {};
        std::size_t j = 0;
        for (; j + lanes <= i + 1; j += lanes) sums += load(scores + j);
        double sum = sum_of(sums);
        for (; j <= i; ++j) sum += scores[j];
        const auto share = static_cast<float>(1 / sum);
        for (j = 0; j <= i; ++j) scores[j] *= share;
        for (; j < length; ++j) scores[j] = 0;
    }
}

GRAPEVINE_FOR_EVERY_PROCESSOR
void causal_softmax_backward(std::size_t length, float scale, const float* __restrict probabilities, float* __restrict gradient) {
    for (std::size_t i = 0; i < length; ++i, probabilities += length, gradient += length) {
        Vector alongs = {};
        std::size_t j = 0;
        for (; j + lanes <= i + 1; j += lanes) alongs += load(probabilities + j) * load(gradient + j);
        double along = sum_of(alongs);
        for (; j <= i; ++j) along += probabilities[j] * gradient[j];
        const auto mean = static_cast<float>(along);
        for (j = 0; j <= i; ++j) gradient[j] = scale * probabilities[j] * (gradient[j] - mean);
        for (; j < length; ++j) gradient[j] = 0;
    }
}

GRAPEVINE_FOR_EVERY_PROCESSOR
void gru(const Gru& s, const float* __restrict from_input, const float* __restrict from_state, const float* __restrict state, float* __restrict kept, float* __restrict next) {
    const std::size_t w = s.width;
    for (std::size_t i = 0; i < s.rows; ++i, from_input += 3 * w, from_state += 3 * w, state += w, kept += 4 * w, next += w) {
        for (std::size_t j = 0; j < 2 * w; ++j) kept[j] = sigmoid(from_input[j] + from_state[j]);
        for (std::size_t j = 0; j < w; ++j) {
            const float z = kept[w + j], hn = from_state[2 * w + j], n = hyperbolic_tangent(from_input[2 * w + j] + kept[j] * hn);
            kept[2 * w + j] = n;
            kept[3 * w + j] = hn;
            next[j] = (1 - z) * n + z * state[j];
        }
    }
}

GRAPEVINE_FOR_EVERY_PROCESSOR
void gru_backward(const Gru& s, const float* __restrict state, const float* __restrict kept, const float* __restrict dnext, float* __restrict dfrom_input, float* __restrict dfrom_state, float* __restrict dstate) {
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

GRAPEVINE_FOR_EVERY_PROCESSOR
void embed(std::size_t words, const std::int32_t* chosen, std::size_t width, const float* table, const float* places, std::size_t length, float* __restrict to) {
    for (std::size_t i = 0; i < words; ++i, to += width) {
        const float* const row = table + static_cast<std::size_t>(chosen[i]) * width;
        if (!places) {
            std::memcpy(to, row, width * sizeof(float));
            continue;
        }
        const float* const place = places + i % length * width;
        for (std::size_t j = 0; j < width; ++j) to[j] = row[j] + place[j];
    }
}

GRAPEVINE_FOR_EVERY_PROCESSOR
void embed_backward(std::size_t words, const std::int32_t* chosen, std::size_t width, const float* __restrict dy, float* __restrict dtable, float* __restrict dplaces, std::size_t length) {
    for (std::size_t i = 0; i < words; ++i, dy += width) {
        float* const row = dtable + static_cast<std::size_t>(chosen[i]) * width;
        for (std::size_t j = 0; j < width; ++j) row[j] += dy[j];
        if (!dplaces) continue;
        float* const place = dplaces + i % length * width;
        for (std::size_t j = 0; j < width; ++j) place[j] += dy[j];
    }
}

GRAPEVINE_FOR_EVERY_PROCESSOR
void row_dots(std::size_t rows, std::size_t group, std::size_t width, const float* a, const float* b, float* dots) {
    const std::size_t whole = width / lanes * lanes;
    for (std::size_t i = 0; i < rows; ++i, a += width)
        for (std::size_t g = 0; g < group; ++g, b += width) {
            Vector sums = {};
            for (std::size_t j = 0; j < whole; j += lanes) sums += load(a + j) * load(b + j);
            double sum = sum_of(sums);
            for (std::size_t j = whole; j < width; ++j) sum += a[j] * b[j];
            *dots++ = static_cast<float>(sum);
        }
}

GRAPEVINE_FOR_EVERY_PROCESSOR
void row_dots_backward(std::size_t rows, std::size_t group, std::size_t width, const float* __restrict a, const float* __restrict b, const float* __restrict ddots, float* __restrict da, float* __restrict db) {
    for (std::size_t i = 0; i < rows; ++i, a += width, da += width) {
        for (std::size_t j = 0; j < width; ++j) da[j] = 0;
        for (std::size_t g = 0; g < group; ++g, b += width, db += width) {
            const float d = *ddots++;
            for (std::size_t j = 0; j < width; ++j) {
                da[j] += d * b[j];
                db[j] = d * a[j];
            }
        }
    }
}

}  // namespace grapevine::kernels::layers
