#include <doctest/doctest.h>

#include <cmath>

#include "alone.hpp"

using namespace grapevine;
using namespace grapevine::membership;
using namespace grapevine::membership::test;

TEST_CASE("every member is probed once a round, and two probes of one lie at most 2n - 1 apart") {
    Book book;
    for (const std::uint64_t n : {1u, 2u, 5u, 64u, 65u, 200u}) {
        Roster roster(book, {});
        for (std::uint64_t i = 1; i <= n; ++i) roster.put(*book.intern(record(i)), Standing::alive);
        ProbeOrder order;
        Random random(n);
        std::map<PeerId, std::uint64_t> last;
        std::uint64_t probes = 0, longest = 0;
        for (int round = 0; round < 30; ++round) {
            std::map<PeerId, int> probed;
            for (std::uint64_t i = 0; i < n; ++i) {
                const auto peer = order.next(roster, random);
                REQUIRE(peer);
                ++probed[*peer];
                ++probes;
                if (last.count(*peer)) longest = std::max(longest, probes - last[*peer]);
                last[*peer] = probes;
            }
            CHECK(probed.size() == n);
        }
        CHECK(longest <= 2 * n - 1);
        CHECK(longest > n / 2);  // and the rounds are not alike
    }
}

TEST_CASE("nobody to probe") {
    Book book;
    Roster roster(book, {});
    ProbeOrder order;
    Random random(1);
    CHECK(!order.next(roster, random));
    roster.put(*book.intern(record(1)), Standing::dead);
    CHECK(!order.next(roster, random));
}

TEST_CASE("newcomers come within two rounds, anywhere in them, and nobody loses its turn") {
    Book book;
    Random random(3);
    const int trials = 400;
    int soon = 0;
    for (int t = 0; t < trials; ++t) {
        Roster roster(book, {});
        const std::uint64_t n = 100, joins = n + 1 + static_cast<std::uint64_t>(t);
        for (std::uint64_t i = 1; i <= n; ++i) roster.put(*book.intern(record(i)), Standing::alive);
        ProbeOrder order;
        std::map<PeerId, int> probed;
        for (std::uint64_t i = 0; i < n / 2; ++i) ++probed[*order.next(roster, random)];
        roster.put(*book.intern(record(joins)), Standing::alive);
        order.added(PeerId{joins});
        order.added(PeerId{joins});  // said twice
        std::uint64_t after = 0;
        bool seen = false;
        for (std::uint64_t i = 0; i < 2 * n + 2; ++i) {
            const PeerId peer = *order.next(roster, random);
            if (peer == PeerId{joins} && !seen) {
                seen = true;
                after = i;
            }
            if (i < n / 2) ++probed[peer];
        }
        CHECK(seen);
        soon += after < n / 2 + 1;
        int twice = 0;
        for (const auto& [peer, times] : probed) twice += times > 1;
        CHECK(twice <= 1);  // at the seam of two rounds, where the newcomer took a place
    }
    CHECK(std::abs(soon - trials / 2) < 4 * 10);  // half fall into what is left of the round; 4 sigma
}

TEST_CASE("who is gone is passed over") {
    Book book;
    Roster roster(book, {});
    for (std::uint64_t i = 1; i <= 100; ++i) roster.put(*book.intern(record(i)), Standing::alive);
    ProbeOrder order;
    Random random(1);
    (void)order.next(roster, random);
    for (std::uint64_t i = 1; i <= 99; ++i) roster.put(*book.intern(record(i)), Standing::dead);
    for (int i = 0; i < 3; ++i) CHECK(order.next(roster, random) == PeerId{100});
}
