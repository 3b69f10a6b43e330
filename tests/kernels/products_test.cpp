#include <barrier>
#include <filesystem>
#include <iterator>
#include <thread>

#include "reference.hpp"

using namespace grapevine;
using namespace grapevine::kernels;

namespace {

Exact product(const Gemm& s, const Values& a, const Values& b, const Values& c) {
    Exact out(s.m * s.n);
    for (std::size_t i = 0; i < s.m; ++i)
        for (std::size_t j = 0; j < s.n; ++j) {
            double sum = 0;
            for (std::size_t p = 0; p < s.k; ++p)
                sum += static_cast<double>(a[s.transpose_a ? p * s.m + i : i * s.k + p]) * b[s.transpose_b ? j * s.k + p : p * s.n + j];
            out[i * s.n + j] = s.alpha * sum + (s.beta == 0 ? 0 : s.beta * static_cast<double>(c[i * s.n + j]));
        }
    return out;
}

Values random_weights(std::size_t n, std::size_t seen, std::uint64_t seed) {  // so that outputs are about as large as inputs
    Values values = random_values(n, seed);
    for (float& v : values) v /= std::sqrt(static_cast<float>(seen));
    return values;
}

// What a layer of weights is tried with, and what it should give. The reference fills in what is expected.
struct Tried {
    Values x, weights, biases, dy;
    Exact y, dx, dweights, dbiases;
};

void mask(Exact& gradient, const Values& x) {
    for (std::size_t i = 0; i < x.size(); ++i)
        if (x[i] == 0) gradient[i] = 0;
}

Tried of(const Backend& backend, const Dense& s, bool with_biases) {
    Tried t;
    t.x = held(backend, random_values(s.rows * s.inputs, 1));
    if (s.x_is_relu) t.x = with_relu(t.x);
    t.weights = random_weights(s.inputs * s.outputs, s.inputs, 2);
    if (with_biases) t.biases = random_values(s.outputs, 3);
    t.dy = held(backend, random_values(s.rows * s.outputs, 4));
    const Values w = held(backend, t.weights);
    t.y.resize(s.rows * s.outputs);
    t.dx.resize(t.x.size());
    t.dweights.resize(w.size());
    t.dbiases.resize(t.biases.size());
    for (std::size_t i = 0; i < s.rows; ++i)
        for (std::size_t o = 0; o < s.outputs; ++o) {
            double sum = with_biases ? t.biases[o] : 0;
            const double d = t.dy[i * s.outputs + o];
            for (std::size_t p = 0; p < s.inputs; ++p) {
                sum += static_cast<double>(t.x[i * s.inputs + p]) * w[p * s.outputs + o];
                t.dx[i * s.inputs + p] += d * w[p * s.outputs + o];
                t.dweights[p * s.outputs + o] += d * t.x[i * s.inputs + p];
            }
            if (with_biases) t.dbiases[o] += d;
            t.y[i * s.outputs + o] = s.relu ? std::max(sum, 0.0) : sum;
        }
    if (s.x_is_relu) mask(t.dx, t.x);
    return t;
}

Tried of(const Backend& backend, const Convolution& s, bool with_biases) {
    Tried t;
    const Picture in = s.in, out = s.out();
    t.x = held(backend, random_values(s.rows * in.size(), 1));
    if (s.x_is_relu) t.x = with_relu(t.x);
    t.weights = random_weights(s.weights(), s.side * s.side * in.channels, 2);
    if (with_biases) t.biases = random_values(s.outputs, 3);
    t.dy = held(backend, random_values(s.rows * out.size(), 4));
    const Values w = held(backend, t.weights);
    t.y.resize(s.rows * out.size());
    t.dx.resize(t.x.size());
    t.dweights.resize(w.size());
    t.dbiases.resize(t.biases.size());
    for (std::size_t n = 0; n < s.rows; ++n)
        for (std::size_t i = 0; i < out.height; ++i)
            for (std::size_t j = 0; j < out.width; ++j)
                for (std::size_t o = 0; o < s.outputs; ++o) {
                    const std::size_t at = ((n * out.height + i) * out.width + j) * s.outputs + o;
                    double sum = with_biases ? t.biases[o] : 0;
                    const double d = t.dy[at];
                    for (std::size_t a = 0; a < s.side; ++a)
                        for (std::size_t b = 0; b < s.side; ++b) {
                            const std::size_t r = i * s.stride + a, c = j * s.stride + b;
                            if (r < s.padding || r - s.padding >= in.height || c < s.padding || c - s.padding >= in.width) continue;
                            for (std::size_t k = 0; k < in.channels; ++k) {
                                const std::size_t from = ((n * in.height + r - s.padding) * in.width + c - s.padding) * in.channels + k;
                                const std::size_t weight = ((a * s.side + b) * in.channels + k) * s.outputs + o;
                                sum += static_cast<double>(t.x[from]) * w[weight];
                                t.dx[from] += d * w[weight];
                                t.dweights[weight] += d * t.x[from];
                            }
                        }
                    if (with_biases) t.dbiases[o] += d;
                    t.y[at] = s.relu ? std::max(sum, 0.0) : sum;
                }
    if (s.x_is_relu) mask(t.dx, t.x);
    return t;
}

void forward(Backend& backend, const Dense& s, DeviceSpan x, DeviceSpan weights, DeviceSpan biases, DeviceSpan y) { backend.dense(s, x, weights, biases, y); }
void forward(Backend& backend, const Convolution& s, DeviceSpan x, DeviceSpan weights, DeviceSpan biases, DeviceSpan y) { backend.convolve(s, x, weights, biases, y); }
void backward(Backend& backend, const Dense& s, DeviceSpan x, DeviceSpan weights, DeviceSpan dy, DeviceSpan dx, DeviceSpan dweights, DeviceSpan dbiases) {
    backend.dense_backward(s, x, weights, dy, dx, dweights, dbiases);
}
void backward(Backend& backend, const Convolution& s, DeviceSpan x, DeviceSpan weights, DeviceSpan dy, DeviceSpan dx, DeviceSpan dweights, DeviceSpan dbiases) {
    backend.convolve_backward(s, x, weights, dy, dx, dweights, dbiases);
}

template <class Shape>
void check(Backend& backend, const Shape& s, bool with_biases, bool wanted) {
    const Tried t = of(backend, s, with_biases);
    const double off = allowed_of(backend);
    const DeviceSpan x = active(backend, t.x), weights = shadow_of(backend, t.weights), biases = with_biases ? on(backend, t.biases) : DeviceSpan{};
    const DeviceSpan y = active(backend, poison(t.y.size()));
    forward(backend, s, x, weights, biases, y);
    CHECK(error(backend, y, t.y) < off);

    const DeviceSpan dx = wanted ? active(backend, poison(t.dx.size())) : DeviceSpan{}, dweights = on(backend, poison(t.dweights.size()));
    const DeviceSpan dbiases = with_biases ? on(backend, poison(t.dbiases.size())) : DeviceSpan{}, dy = active(backend, t.dy);
    backward(backend, s, x, weights, dy, dx, dweights, dbiases);
    if (wanted) CHECK(error(backend, dx, t.dx) < off);
    CHECK(error(backend, dweights, t.dweights) < off);
    if (with_biases) CHECK(error(backend, dbiases, t.dbiases) < off);
    CHECK(back(backend, x) == t.x);
    CHECK(back(backend, dy) == t.dy);
}

}  // namespace

