#include <doctest/doctest.h>

#include "alone.hpp"

using namespace grapevine;
using namespace grapevine::membership;
using namespace grapevine::membership::test;

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
