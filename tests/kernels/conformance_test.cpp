#include <cstring>
#include <thread>

#include "reference.hpp"

using namespace grapevine;
using namespace grapevine::kernels;

namespace {

// Odd, empty, below and above every block and vector length.
const std::size_t lengths[] = {0, 1, 3, 15, 16, 17, 63, 64, 65, 1000, 4095, 4096, 4097, 20'011};

struct Shape {
    std::size_t rows, columns;
};
const Shape shapes[] = {{0, 5}, {1, 1}, {1, 10}, {3, 7}, {6, 16}, {64, 10}, {65, 129}, {257, 33}};

Exact product(const Gemm& s, const Values& a, const Values& b, const Values& c) {
    Exact out(s.m * s.n);
    for (std::size_t i = 0; i < s.m; ++i)
        for (std::size_t j = 0; j < s.n; ++j) {
            double sum = 0;
            for (std::size_t p = 0; p < s.k; ++p)
                sum += static_cast<double>(a[s.transpose_a ? p * s.m + i : i * s.k + p]) *
                       b[s.transpose_b ? j * s.k + p : p * s.n + j];
            out[i * s.n + j] = s.alpha * sum + (s.beta == 0 ? 0 : s.beta * static_cast<double>(c[i * s.n + j]));
        }
    return out;
}

}  // namespace

ON_EVERY_BACKEND("memory starts at zero, and what goes up comes back") {
    for (const std::size_t n : lengths) {
        CAPTURE(n);
        const DeviceSpan span = backend.allocate(n);
        CHECK(back(backend, span) == Values(n, 0));
        const Values values = random_values(n, n);
        backend.upload(std::span<const float>(values), span);
        CHECK(back(backend, span) == values);
    }
}

ON_EVERY_BACKEND("scratch is as large as was asked for, each time") {
    for (const std::size_t n : {10, 100'000, 5}) {
        const DeviceSpan span = backend.scratch(n);
        CHECK(span.size == n);
        const Values values = random_values(n, n);
        backend.upload(std::span<const float>(values), span);
        CHECK(back(backend, span) == values);
    }
}

ON_EVERY_BACKEND("clear makes parts of a block zero") {
    const DeviceSpan block = on(backend, poison(300));
    const Part parts[] = {{0, 1}, {63, 129}, {300, 0}};
    backend.clear(block, parts);
    const Values now = back(backend, block);
    for (const Part& p : parts)
        for (std::size_t i = p.offset; i < p.offset + p.count; ++i) CHECK(now[i] == 0);
}

ON_EVERY_BACKEND("gather brings rows together and normalises them") {
    const std::size_t table_rows = 50;
    for (const std::size_t width : {std::size_t{1}, std::size_t{7}, std::size_t{784}}) {
        std::vector<std::uint8_t> bytes(table_rows * width);
        for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i * 37 + i / 256);
        const Values floats = random_values(table_rows * width, width);
        for (const auto& rows : {std::vector<std::int32_t>{}, {49, 0, 7, 7, 31}}) {
            CAPTURE(width);
            const Normalisation how{0.25f, -1.5f};
            Exact from_bytes, from_floats;
            for (const std::int32_t r : rows)
                for (std::size_t f = 0; f < width; ++f) {
                    const std::size_t at = static_cast<std::size_t>(r) * width + f;
                    from_bytes.push_back(0.25 * bytes[at] - 1.5);
                    from_floats.push_back(0.25 * floats[at] - 1.5);
                }
            const DeviceSpan to = on(backend, poison(rows.size() * width));
            const IndexSpan staged = on(backend, rows);
            backend.gather(backend.keep(std::span<const std::uint8_t>(bytes)), width, width, staged, how, to);
            CHECK(error(back(backend, to), from_bytes) < allowed);
            backend.gather(backend.keep(std::span<const float>(floats)), width, width, staged, how, to);
            CHECK(error(back(backend, to), from_floats) < allowed);
        }
    }
}

ON_EVERY_BACKEND("gemm multiplies, transposed or not, and adds to what was there only if told to") {
    struct Sizes {
        std::size_t m, n, k;
    };
    for (const Sizes size : {Sizes{0, 3, 4}, {3, 0, 4}, {3, 4, 0}, {1, 1, 1}, {5, 7, 3}, {6, 16, 256}, {7, 17, 257},
                             {64, 10, 128}, {97, 530, 31}, {128, 64, 300}})
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
                CHECK(error(back(backend, c), product(s, a, b, before)) < allowed);
            }
}

