#include "rested.hpp"

#include <doctest/doctest.h>

using namespace grapevine;
using namespace std::chrono_literals;

TEST_CASE("evaluations that cost little come when they are due") {
    CHECK(node::rested(Instant(5s), Instant(4s), 99ms) == Instant(5s));
    CHECK(node::rested(Instant(5s), Instant(4s), 0s) == Instant(5s));
}

TEST_CASE("evaluations take no more than a tenth of the time, whatever one costs") {
    for (const Duration took : {Duration(1ms), Duration(90ms), Duration(130ms), Duration(1s), Duration(70s)}) {
        CAPTURE(took.count());
        const Duration every = 1s;
        Instant t{};
        Duration evaluating{};
        while (t < Instant(10'000s)) {
            const Instant due = t + every;
            t += took;
            evaluating += took;
            t = node::rested(due, t, took);
        }
        CHECK(10 * evaluating <= t.time_since_epoch());
    }
}
