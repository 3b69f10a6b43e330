#include <doctest/doctest.h>

#include <cmath>
#include <set>

#include "grapevine/random.hpp"

using namespace grapevine;

TEST_CASE("the same seed draws the same, another seed other numbers") {
    Random a(42), b(42), c(43);
    for (int i = 0; i < 100; ++i) {
        const auto x = a.bits();
        CHECK(x == b.bits());
        CHECK(x != c.bits());
    }
}

TEST_CASE("a stream that was split off is not disturbed by draws from its parent") {
    Random a(42), b(42);
    for (int i = 0; i < 10; ++i) a.bits();
    CHECK(a.split(7).bits() == b.split(7).bits());
    CHECK(a.split(7).bits() != b.split(8).bits());
}

TEST_CASE("below() is uniform: chi-square over ten cells") {
    Random random(1);
    int cells[10] = {};
    constexpr int draws = 100'000;
    for (int i = 0; i < draws; ++i) ++cells[random.below(10)];
    double chi = 0;
    for (const int c : cells) chi += (c - draws / 10.0) * (c - draws / 10.0) / (draws / 10.0);
    CHECK(chi < 27.9);  // 9 degrees of freedom, p = 0.001
}

TEST_CASE("exponential and normal have the moments they should: four standard errors") {
    Random random(2);
    constexpr int draws = 200'000;
    double e = 0, n = 0, n2 = 0;
    for (int i = 0; i < draws; ++i) {
        e += random.exponential();
        const double x = random.normal();
        n += x;
        n2 += x * x;
    }
    const double error = 4 / std::sqrt(draws);
    CHECK(std::abs(e / draws - 1) < error);
    CHECK(std::abs(n / draws) < error);
    CHECK(std::abs(n2 / draws - 1) < error * std::sqrt(2.0));
}

TEST_CASE("no state repeats early") {
    Random random(5);
    std::set<std::uint64_t> seen;
    for (int i = 0; i < 10'000; ++i) CHECK(seen.insert(random.bits()).second);
}