ON_EVERY_BACKEND("axpby scales and adds, and with b = 0 does not read y") {
    for (const std::size_t n : lengths)
        for (const float b : {0.f, 1.f, -0.25f}) {
            CAPTURE(n);
            CAPTURE(b);
            const Values x = random_values(n, 1), y = b == 0 ? poison(n) : random_values(n, 2);
            Exact expected(n);
            for (std::size_t i = 0; i < n; ++i) expected[i] = 1.5 * x[i] + (b == 0 ? 0 : static_cast<double>(b) * y[i]);
            const DeviceSpan out = on(backend, y);
            backend.axpby(1.5f, on(backend, x), b, out);
            CHECK(error(back(backend, out), expected) < allowed);
        }
}

ON_EVERY_BACKEND("squared norm and distance") {
    for (const std::size_t n : lengths) {
        CAPTURE(n);
        const Values x = random_values(n, 1), y = random_values(n, 2);
        double norm = 0, distance = 0;
        for (std::size_t i = 0; i < n; ++i) {
            norm += static_cast<double>(x[i]) * x[i];
            distance += (static_cast<double>(x[i]) - y[i]) * (static_cast<double>(x[i]) - y[i]);
        }
        const DeviceSpan a = on(backend, x), b = on(backend, y);
        CHECK(std::abs(backend.squared_norm(a) - norm) <= allowed * norm);
        CHECK(std::abs(backend.squared_distance(a, b) - distance) <= allowed * distance);
        CHECK(backend.squared_distance(a, a) == 0);
    }
}

ON_EVERY_BACKEND("a dense layer there and back, with ReLU and without") {
    for (const Shape s : shapes)
        for (const bool relu : {false, true}) {
            CAPTURE(s.rows);
            CAPTURE(s.columns);
            CAPTURE(relu);
            const Dense layer{.rows = s.rows, .inputs = 9, .outputs = s.columns, .relu = relu, .x_is_relu = relu};
            Values x = random_values(s.rows * 9, 1);
            if (relu)
                for (float& v : x) v = std::max(v, 0.f);
            const Values w = random_values(9 * s.columns, 2), biases = random_values(s.columns, 3);
            Exact y = product({.m = s.rows, .n = s.columns, .k = 9}, x, w, {});
            for (std::size_t i = 0; i < y.size(); ++i) {
                y[i] += biases[i % s.columns];
                if (relu) y[i] = std::max(0.0, y[i]);
            }
            const DeviceSpan dx = on(backend, poison(x.size())), dw = on(backend, poison(w.size())), db = on(backend, poison(s.columns)), out = on(backend, poison(y.size()));
            const DeviceSpan on_x = on(backend, x), on_w = on(backend, w);
            backend.dense(layer, on_x, backend.shadow(on_w), on(backend, biases), out);
            CHECK(error(back(backend, out), y) < allowed);

            const Values dy = random_values(y.size(), 4);
            Exact sums(s.columns), masked = product({.m = s.rows, .n = 9, .k = s.columns, .transpose_b = true}, dy, w, {});
            for (std::size_t i = 0; i < dy.size(); ++i) sums[i % s.columns] += dy[i];
            for (std::size_t i = 0; relu && i < x.size(); ++i)
                if (x[i] == 0) masked[i] = 0;
            backend.dense_backward(layer, on_x, backend.shadow(on_w), on(backend, dy), dx, dw, db);
            CHECK(error(back(backend, dx), masked) < allowed);
            CHECK(error(back(backend, dw), product({.m = 9, .n = s.columns, .k = s.rows, .transpose_a = true}, x, dy, {})) < allowed);
            CHECK(error(back(backend, db), sums) < allowed);
        }
}

ON_EVERY_BACKEND("ReLU does not hide what is not a number") {
    const DeviceSpan y = on(backend, Values(3, 0)), w = on(backend, Values(3, 1));
    backend.dense({.rows = 1, .inputs = 1, .outputs = 3, .relu = true}, on(backend, poison(1)), backend.shadow(w), on(backend, Values(3, 1)), y);
    for (const float v : back(backend, y)) CHECK(std::isnan(v));
}

