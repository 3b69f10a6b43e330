#include <doctest/doctest.h>

#include "alone.hpp"

using namespace grapevine;
using namespace grapevine::membership;
using namespace grapevine::membership::test;

TEST_CASE("suspicion shortens with confirmations: memberlist's vectors, to the millisecond") {
    struct Row { std::uint32_t confirmations; Duration elapsed; double remaining_ms; };
    for (const Row& row : {Row{0, 0s, 30000}, Row{1, 2s, 14000}, Row{2, 3s, 4810.525}, Row{3, 4s, -2000}, Row{4, 5s, -3000}, Row{5, 10s, -8000}})
        CHECK(std::abs(ms(remaining_suspicion(row.confirmations, 3, row.elapsed, 2s, 30s)) - row.remaining_ms) < 1);
}

TEST_CASE("dogpile: 500 ms floor, one second alone") {
    const double expected[] = {1000, 750, 603.759, 500};
    for (std::uint32_t c = 0; c < 4; ++c) CHECK(std::abs(ms(remaining_suspicion(c, 3, 0s, 500ms, 1s)) - expected[c]) < 1);
    CHECK(remaining_suspicion(0, 0, 0s, 2s, 30s) == 2s);  // nobody could confirm: the shortest
}

TEST_CASE("the shortest suspicion grows with log10 of the cluster, and has a floor") {
    CHECK(shortest_suspicion(1, 4, 1s) == 4s);
    CHECK(shortest_suspicion(2, 4, 1s) == 4s);
    CHECK(shortest_suspicion(10, 4, 1s) == 4s);
    CHECK(std::abs(ms(shortest_suspicion(100, 4, 1s)) - 8000) < 1e-3);
    CHECK(std::abs(ms(shortest_suspicion(1000, 4, 500ms)) - 6000) < 1e-3);
}