ON_EVERY_BACKEND("gemm multiplies, transposed or not, and adds to what was there only if told to") {
    struct Sizes {
        std::size_t m, n, k;
    };
    for (const Sizes size : {Sizes{0, 3, 4}, {3, 0, 4}, {3, 4, 0}, {1, 1, 1}, {5, 7, 3}, {6, 16, 256}, {7, 17, 257}, {64, 10, 128}, {97, 530, 31}, {128, 64, 300}, {25, 100, 1100}})
        for (int transposes = 0; transposes < 4; ++transposes)
            for (const float beta : {0.f, 1.f, -0.5f}) {
                const Gemm s{.m = size.m, .n = size.n, .k = size.k, .transpose_a = (transposes & 1) != 0,
                             .transpose_b = (transposes & 2) != 0, .alpha = beta == 0 ? 1.f : 0.75f, .beta = beta};
                CAPTURE(s.m);
                CAPTURE(s.n);
                CAPTURE(s.k);
                CAPTURE(transposes);
                CAPTURE(beta);
                const Values a = random_values(s.m * s.k, 1), b = random_values(s.k * s.n, 2);
                const Values before = beta == 0 ? poison(s.m * s.n) : random_values(s.m * s.n, 3);
                const DeviceSpan c = on(backend, before);
                backend.gemm(s, on(backend, a), on(backend, b), c);
                CHECK(error(backend, c, product(s, a, b, before)) < allowed);
            }
}

