#include "loops.hpp"

#include <algorithm>
#include <cmath>

#include "clones.hpp"

// Built with contraction into fused multiply-adds and at -O3: written so that the compiler vectorises each.
//
// Long sums are kept in `lanes` floats side by side over a block, and blocks are added in double: a fixed order
// (the same bits on every run), as fast as memory gives, and many small squares do not vanish in a float.
namespace grapevine::kernels::loops {
namespace {

constexpr std::size_t lanes = 64, block = 4096;

double total(const float* sums) {
    double sum = 0;
    for (std::size_t l = 0; l < lanes; ++l) sum += sums[l];
    return sum;
}

}  // namespace

GRAPEVINE_FOR_EVERY_PROCESSOR
void normalise(const std::uint8_t* __restrict from, std::size_t n, Normalisation how, float* __restrict to) {
    for (std::size_t i = 0; i < n; ++i) to[i] = how.scale * static_cast<float>(from[i]) + how.shift;
}

GRAPEVINE_FOR_EVERY_PROCESSOR
void normalise(const float* __restrict from, std::size_t n, Normalisation how, float* __restrict to) {
    for (std::size_t i = 0; i < n; ++i) to[i] = how.scale * from[i] + how.shift;
}

GRAPEVINE_FOR_EVERY_PROCESSOR
void axpby(std::size_t n, float a, const float* x, float b, float* y) {
    if (b == 0)
        for (std::size_t i = 0; i < n; ++i) y[i] = a * x[i];
    else
        for (std::size_t i = 0; i < n; ++i) y[i] = a * x[i] + b * y[i];
}

GRAPEVINE_FOR_EVERY_PROCESSOR
double squared_norm(std::size_t n, const float* x) {
    double sum = 0;
    for (std::size_t begin = 0; begin < n; begin += block) {
        const std::size_t end = std::min(n, begin + block), whole = begin + (end - begin) / lanes * lanes;
        float sums[lanes] = {};
        for (std::size_t i = begin; i < whole; i += lanes)
            for (std::size_t l = 0; l < lanes; ++l) sums[l] += x[i + l] * x[i + l];
        for (std::size_t i = whole; i < end; ++i) sums[i - whole] += x[i] * x[i];
        sum += total(sums);
    }
    return sum;
}

GRAPEVINE_FOR_EVERY_PROCESSOR
double squared_distance(std::size_t n, const float* x, const float* y) {
    double sum = 0;
    for (std::size_t begin = 0; begin < n; begin += block) {
        const std::size_t end = std::min(n, begin + block), whole = begin + (end - begin) / lanes * lanes;
        float sums[lanes] = {};
        for (std::size_t i = begin; i < whole; i += lanes)
            for (std::size_t l = 0; l < lanes; ++l) {
                const float d = x[i + l] - y[i + l];
                sums[l] += d * d;
            }
        for (std::size_t i = whole; i < end; ++i) sums[i - whole] += (x[i] - y[i]) * (x[i] - y[i]);
        sum += total(sums);
    }
    return sum;
}

GRAPEVINE_FOR_EVERY_PROCESSOR
void bias(std::size_t m, std::size_t n, const float* __restrict biases, float* __restrict x) {
    for (std::size_t i = 0; i < m; ++i, x += n)
        for (std::size_t j = 0; j < n; ++j) x[j] += biases[j];
}

GRAPEVINE_FOR_EVERY_PROCESSOR
void bias_relu(std::size_t m, std::size_t n, const float* __restrict biases, float* __restrict x) {
    for (std::size_t i = 0; i < m; ++i, x += n)
        for (std::size_t j = 0; j < n; ++j) {
            const float sum = x[j] + biases[j];
            x[j] = sum < 0 ? 0 : sum;  // what is not a number stays so, and is seen
        }
}

GRAPEVINE_FOR_EVERY_PROCESSOR
void column_sums(std::size_t m, std::size_t n, const float* __restrict x, float* __restrict sums) {
    for (std::size_t j = 0; j < n; ++j) sums[j] = 0;
    for (std::size_t i = 0; i < m; ++i, x += n)
        for (std::size_t j = 0; j < n; ++j) sums[j] += x[j];
}

GRAPEVINE_FOR_EVERY_PROCESSOR
void relu(std::size_t n, float* x) {
    for (std::size_t i = 0; i < n; ++i) x[i] = x[i] < 0 ? 0 : x[i];
}

GRAPEVINE_FOR_EVERY_PROCESSOR
void mask(std::size_t n, const float* __restrict activations, float* __restrict gradient) {
    for (std::size_t i = 0; i < n; ++i) gradient[i] = activations[i] == 0 ? 0 : gradient[i];
}

GRAPEVINE_FOR_EVERY_PROCESSOR
void add(std::size_t n, const float* x, const float* y, float* to) {
    for (std::size_t i = 0; i < n; ++i) to[i] = x[i] + y[i];
}

GRAPEVINE_FOR_EVERY_PROCESSOR
void add_relu(std::size_t n, const float* x, const float* y, float* to) {
    for (std::size_t i = 0; i < n; ++i) {
        const float sum = x[i] + y[i];
        to[i] = sum < 0 ? 0 : sum;
    }
}

GRAPEVINE_FOR_EVERY_PROCESSOR
static void sgd(std::size_t n, float rate, float decay, const float* __restrict g, float* __restrict p) {
    for (std::size_t i = 0; i < n; ++i) p[i] -= rate * (g[i] + decay * p[i]);
}

GRAPEVINE_FOR_EVERY_PROCESSOR
static void momentum(std::size_t n, float rate, float mu, float decay, const float* __restrict g,
                     float* __restrict v, float* __restrict p) {
    for (std::size_t i = 0; i < n; ++i) {
        const float velocity = mu * v[i] + (g[i] + decay * p[i]);
        v[i] = velocity;
        p[i] -= rate * velocity;
    }
}

GRAPEVINE_FOR_EVERY_PROCESSOR
static void nesterov(std::size_t n, float rate, float mu, float decay, const float* __restrict g,
                     float* __restrict v, float* __restrict p) {
    for (std::size_t i = 0; i < n; ++i) {
        const float d = g[i] + decay * p[i], velocity = mu * v[i] + d;
        v[i] = velocity;
        p[i] -= rate * (d + mu * velocity);
    }
}

GRAPEVINE_FOR_EVERY_PROCESSOR
static void adamw(std::size_t n, const Step& how, const Rates& now, const float* __restrict g, float* __restrict m, float* __restrict v, float* __restrict p) {
    const float beta1 = how.mu, beta2 = how.beta2;
    for (std::size_t i = 0; i < n; ++i) {
        m[i] = beta1 * m[i] + (1 - beta1) * g[i];
        v[i] = beta2 * v[i] + (1 - beta2) * g[i] * g[i];
        p[i] -= now.rate * (m[i] * now.correction1 / (std::sqrt(v[i] * now.correction2) + how.epsilon) + how.weight_decay * p[i]);
    }
}

void step(const Step& how, const Rates& now, std::size_t n, const float* gradient, float* first, float* second, float* parameters) {
    switch (how.rule) {
        case Step::Rule::sgd: return sgd(n, now.rate, how.weight_decay, gradient, parameters);
        case Step::Rule::momentum: return momentum(n, now.rate, how.mu, how.weight_decay, gradient, first, parameters);
        case Step::Rule::nesterov: return nesterov(n, now.rate, how.mu, how.weight_decay, gradient, first, parameters);
        case Step::Rule::adamw: return adamw(n, how, now, gradient, first, second, parameters);
    }
}

GRAPEVINE_FOR_EVERY_PROCESSOR
Mixed mix(std::size_t n, float a, float* __restrict ours, float b, const float* __restrict theirs) {
    const bool replaced = a == 0;  // then ours may be no number at all: a peer that diverged starts afresh
    Mixed mixed;
    for (std::size_t begin = 0; begin < n; begin += block) {
        const std::size_t end = std::min(n, begin + block), whole = begin + (end - begin) / lanes * lanes;
        float distances[lanes] = {}, norms[lanes] = {};
        for (std::size_t i = begin; i < whole; i += lanes)
            for (std::size_t l = 0; l < lanes; ++l) {
                const float x = ours[i + l], y = theirs[i + l], d = y - x;
                distances[l] += d * d;
                norms[l] += x * x;
                ours[i + l] = (replaced ? 0 : a * x) + b * y;
            }
        for (std::size_t i = whole; i < end; ++i) {
            const float x = ours[i], y = theirs[i], d = y - x;
            distances[i - whole] += d * d;
            norms[i - whole] += x * x;
            ours[i] = (replaced ? 0 : a * x) + b * y;
        }
        mixed.squared_distance += total(distances);
        mixed.squared_norm += total(norms);
    }
    return mixed;
}

}  // namespace grapevine::kernels::loops
