#include <doctest/doctest.h>

#include "grapevine/learner.hpp"

using namespace grapevine;

TEST_CASE("parts cover the whole, in order, and differ by one element at most") {
    for (const std::uint64_t count : {0ull, 1ull, 7ull, 64ull, 1000ull})
        for (const std::uint64_t n : {1ull, 2ull, 3ull, 64ull}) {
            const Range whole{5, count};
            std::uint64_t next = whole.offset;
            for (std::uint64_t i = 0; i < n; ++i) {
                const Range p = part(whole, i, n);
                CHECK(p.offset == next);
                CHECK((p.count == count / n || p.count == count / n + 1));
                next += p.count;
            }
            CHECK(next == whole.offset + count);
        }
}

TEST_CASE("a snapshot fits only where its layout, range and bytes agree") {
    Snapshot s;
    s.layout = 9;
    s.range = {2, 3};
    s.bytes.size = 12;
    CHECK(fits(s, 9, 5));
    CHECK(!fits(s, 8, 5));   // another layout
    CHECK(!fits(s, 9, 4));   // past the end
    s.range.offset = ~0ull;  // an offset that wraps
    CHECK(!fits(s, 9, 5));
    s.range.offset = 2;
    s.bytes.size = 13;       // more bytes than elements
    CHECK(!fits(s, 9, 5));
    s.encoding = Encoding::float64;
    s.bytes.size = 24;
    CHECK(fits(s, 9, 5));
}
