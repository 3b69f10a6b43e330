#include <doctest/doctest.h>

#include "alone.hpp"

using namespace grapevine;
using namespace grapevine::membership;
using namespace grapevine::membership::test;

TEST_CASE("round trips: mean and deviation, clamped between 50 ms and the most") {
    RoundTrips trips;
    CHECK(trips.timeout(PeerId{1}, 500ms) == 500ms);  // nothing known
    trips.heard(PeerId{1}, 1ms);
    CHECK(trips.timeout(PeerId{1}, 500ms) == 50ms);
    trips.heard(PeerId{2}, 100ms);
    CHECK(trips.timeout(PeerId{2}, 500ms) == 300ms);  // 100 + 4 * 50
    for (int i = 0; i < 100; ++i) trips.heard(PeerId{2}, 100ms);
    CHECK(trips.timeout(PeerId{2}, 500ms) < 101ms);
    trips.heard(PeerId{3}, 2s);
    CHECK(trips.timeout(PeerId{3}, 500ms) == 500ms);
}