ON_EVERY_BACKEND("dense layers, there and back, with biases and ReLU or without") {
    struct Sizes {
        std::size_t rows, inputs, outputs;
    };
    for (const Sizes size : {Sizes{0, 3, 4}, {1, 1, 1}, {5, 7, 3}, {64, 784, 256}, {64, 128, 10}, {33, 257, 65}, {100, 48, 144}})
        for (int kind = 0; kind < 8; ++kind) {
            const Dense s{.rows = size.rows, .inputs = size.inputs, .outputs = size.outputs, .relu = (kind & 1) != 0, .x_is_relu = (kind & 2) != 0};
            CAPTURE(s.rows);
            CAPTURE(s.inputs);
            CAPTURE(s.outputs);
            CAPTURE(kind);
            check(backend, s, (kind & 4) == 0, kind != 5);
        }
}

ON_EVERY_BACKEND("convolutions, there and back, with biases and ReLU or without") {
    struct Sizes {
        std::size_t rows;
        Picture in;
        std::size_t outputs, side, stride, padding;
    };
    for (const Sizes size : {Sizes{0, {5, 7, 3}, 4, 3, 1, 1}, {1, {1, 1, 1}, 1, 1, 1, 0}, {2, {5, 7, 3}, 4, 3, 1, 1}, {3, {28, 28, 1}, 32, 3, 1, 1}, {2, {28, 28, 1}, 6, 5, 1, 2},
                             {3, {14, 14, 6}, 16, 5, 1, 0}, {3, {14, 14, 32}, 64, 3, 1, 1}, {9, {7, 9, 16}, 24, 3, 1, 1}, {2, {6, 5, 17}, 33, 3, 1, 0}, {2, {9, 9, 16}, 32, 3, 2, 1},
                             {2, {9, 8, 16}, 40, 1, 2, 0}, {5, {8, 8, 16}, 16, 3, 1, 1}, {3, {1, 1, 16}, 16, 3, 1, 1}, {2, {12, 3, 2}, 19, 3, 3, 2}})
        for (int kind = 0; kind < 8; ++kind) {
            const Convolution s{.rows = size.rows, .in = size.in, .outputs = size.outputs, .side = size.side, .stride = size.stride, .padding = size.padding,
                                .relu = (kind & 1) != 0, .x_is_relu = (kind & 2) != 0};
            CAPTURE(s.rows);
            CAPTURE(s.in.height);
            CAPTURE(s.in.width);
            CAPTURE(s.in.channels);
            CAPTURE(s.outputs);
            CAPTURE(s.side);
            CAPTURE(s.stride);
            CAPTURE(kind);
            check(backend, s, (kind & 4) == 0, kind != 5);
        }
}

