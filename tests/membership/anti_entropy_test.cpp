#include <doctest/doctest.h>

#include "alone.hpp"

using namespace grapevine;
using namespace grapevine::membership;
using namespace grapevine::membership::test;

TEST_CASE("buckets: about four members each, at most 256") {
    struct Row { std::size_t members; int bits; };
    for (const Row& row : {Row{1, 0}, Row{4, 0}, Row{5, 1}, Row{8, 1}, Row{9, 2}, Row{1000, 8}, Row{100'000, 8}}) CHECK(Buckets::bits_for(row.members) == row.bits);
    for (std::uint64_t i = 1; i < 1000; ++i) {
        CHECK(Buckets::of(PeerId{i}, 0) == 0);
        CHECK(Buckets::of(PeerId{i}, 8) < 256);
    }
}

TEST_CASE("two rosters differ in the buckets of what only one knows, or knows older") {
    Book book;
    Roster a(book, {}), b(book, {});
    const Handle me = *book.intern(record(1)), you = *book.intern(record(2));
    for (std::uint64_t i = 1; i <= 300; ++i) {
        if (i != 1) a.put(*book.intern(record(i)), Standing::alive);
        if (i != 2) b.put(*book.intern(record(i)), Standing::alive);
    }
    CHECK(difference(Buckets::of(a, book, me, 6), Buckets::of(b, book, you, 6)).empty());
    b.put(*book.intern(record(200)), Standing::suspect);  // still present: no difference
    CHECK(difference(Buckets::of(a, book, me, 6), Buckets::of(b, book, you, 6)).empty());
    b.put(*book.intern(record(100, 1)), Standing::alive);
    b.put(*book.intern(record(50)), Standing::dead);
    const Mask mask = difference(Buckets::of(a, book, me, 6), Buckets::of(b, book, you, 6));
    CHECK(mask.has(Buckets::of(PeerId{100}, 6)));
    CHECK(mask.has(Buckets::of(PeerId{50}, 6)));
    CHECK(mask.count() == (Buckets::of(PeerId{100}, 6) == Buckets::of(PeerId{50}, 6) ? 1 : 2));
}

TEST_CASE("a sync: the digest, then the buckets, then the records of those that differ, within a budget") {
    Config config;
    config.sync_bytes = 2000;
    Alone a(100, config);
    a.give(Received<Message>{PeerId{2}, Message{Sync{12345}, {}}});
    const auto* known = a.sent_to(PeerId{2});
    REQUIRE(known);
    const auto ours = std::get<Known>(known->body).buckets;
    Buckets theirs = *ours;
    a.give(Received<Message>{PeerId{2}, Message{Known{ours}, {}}});
    CHECK(a.effects.list.empty());  // the same after all
    theirs.hashes[3] ^= 1;
    a.give(Received<Message>{PeerId{2}, Message{Known{std::make_shared<const Buckets>(theirs)}, {}}});
    CHECK(a.sent<Want>() == 1);
    for (const auto& e : a.effects.list)
        if (const auto* s = std::get_if<Membership::Effects::Send>(&e); s && std::holds_alternative<Records>(s->message.body))
            for (const Rumor& r : s->message.rumors) CHECK(Buckets::of(a.book.id(r.about), ours->bits) == 3);
    Mask all;
    for (std::size_t i = 0; i < ours->hashes.size(); ++i) all.add(i);
    a.now += 10s;
    a.give(Received<Message>{PeerId{3}, Message{Want{ours->bits, all}, {}}});
    std::size_t bytes = 0;
    for (const auto& e : a.effects.list)
        if (const auto* s = std::get_if<Membership::Effects::Send>(&e))
            for (const Rumor& r : s->message.rumors) bytes += wire_bytes(a.book.at(r.about));
    CHECK(bytes <= 2000);
    CHECK(bytes > 1800);
    a.give(Received<Message>{PeerId{3}, Message{Want{ours->bits, all}, {}}});
    CHECK(a.effects.list.empty());  // not again and again
}

TEST_CASE("who says again and again what it knows is answered once") {
    Alone a(300);
    const auto nothing = std::make_shared<const Buckets>(Buckets{0, {0}});
    int records = 0;
    for (int i = 0; i < 100; ++i) {
        a.give(Received<Message>{PeerId{2}, Message{Known{nothing}, {}}});
        records += a.sent<Records>() > 0;
        a.now += 1ms;
    }
    CHECK(records == 1);
}
