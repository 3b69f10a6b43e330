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
        backend.upload(values, span);
        CHECK(back(backend, span) == values);
    }
}

ON_EVERY_BACKEND("scratch is as large as was asked for, each time") {
    for (const std::size_t n : {10, 100'000, 5}) {
        const DeviceSpan span = backend.scratch(n);
        CHECK(span.size == n);
        const Values values = random_values(n, n);
        backend.upload(values, span);
        CHECK(back(backend, span) == values);
    }
}

ON_EVERY_BACKEND("gather brings rows together and normalises them") {
    const std::size_t table_rows = 50;
    for (const std::size_t width : {std::size_t{1}, std::size_t{7}, std::size_t{784}}) {
        std::vector<std::uint8_t> bytes(table_rows * width);
        for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i * 37 + i / 256);
        const Values floats = random_values(table_rows * width, width);
        for (const auto& rows : {std::vector<std::uint32_t>{}, {49, 0, 7, 7, 31}}) {
            CAPTURE(width);
            const Normalisation how{0.25f, -1.5f};
            Exact from_bytes, from_floats;
            for (const std::uint32_t r : rows)
                for (std::size_t f = 0; f < width; ++f) {
                    from_bytes.push_back(0.25 * bytes[r * width + f] - 1.5);
                    from_floats.push_back(0.25 * floats[r * width + f] - 1.5);
                }
            const DeviceSpan to = on(backend, poison(rows.size() * width));
            backend.gather(bytes, width, rows, how, to);
            CHECK(error(back(backend, to), from_bytes) < allowed);
            backend.gather(floats, width, rows, how, to);
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

ON_EVERY_BACKEND("bias, with ReLU and without") {
    for (const Shape s : shapes) {
        CAPTURE(s.rows);
        CAPTURE(s.columns);
        const Values x = random_values(s.rows * s.columns, 1), biases = random_values(s.columns, 2);
        Exact sums(x.size()), cut(x.size());
        for (std::size_t i = 0; i < x.size(); ++i) {
            sums[i] = static_cast<double>(x[i]) + biases[i % s.columns];
            cut[i] = std::max(0.0, sums[i]);
        }
        const DeviceSpan plain = on(backend, x), relu = on(backend, x), b = on(backend, biases);
        backend.bias(b, plain);
        backend.bias_relu(b, relu);
        CHECK(error(back(backend, plain), sums) < allowed);
        CHECK(error(back(backend, relu), cut) < allowed);
    }
}

ON_EVERY_BACKEND("ReLU does not hide what is not a number") {
    const DeviceSpan x = on(backend, poison(3));
    backend.bias_relu(on(backend, Values(3, 1)), x);
    for (const float v : back(backend, x)) CHECK(std::isnan(v));
}

ON_EVERY_BACKEND("column sums, and ReLU backward") {
    for (const Shape s : shapes) {
        CAPTURE(s.rows);
        CAPTURE(s.columns);
        const Values gradient = random_values(s.rows * s.columns, 1);
        Values activations = random_values(s.rows * s.columns, 2);
        for (float& a : activations) a = std::max(a, 0.f);
        Exact sums(s.columns), kept(gradient.size()), kept_sums(s.columns);
        for (std::size_t i = 0; i < gradient.size(); ++i) {
            kept[i] = activations[i] > 0 ? gradient[i] : 0;
            sums[i % s.columns] += gradient[i];
            kept_sums[i % s.columns] += kept[i];
        }
        const DeviceSpan g = on(backend, gradient), out = on(backend, poison(s.columns));
        backend.column_sums(g, out);
        CHECK(error(back(backend, out), sums) < allowed);
        CHECK(back(backend, g) == gradient);
        const DeviceSpan out2 = on(backend, poison(s.columns));
        backend.relu_backward(on(backend, activations), g, out2);
        CHECK(error(back(backend, g), kept) < allowed);
        CHECK(error(back(backend, out2), kept_sums) < allowed);
    }
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
            backend.softmax_cross_entropy(s.columns, targets, x);
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
            const Step how{rule, 0.1f, 0.9f, 0.01f};
            const double rate = how.rate, mu = how.mu, decay = how.weight_decay;
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
            backend.step(how, on(backend, g), dv, dp);
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
        const DeviceSpan c = backend.allocate(64 * 256), sums = backend.allocate(256);
        backend.gemm({.m = 64, .n = 256, .k = 784}, on(backend, a), on(backend, b), c);
        backend.column_sums(c, sums);
        Values result = back(backend, sums);
        result.push_back(static_cast<float>(backend.squared_norm(c)));
        return result;
    };
    const Values first = run();
    Values second;
    std::thread([&] { second = run(); }).join();
    CHECK(std::memcmp(first.data(), second.data(), first.size() * sizeof(float)) == 0);
}
