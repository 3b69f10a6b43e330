#include <doctest/doctest.h>

#include <cmath>

#include "alone.hpp"

using namespace grapevine;
using namespace grapevine::membership;
using namespace grapevine::membership::test;

TEST_CASE("a roster counts standings, finds by id and draws uniformly among those alive") {
    Book book;
    Roster roster(book, {});
    for (std::uint64_t i = 1; i <= 10; ++i) roster.put(*book.intern(record(i)), i <= 4 ? Standing::alive : i <= 6 ? Standing::suspect : Standing::dead);
    CHECK(roster.present() == 6);
    CHECK(roster.dead() == 4);
    CHECK(roster.contains(PeerId{5}));
    CHECK(!roster.contains(PeerId{7}));
    CHECK(!roster.find(PeerId{11}));
    CHECK(roster.all().size() == 6);
    Random random(1);
    int drawn[11] = {};
    for (int i = 0; i < 8000; ++i) ++drawn[roster.draw(random)->value];
    double chi = 0;
    for (int i = 1; i <= 4; ++i) chi += (drawn[i] - 2000.0) * (drawn[i] - 2000.0) / 2000.0;
    CHECK(chi < 16.3);  // 3 degrees of freedom, p = 0.001
    CHECK(drawn[5] + drawn[8] == 0);
    roster.put(*book.intern(record(1)), Standing::left);
    roster.remove(PeerId{2});
    CHECK(roster.present() == 4);
}

TEST_CASE("a rare standing among many is drawn uniformly too") {
    Book book;
    Roster roster(book, {});
    for (std::uint64_t i = 1; i <= 1000; ++i) roster.put(*book.intern(record(i)), i % 500 == 0 ? Standing::alive : Standing::dead);
    Random random(1);
    int first = 0;
    for (int i = 0; i < 2000; ++i) first += roster.draw(random)->value == 500;
    CHECK(std::abs(first - 1000) < 4 * std::sqrt(500.0));
}
