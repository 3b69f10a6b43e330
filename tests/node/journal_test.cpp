#include <doctest/doctest.h>

#include <semaphore>
#include <thread>

#include "journal.hpp"

using namespace grapevine;
using namespace grapevine::node;
using namespace std::chrono_literals;

namespace {
std::string entry(std::uint64_t n, const char* kind) { return "{\"n\": " + std::to_string(n) + ", \"kind\": \"" + kind + "\"}"; }
void add(Journal& journal, const char* kind) { journal.add(kind, std::string("{\"kind\": \"") + kind + "\"}", std::string(kind) == "mixed"); }
}  // namespace

TEST_CASE("a reader is shown each entry once, in order, and only the kinds it wants") {
    Journal journal;
    for (const char* kind : {"joined", "mixed", "mixed", "dead"}) add(journal, kind);
    auto page = journal.after({}, {}, 3, 0s);
    CHECK(page.entries == std::vector<std::string>{entry(1, "joined"), entry(2, "mixed"), entry(3, "mixed")});
    page = journal.after(page.next, {}, 3, 0s);
    CHECK(page.entries == std::vector<std::string>{entry(4, "dead")});
    CHECK(journal.after(page.next, {}, 3, 0s).entries.empty());
    CHECK(journal.after({}, {"dead", "left"}, 9, 0s).entries == std::vector<std::string>{entry(4, "dead")});
    page = journal.last(2, {"mixed", "joined"});
    CHECK(page.entries == std::vector<std::string>{entry(2, "mixed"), entry(3, "mixed")});
    CHECK(journal.after(page.next, {}, 9, 0s).entries.empty());  // the rest is older
}

TEST_CASE("what comes often does not push out what comes seldom, and a slow reader is told what it missed") {
    Journal journal(4);
    add(journal, "dead");
    const auto seen = journal.last(9, {}).next;
    for (int i = 0; i < 10; ++i) add(journal, "mixed");
    auto page = journal.after({}, {}, 99, 0s);
    CHECK(page.entries.size() == 5);
    CHECK(page.entries.front() == entry(1, "dead"));
    CHECK(page.dropped == 6);
    page = journal.after(seen, {}, 99, 0s);
    CHECK(page.entries.size() == 4);
    CHECK(page.dropped == 6);
    CHECK(journal.after(page.next, {}, 99, 0s).dropped == 0);
}

TEST_CASE("a cursor that says more than there was, as another node's may, is no harm") {
    Journal journal;
    add(journal, "joined");
    const auto page = journal.after({1000, 1000}, {}, 9, 0s);
    CHECK(page.entries.empty());
    CHECK(page.dropped == 0);
    add(journal, "left");
    CHECK(journal.after(page.next, {}, 9, 0s).entries.size() == 1);
}

TEST_CASE("a cursor is text and back, and other text is none") {
    CHECK(Journal::to_text({17, 240}) == "17.240");
    const auto cursor = Journal::parse("17.240");
    REQUIRE(cursor);
    CHECK(cursor->seldom == 17);
    CHECK(cursor->often == 240);
    for (const char* wrong : {"", ".", "17", "17.", ".240", "-1.2", "17.240x", "x17.240", "99999999999999999999.0"}) CHECK_FALSE(Journal::parse(wrong));
}

TEST_CASE("a reader that waits is woken by what it waits for, by the end, and by nothing else") {
    Journal journal;
    std::thread writer([&] {
        for (int i = 0; i < 3; ++i) add(journal, "mixed");
        add(journal, "dead");
    });
    const auto page = journal.after({}, {"dead"}, 9, 60s);
    writer.join();
    CHECK(page.entries == std::vector<std::string>{entry(4, "dead")});
    std::thread ender([&] { journal.end(); });
    const auto last = journal.after(page.next, {}, 9, 60s);
    ender.join();
    CHECK(last.entries.empty());
    CHECK(last.ended);
}

TEST_CASE("who is told that the node means to go knows, when nobody answers any more, that nothing was missed") {
    Journal journal;
    CHECK_FALSE(journal.last(9, {}).leaving);
    journal.leave();
    add(journal, "departed");
    const auto page = journal.after({}, {"departed"}, 9, 0s);
    CHECK(page.leaving);
    CHECK_FALSE(page.ended);  // but nobody need be there when the reader asks again
    CHECK(journal.last(9, {}).leaving);
}

TEST_CASE("only so many readers wait: one more has its answer at once") {
    Journal journal;
    std::counting_semaphore<> back{0};
    std::vector<std::thread> readers;
    for (int i = 0; i < 3 * Journal::most_waiting; ++i) readers.emplace_back([&] {
        journal.after({}, {"dead"}, 9, 600s);
        back.release();
    });
    // Those above the limit come back by themselves.
    for (int i = 0; i < 2 * Journal::most_waiting; ++i) back.acquire();
    CHECK_FALSE(back.try_acquire());
    journal.end();
    for (std::thread& reader : readers) reader.join();
}
