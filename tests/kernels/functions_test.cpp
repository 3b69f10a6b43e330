#include <doctest/doctest.h>

#include <cmath>

#include "functions.hpp"

using namespace grapevine::kernels;

namespace {

// The largest relative error over a range, in steps that no period hides in.
template <class F, class G>
double worst(double from, double to, F&& ours, G&& exact) {
    double largest = 0;
    for (int i = 0; i <= 200'000; ++i) {
        const auto x = static_cast<float>(from + (to - from) * i / 200'000);
        const double y = exact(static_cast<double>(x)), off = std::abs(static_cast<double>(ours(x)) - y);
        largest = std::max(largest, off == 0 ? 0 : off / std::abs(y));
    }
    return largest;
}

}  // namespace

TEST_CASE("exponentials and what is made of them are right to a millionth") {
    CHECK(worst(-87, 88, [](float x) { return exponential(x); }, [](double x) { return std::exp(x); }) < 1e-6);
    CHECK(worst(-1e-3, 1e-3, [](float x) { return exponential(x); }, [](double x) { return std::exp(x); }) < 1e-6);
    CHECK(worst(-80, 80, [](float x) { return sigmoid(x); }, [](double x) { return 1 / (1 + std::exp(-x)); }) < 1e-6);
    CHECK(worst(-20, 20, [](float x) { return hyperbolic_tangent(x); }, [](double x) { return std::tanh(x); }) < 1e-6);
    CHECK(worst(-1, 1, [](float x) { return hyperbolic_tangent(x); }, [](double x) { return std::tanh(x); }) < 1e-6);
    CHECK(worst(-1e-6, 1e-6, [](float x) { return hyperbolic_tangent(x); }, [](double x) { return std::tanh(x); }) < 1e-6);
    CHECK(worst(0, 1, [](float x) { return log_of_one_and(x); }, [](double x) { return std::log1p(x); }) < 1e-6);
}

TEST_CASE("beyond what a float holds they stay at its ends, and what is no number stays none") {
    CHECK(exponential(-1000) > 0);
    CHECK(exponential(-1000) < 1e-37f);
    CHECK(exponential(1000) > 1e38f);
    CHECK(sigmoid(1000) == 1);
    CHECK(sigmoid(-1000) < 1e-37f);
    CHECK(hyperbolic_tangent(1000) == 1);
    CHECK(hyperbolic_tangent(-INFINITY) == -1);
    CHECK(std::isnan(exponential(NAN)));
    CHECK(std::isnan(sigmoid(NAN)));
    CHECK(std::isnan(hyperbolic_tangent(NAN)));
}