ON_EVERY_BACKEND("ReLU does not hide what is not a number") {
    const DeviceSpan weights = shadow_of(backend, Values(9 * 3, 1)), biases = on(backend, Values(3, 1));
    const DeviceSpan y = active(backend, Values(2 * 3, 0));
    backend.dense({.rows = 2, .inputs = 4, .outputs = 3, .relu = true}, active(backend, poison(2 * 4)), weights.part(0, 12), biases, y);
    for (const float v : back(backend, y)) CHECK(std::isnan(v));
    const DeviceSpan z = active(backend, Values(4 * 3, 0));
    backend.convolve({.rows = 1, .in = {2, 2, 1}, .outputs = 3, .relu = true}, active(backend, poison(4)), weights, biases, z);
    for (const float v : back(backend, z)) CHECK(std::isnan(v));
}

namespace {

// Attention of one head of one text, in double: p (length, length) and o (length, head) from q, k, v (length, head).
struct Head {
    Exact q, k, v, p, o;
};
Head attended(std::size_t length, std::size_t head, Exact q, Exact k, Exact v) {
    Head h{std::move(q), std::move(k), std::move(v), Exact(length * length), Exact(length * head)};
    for (std::size_t i = 0; i < length; ++i) {
        double top = -INFINITY, sum = 0;
        Exact scores(i + 1);
        for (std::size_t j = 0; j <= i; ++j) {
            for (std::size_t d = 0; d < head; ++d) scores[j] += h.q[i * head + d] * h.k[j * head + d];
            scores[j] /= std::sqrt(static_cast<double>(head));
            top = std::max(top, scores[j]);
        }
        for (double& x : scores) sum += x = std::exp(x - top);
        for (std::size_t j = 0; j <= i; ++j) {
            h.p[i * length + j] = scores[j] / sum;
            for (std::size_t d = 0; d < head; ++d) h.o[i * head + d] += h.p[i * length + j] * h.v[j * head + d];
        }
    }
    return h;
}

}  // namespace

ON_EVERY_BACKEND("attention looks at what came before, there and back") {
    for (const Attention s : {Attention{0, 4, 8, 2}, {1, 1, 1, 1}, {2, 5, 6, 2}, {3, 17, 32, 4}, {2, 64, 48, 3}, {1, 33, 34, 1}}) {
        CAPTURE(s.rows);
        CAPTURE(s.length);
        CAPTURE(s.width);
        CAPTURE(s.heads);
        const std::size_t n = s.length, w = s.width, head = w / s.heads;
        const Values qkv = held(backend, random_values(s.rows * n * 3 * w, 1)), dout = held(backend, random_values(s.rows * n * w, 2));
        Exact probabilities(s.probabilities()), out(dout.size()), dqkv(qkv.size());
        for (std::size_t row = 0; row < s.rows; ++row)
            for (std::size_t h = 0; h < s.heads; ++h) {
                const auto at = [&](std::size_t part, std::size_t i, std::size_t d) { return (row * n + i) * 3 * w + part * w + h * head + d; };
                const auto of = [&](std::size_t part) {
                    Exact values(n * head);
                    for (std::size_t i = 0; i < n * head; ++i) values[i] = qkv[at(part, i / head, i % head)];
                    return values;
                };
                const Head one = attended(n, head, of(0), of(1), of(2));
                for (std::size_t i = 0; i < n; ++i) {
                    for (std::size_t d = 0; d < head; ++d) out[(row * n + i) * w + h * head + d] = one.o[i * head + d];
                    const auto grad = [&](std::size_t d) { return static_cast<double>(dout[(row * n + i) * w + h * head + d]); };
                    Exact dp(i + 1);
                    double along = 0;
                    for (std::size_t j = 0; j <= i; ++j) {
                        const double p = one.p[i * n + j];
                        probabilities[((row * s.heads + h) * n + i) * n + j] = p;
                        for (std::size_t d = 0; d < head; ++d) {
                            dp[j] += grad(d) * one.v[j * head + d];
                            dqkv[at(2, j, d)] += p * grad(d);
                        }
                        along += p * dp[j];
                    }
                    for (std::size_t j = 0; j <= i; ++j) {
                        const double ds = one.p[i * n + j] * (dp[j] - along) / std::sqrt(static_cast<double>(head));
                        for (std::size_t d = 0; d < head; ++d) {
                            dqkv[at(0, i, d)] += ds * one.k[j * head + d];
                            dqkv[at(1, j, d)] += ds * one.q[i * head + d];
                        }
                    }
                }
            }
        const DeviceSpan x = active(backend, qkv), p = active(backend, poison(probabilities.size())), y = active(backend, poison(out.size()));
        backend.attend(s, x, p, y);
        CHECK(error(backend, y, out) < allowed_of(backend));
        CHECK(error(backend, p, probabilities) < allowed_of(backend));
        const DeviceSpan dx = active(backend, poison(dqkv.size()));
        backend.attend_backward(s, x, p, active(backend, dout), dx);
        CHECK(error(backend, dx, dqkv) < allowed_of(backend));
    }
}

