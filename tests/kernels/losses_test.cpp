#include "reference.hpp"

using namespace grapevine;
using namespace grapevine::kernels;

namespace {

struct Shape {
    std::size_t rows, columns;
};
const Shape shapes[] = {{0, 5}, {1, 1}, {1, 10}, {3, 7}, {6, 16}, {64, 10}, {65, 129}, {257, 33}, {31, 256}};

// What a loss is of these outputs: the sum over the rows, how many are right, and the gradient of the mean.
struct Expected {
    double sum = 0;
    std::uint64_t correct = 0;
    Exact gradient;
};

std::size_t largest_of(const float* x, std::size_t n) {
    std::size_t largest = 0;
    for (std::size_t j = 0; j < n; ++j)
        if (x[j] > x[largest]) largest = j;
    return largest;
}

void check(Backend& backend, DeviceSpan outputs, std::size_t rows, const Expected& expected) {
    CHECK(error(backend, outputs, expected.gradient) < allowed_of(backend));
    const Losses losses = backend.take_losses();
    CHECK(std::abs(losses.sum - expected.sum) <= allowed * expected.sum);  // summed in float32 or better, also of bf16
    CHECK(losses.correct == expected.correct);
    CHECK(losses.rows == rows);
    CHECK(backend.take_losses().rows == 0);
}

}  // namespace

ON_EVERY_BACKEND("softmax, cross-entropy and their gradient") {
    for (const Shape s : shapes)
        for (const float height : {1.f, 300.f}) {  // exponentials of 300 overflow unless care is taken
            CAPTURE(s.rows);
            CAPTURE(s.columns);
            CAPTURE(height);
            Values logits = random_values(s.rows * s.columns, 1);
            for (float& x : logits) x *= height;
            logits = held(backend, logits);
            const Indices targets = random_indices(s.rows, s.columns, 3);
            Expected expected{.gradient = Exact(logits.size())};
            for (std::size_t i = 0; i < s.rows; ++i) {
                const float* const x = &logits[i * s.columns];
                const auto target = static_cast<std::size_t>(targets[i]);
                const double top = x[largest_of(x, s.columns)];
                double exponentials = 0;
                for (std::size_t j = 0; j < s.columns; ++j) exponentials += std::exp(x[j] - top);
                for (std::size_t j = 0; j < s.columns; ++j)
                    expected.gradient[i * s.columns + j] = (std::exp(x[j] - top) / exponentials - (j == target)) / static_cast<double>(s.rows);
                expected.sum += std::log(exponentials) + top - x[target];
                expected.correct += largest_of(x, s.columns) == target;
            }
            backend.take_losses();
            const DeviceSpan x = active(backend, logits);
            backend.softmax_cross_entropy(s.columns, on(backend, targets), x);
            check(backend, x, s.rows, expected);
        }
}

ON_EVERY_BACKEND("the hinge over all classes, and its gradient") {
    for (const Shape s : shapes)
        for (const float height : {0.1f, 2.f}) {
            CAPTURE(s.rows);
            CAPTURE(s.columns);
            CAPTURE(height);
            Values outputs = random_values(s.rows * s.columns, 1);
            for (float& x : outputs) x *= height;
            outputs = held(backend, outputs);
            const Indices targets = random_indices(s.rows, s.columns, 3);
            Expected expected{.gradient = Exact(outputs.size())};
            const double share = 1 / static_cast<double>(s.rows * s.columns);
            for (std::size_t i = 0; i < s.rows; ++i) {
                const float* const x = &outputs[i * s.columns];
                const auto target = static_cast<std::size_t>(targets[i]);
                for (std::size_t j = 0; j < s.columns; ++j) {
                    const double margin = 1 + static_cast<double>(x[j]) - x[target];
                    if (j == target || margin <= 0) continue;
                    expected.sum += margin / static_cast<double>(s.columns);
                    expected.gradient[i * s.columns + j] += share;
                    expected.gradient[i * s.columns + target] -= share;
                }
                expected.correct += largest_of(x, s.columns) == target;
            }
            backend.take_losses();
            const DeviceSpan x = active(backend, outputs);
            backend.hinge(s.columns, on(backend, targets), x);
            check(backend, x, s.rows, expected);
        }
}

ON_EVERY_BACKEND("squared error, and its gradient") {
    for (const std::size_t n : lengths) {
        CAPTURE(n);
        const Values targets = random_values(n, 1), outputs = held(backend, random_values(n, 2));
        Expected expected{.gradient = Exact(n)};
        for (std::size_t i = 0; i < n; ++i) {
            const double difference = static_cast<double>(outputs[i]) - targets[i];
            expected.sum += difference * difference;
            expected.gradient[i] = 2 * difference / static_cast<double>(n);
        }
        backend.take_losses();
        const DeviceSpan x = active(backend, outputs);
        backend.squared_error(on(backend, targets), x);
        check(backend, x, n, expected);
    }
}

ON_EVERY_BACKEND("pairs that are, and pairs that are not") {
    for (const Shape s : {Shape{0, 6}, {1, 1}, {3, 2}, {64, 6}, {257, 33}})
        for (const float height : {1.f, 60.f}) {  // exponentials of 100 overflow
            CAPTURE(s.rows);
            CAPTURE(s.columns);
            CAPTURE(height);
            Values scores = random_values(s.rows * s.columns, 1);
            for (float& x : scores) x *= height;
            scores = held(backend, scores);
            Expected expected{.gradient = Exact(scores.size())};
            for (std::size_t i = 0; i < s.rows; ++i) {
                const float* const x = &scores[i * s.columns];
                for (std::size_t j = 0; j < s.columns; ++j) {
                    const double sign = j == 0 ? 1 : -1, away = -sign * x[j];
                    expected.sum += std::max(away, 0.0) + std::log1p(std::exp(-std::abs(away)));  // -log sigma(sign x)
                    expected.gradient[i * s.columns + j] = -sign / (1 + std::exp(-away)) / static_cast<double>(s.rows);
                }
                expected.correct += largest_of(x, s.columns) == 0;
            }
            backend.take_losses();
            const DeviceSpan x = active(backend, scores);
            backend.pairs(s.columns, x);
            check(backend, x, s.rows, expected);
        }
}

ON_EVERY_BACKEND("losses add up until they are taken, and what is no number is seen") {
    const Indices targets = {0, 1};
    backend.take_losses();
    for (int again = 0; again < 3; ++again) backend.softmax_cross_entropy(2, on(backend, targets), active(backend, Values(4, 0)));
    const Losses losses = backend.take_losses();
    CHECK(losses.rows == 6);
    CHECK(losses.sum == doctest::Approx(6 * std::log(2.0)).epsilon(allowed));
    backend.softmax_cross_entropy(2, on(backend, targets), active(backend, poison(4)));
    CHECK(std::isnan(backend.take_losses().sum));
}
