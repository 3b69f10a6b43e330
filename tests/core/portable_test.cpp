#include <doctest/doctest.h>

#include <cmath>

#include "grapevine/portable_math.hpp"
#include "grapevine/random.hpp"

using namespace grapevine;

TEST_CASE("log, exp and cos agree with the C library to the promised digits") {
    Random random(3);
    double log_error = 0, exp_error = 0, cos_error = 0;
    for (int i = 0; i < 100'000; ++i) {
        const double x = std::exp(80 * (random.uniform() - 0.5));
        log_error = std::max(log_error, std::abs(portable::log(x) - std::log(x)) / std::max(1e-3, std::abs(std::log(x))));
        const double y = 100 * (random.uniform() - 0.5);
        exp_error = std::max(exp_error, std::abs(portable::exp(y) / std::exp(y) - 1));
        const double t = 10 * (random.uniform() - 0.5);
        cos_error = std::max(cos_error, std::abs(portable::cos_turn(t) - std::cos(2 * M_PI * t)));
    }
    CHECK(log_error < 1e-15);
    CHECK(exp_error < 1e-14);
    CHECK(cos_error < 1e-14);
    CHECK(portable::log(1.0) == 0);
    CHECK(portable::exp(0.0) == 1);
    CHECK(portable::exp(-1000.0) == 0);
    CHECK(std::isinf(portable::exp(1000.0)));
}