ON_EVERY_BACKEND("the same calls give the same bits, whichever thread makes them") {
    const Dense dense{.rows = 64, .inputs = 784, .outputs = 256, .relu = true};
    const Convolution convolution{.rows = 5, .in = {28, 28, 1}, .outputs = 32, .relu = true}, second{.rows = 5, .in = {14, 14, 32}, .outputs = 64};
    const DeviceSpan x = active(backend, random_values(64 * 784, 1)), weights = shadow_of(backend, random_values(784 * 256, 2)), biases = on(backend, random_values(256, 3));
    const auto run = [&] {
        const DeviceSpan y = active(backend, poison(64 * 256)), dw = on(backend, poison(784 * 256)), db = on(backend, poison(256));
        backend.dense(dense, x, weights, biases, y);
        backend.dense_backward(dense, x, weights, y, {}, dw, db);
        const DeviceSpan z = active(backend, poison(5 * 784 * 32)), u = active(backend, poison(5 * 196 * 64)), du = on(backend, poison(9 * 32 * 64));
        backend.convolve(convolution, x.part(0, 5 * 784), weights.part(0, 9 * 32), biases.part(0, 32), z);
        const DeviceSpan v = z.part(0, 5 * 196 * 32), dv = active(backend, poison(v.size));
        backend.convolve(second, v, weights.part(0, 9 * 32 * 64), biases.part(0, 64), u);
        backend.convolve_backward(second, v, weights.part(0, 9 * 32 * 64), u, dv, du, db.part(0, 64));
        Values result = back(backend, y);
        for (const DeviceSpan span : {dw, db, z, u, dv, du}) {
            const Values more = back(backend, span);
            result.insert(result.end(), more.begin(), more.end());
        }
        result.push_back(static_cast<float>(backend.squared_norm(dw)));
        return result;
    };
    const Values first = run();
    Values second_time;
    std::thread([&] { second_time = run(); }).join();
    CHECK(std::memcmp(first.data(), second_time.data(), first.size() * sizeof(float)) == 0);
}

TEST_CASE("learners with a thread each start no others") {
    const auto threads = [] { return std::distance(std::filesystem::directory_iterator("/proc/self/task"), {}); };
    const auto before = threads();
    constexpr int learners = 4;
    std::barrier worked(learners + 1), counted(learners + 1);
    std::vector<std::thread> all;
    for (int i = 0; i < learners; ++i)
        all.emplace_back([&] {
            const auto backend = make_cpu_backend(1);
            const DeviceSpan a = backend->allocate(256 * 512), b = backend->allocate(512 * 512), c = backend->allocate(256 * 512), biases = backend->allocate(512);
            backend->dense({.rows = 256, .inputs = 512, .outputs = 512, .relu = true}, a, b, biases, c);
            backend->dense_backward({.rows = 256, .inputs = 512, .outputs = 512, .relu = true}, a, b, c, a, b, biases);
            worked.arrive_and_wait();
            counted.arrive_and_wait();
        });
    worked.arrive_and_wait();
    CHECK(threads() == before + learners);  // libraries keep theirs, so any that one had started would still be there
    counted.arrive_and_wait();
    for (std::thread& t : all) t.join();
}