ON_EVERY_BACKEND("softmax, cross-entropy and their gradient") {
    for (const Shape s : shapes)
        for (const float height : {1.f, 300.f}) {  // exponentials of 300 overflow unless care is taken
            CAPTURE(s.rows);
            CAPTURE(s.columns);
            CAPTURE(height);
            Values logits = random_values(s.rows * s.columns, 1);
            for (float& x : logits) x *= height;
            std::vector<std::int32_t> targets(s.rows);
            Random random(3);
            Exact expected(logits.size());
            double sum = 0;
            std::uint64_t correct = 0;
            for (std::size_t i = 0; i < s.rows; ++i) {
                const float* const x = &logits[i * s.columns];
                const auto target = random.below(s.columns);
                targets[i] = static_cast<std::int32_t>(target);
                std::size_t largest = 0;
                for (std::size_t j = 0; j < s.columns; ++j)
                    if (x[j] > x[largest]) largest = j;
                double exponentials = 0;
                for (std::size_t j = 0; j < s.columns; ++j) exponentials += std::exp(static_cast<double>(x[j]) - x[largest]);
                for (std::size_t j = 0; j < s.columns; ++j)
                    expected[i * s.columns + j] =
                        (std::exp(static_cast<double>(x[j]) - x[largest]) / exponentials - (j == target)) /
                        static_cast<double>(s.rows);
                sum += std::log(exponentials) + x[largest] - x[target];
                correct += largest == target;
            }
            backend.take_losses();
            const DeviceSpan x = on(backend, logits);
            backend.softmax_cross_entropy(s.columns, on(backend, targets), x);
            CHECK(error(back(backend, x), expected) < allowed);
            const Losses losses = backend.take_losses();
            CHECK(std::abs(losses.sum - sum) <= allowed * sum);
            CHECK(losses.correct == correct);
            CHECK(losses.rows == s.rows);
            CHECK(backend.take_losses().rows == 0);
        }
}

ON_EVERY_BACKEND("steps by each rule, with weight decay") {
    for (const auto rule : {Step::Rule::sgd, Step::Rule::momentum, Step::Rule::nesterov})
        for (const std::size_t n : lengths) {
            CAPTURE(static_cast<int>(rule));
            CAPTURE(n);
            Step how;
            how.rule = rule, how.mu = 0.9f, how.weight_decay = 0.01f;
            const Values rates = {0.1f, 1, 1, 0};
            const double rate = rates[0], mu = how.mu, decay = how.weight_decay;
            const Values g = random_values(n, 1), v = random_values(n, 2), p = random_values(n, 3);
            Exact velocity(n), parameters(n);
            for (std::size_t i = 0; i < n; ++i) {
                const double d = g[i] + decay * p[i];
                velocity[i] = mu * v[i] + d;
                parameters[i] = p[i] - rate * (rule == Step::Rule::sgd        ? d
                                               : rule == Step::Rule::momentum ? velocity[i]
                                                                              : d + mu * velocity[i]);
            }
            const DeviceSpan dv = rule == Step::Rule::sgd ? DeviceSpan{} : on(backend, v), dp = on(backend, p);
            backend.step(how, on(backend, rates), {}, on(backend, g), dv, {}, dp);
            CHECK(error(back(backend, dp), parameters) < allowed);
            if (rule != Step::Rule::sgd) CHECK(error(back(backend, dv), velocity) < allowed);
        }
}

ON_EVERY_BACKEND("mix weighs both, and says how far apart they were before") {
    for (const std::size_t n : lengths) {
        CAPTURE(n);
        const Values ours = random_values(n, 1), theirs = random_values(n, 2);
        Exact expected(n);
        double distance = 0, norm = 0;
        for (std::size_t i = 0; i < n; ++i) {
            expected[i] = 0.75 * ours[i] + 0.5 * theirs[i];
            distance += (static_cast<double>(theirs[i]) - ours[i]) * (static_cast<double>(theirs[i]) - ours[i]);
            norm += static_cast<double>(ours[i]) * ours[i];
        }
        const DeviceSpan x = on(backend, ours);
        const Mixed mixed = backend.mix(0.75f, x, 0.5f, theirs);
        CHECK(error(back(backend, x), expected) < allowed);
        CHECK(std::abs(mixed.squared_distance - distance) <= allowed * distance);
        CHECK(std::abs(mixed.squared_norm - norm) <= allowed * norm);

        const DeviceSpan diverged = on(backend, poison(n));
        backend.mix(0, diverged, 1, theirs);
        CHECK(back(backend, diverged) == theirs);
    }
}

ON_EVERY_BACKEND("halves of equals are what they were, to the bit") {
    const Values x = random_values(1001, 1);
    const DeviceSpan span = on(backend, x);
    const Mixed mixed = backend.mix(0.5f, span, 0.5f, x);
    CHECK(back(backend, span) == x);
    CHECK(mixed.squared_distance == 0);
}

ON_EVERY_BACKEND("the same calls give the same bits, whichever thread makes them") {
    const Values a = random_values(64 * 784, 1), b = random_values(784 * 256, 2);
    const auto run = [&] {
        const DeviceSpan c = backend.allocate(64 * 256);
        backend.gemm({.m = 64, .n = 256, .k = 784}, on(backend, a), on(backend, b), c);
        Values result = back(backend, c);
        result.push_back(static_cast<float>(backend.squared_norm(c)));
        return result;
    };
    const Values first = run();
    Values second;
    std::thread([&] { second = run(); }).join();
    CHECK(std::memcmp(first.data(), second.data(), first.size() * sizeof(float)) == 0);
}
