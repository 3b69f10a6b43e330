// The arithmetic of membership, apart from its timers.
#include <doctest/doctest.h>

#include <chrono>

#include "grapevine/membership/membership.hpp"

using namespace grapevine;
using namespace grapevine::membership;
using namespace std::chrono_literals;

namespace {
double ms(Duration d) { return seconds(d) * 1e3; }
Record record(std::uint64_t id, std::uint32_t incarnation = 0, const char* name = "n") {
    return {{PeerId{id}, name, "tcp://10.0.0.1:7470", "tcp://10.0.0.1:7471"}, incarnation};
}
}  // namespace

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

TEST_CASE("a rumor is told lambda times the digits of n") {
    struct Row { std::size_t n; std::uint32_t limit; };
    for (const Row& row : {Row{0, 4}, Row{1, 4}, Row{9, 4}, Row{10, 8}, Row{99, 8}, Row{100, 12}, Row{999, 12}, Row{1000, 16}})
        CHECK(telling_limit(row.n, 4) == row.limit);
}

TEST_CASE("the rumor queue keeps one rumor a subject, the newest, and never grows past its cap") {
    Book book;
    RumorQueue queue(3);
    const Handle a = *book.intern(record(1)), b = *book.intern(record(2)), c = *book.intern(record(3)), d = *book.intern(record(4));
    queue.put(book, {a, Standing::alive, {}}, false);
    queue.put(book, {a, Standing::suspect, PeerId{9}}, false);
    CHECK(queue.size() == 1);
    queue.put(book, {b, Standing::alive, {}}, false);
    queue.put(book, {c, Standing::alive, {}}, false);
    RumorList list;
    queue.take(book, list, 1000, 10, {});
    CHECK(list.size() == 3);
    CHECK(list.begin()->standing == Standing::suspect);
    queue.put(book, {d, Standing::alive, {}}, true);
    CHECK(queue.size() == 3);  // one that was told gave way
    RumorList again;
    queue.take(book, again, 1000, 10, {});
    CHECK(again.begin()->about == d);  // urgent before all
}

TEST_CASE("a rumor leaves the queue after its tellings, and a small message takes what fits") {
    Book book;
    RumorQueue queue(100);
    for (std::uint64_t i = 1; i <= 20; ++i) queue.put(book, {*book.intern(record(i)), Standing::alive, {}}, false);
    RumorList list;
    queue.take(book, list, 3 * wire_bytes(record(1)) + 1, 2, {});
    CHECK(list.size() == 3);
    for (int i = 0; i < 20; ++i) {
        RumorList more;
        queue.take(book, more, 1000, 2, {});
    }
    CHECK(queue.empty());
}

TEST_CASE("a book keeps equal records once and tells others apart") {
    Book book;
    const Handle a = *book.intern(record(1));
    CHECK(*book.intern(record(1)) == a);
    const Handle raised = *book.intern(record(1, 1));
    const Handle renamed = *book.intern(record(1, 0, "other"));
    CHECK(raised != a);
    CHECK(renamed != a);
    CHECK(*book.intern(record(1, 0, "other")) == renamed);
    CHECK(*book.intern(record(1)) == a);
    CHECK(book.size() == 3);
}

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
