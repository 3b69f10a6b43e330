// Clocks that machines have of their own, as numbers and as peers see them.
#include <doctest/doctest.h>

#include "grapevine/random.hpp"
#include "grapevine/sim/clock.hpp"

using namespace grapevine;
using sim::LocalClock;

namespace {
Instant ns(std::int64_t n) { return Instant(Duration(n)); }
}  // namespace

TEST_CASE("a clock that was never set is the world's") {
    for (const std::int64_t t : {0l, 1l, 999'999'999l, 123'456'789'012'345l}) {
        CHECK(LocalClock().here(ns(t)) == ns(t));
        CHECK(LocalClock().there(ns(t)) == ns(t));
    }
}

TEST_CASE("a clock that gains half a second a second shows 3 s after 2, and a clock ahead stays ahead") {
    LocalClock fast, ahead;
    fast.set(Instant{}, Duration::zero(), 0.5);
    CHECK(fast.here(ns(2'000'000'000)) == ns(3'000'000'000));
    CHECK(fast.there(ns(3'000'000'000)) == ns(2'000'000'000));
    ahead.set(ns(10), Duration(5), 0);
    CHECK(ahead.here(ns(10)) == ns(15));
    CHECK(ahead.there(ns(15)) == ns(10));
    CHECK(ahead.there(ns(3)) == ns(10));  // over already
    ahead.set(ns(20), Duration(7), -0.5);
    CHECK(ahead.here(ns(20)) == ns(32));
    CHECK(ahead.here(ns(30)) == ns(37));
}

TEST_CASE("both ways are exact: a clock never falls, and shows a time first where it is said to") {
    Random random(7);
    for (int c = 0; c < 200; ++c) {
        LocalClock clock;
        const double drift = c == 0 ? -0.9 : c == 1 ? 9 : (random.uniform() - 0.5) * (c % 2 ? 1 : 1e-4);
        clock.set(ns(static_cast<std::int64_t>(random.below(1'000'000'000))), Duration(static_cast<std::int64_t>(random.below(1'000'000'000))), drift);
        std::int64_t t = 2'000'000'000, before = 0;
        for (int i = 0; i < 50; ++i) {
            t += static_cast<std::int64_t>(i % 2 ? random.below(3) : random.below(10'000'000'000'000));
            const auto shows = clock.here(ns(t)).time_since_epoch().count();
            CHECK(shows >= before);
            before = shows;
            const Instant wanted = ns(shows + static_cast<std::int64_t>(random.below(1'000'000)));
            const Instant at = clock.there(wanted);
            CHECK(clock.here(at) >= wanted);
            CHECK(clock.here(at - Duration(1)) < wanted);
        }
    }
}

TEST_CASE("what is set again goes on from what was shown, and the end of time is not passed") {
    LocalClock clock;
    clock.set(Instant{}, std::chrono::seconds(1), 1e-3);
    clock.set(ns(1'000'000'000), Duration::zero(), 0);
    CHECK(clock.here(ns(1'000'000'000)) == ns(2'001'000'000));
    CHECK(clock.here(ns(3'000'000'000)) == ns(4'001'000'000));
    CHECK(clock.drift() == 0);
    clock.set(ns(3'000'000'000), Duration::zero(), -0.5);
    CHECK(clock.there(Instant::max()) == Instant::max());
    clock.set(ns(4'000'000'000), Duration::zero(), 9);
    CHECK(clock.here(Instant(Duration::max() / 4)) == Instant::max());
}
