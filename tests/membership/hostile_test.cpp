// What only somebody with a fault, or ill will, would send.
#include <doctest/doctest.h>

#include "alone.hpp"

using namespace grapevine;
using namespace grapevine::membership;
using namespace grapevine::membership::test;

TEST_CASE("forged incarnations: nobody is taken far up its numbers, and the subject outbids them") {
    Alone a(5);
    a.hear({a.other(3, 4'000'000'000), Standing::dead, {}});
    CHECK(a.standing(3) == Standing::alive);
    a.hear({a.other(3, 65'000), Standing::dead, {}});  // a doubt, as any other
    CHECK(a.standing(3) == Standing::suspect);
    a.hear({a.other(3, 65'001), Standing::alive, {}});
    CHECK(a.standing(3) == Standing::alive);
    a.hear({a.other(99, 4'000'000'000), Standing::alive, {}});  // of a stranger
    CHECK(!a.members->roster().find(PeerId{99}));
    a.hear({*a.book.intern(record(1, 4'294'967'295, "me")), Standing::dead, {}});  // of ourselves
    CHECK(a.own_incarnation() == 0);
    a.hear({*a.book.intern(record(1, 60'000, "me")), Standing::dead, {}});
    CHECK(a.own_incarnation() == 60'001);
    a.hear({*a.book.intern(record(1, 1'000'000, "me")), Standing::suspect, PeerId{3}});
    CHECK(a.own_incarnation() == 1'000'001);
    a.hear({a.other(4, 1'000'001), Standing::alive, {}}, PeerId{2});  // and others follow one that had to go so far
    CHECK(a.book.incarnation(a.members->roster().find(PeerId{4})->record) == 1'000'001);
    a.hear({a.other(4, 3'000'000), Standing::alive, {}}, PeerId{2});
    CHECK(a.book.incarnation(a.members->roster().find(PeerId{4})->record) == 1'000'001);
    a.hear({a.other(4, 3'000'000), Standing::alive, {}}, PeerId{4});  // the subject itself is believed
    CHECK(a.book.incarnation(a.members->roster().find(PeerId{4})->record) == 3'000'000);
    std::uint32_t at = a.own_incarnation();
    for (int i = 0; i < 70'000; ++i) {  // a ladder to the end of the numbers
        a.hear({*a.book.intern(record(1, a.own_incarnation() + 65'000, "me")), Standing::suspect, PeerId{3}});
        if (a.own_incarnation() < at) FAIL_CHECK("it fell");
        at = a.own_incarnation();
    }
    CHECK(at <= 1u << 31);
}

TEST_CASE("a rumor about oneself: whoever speaks in our name is outbid, however it is put") {
    Alone a(3);
    Record elsewhere = record(1, 0, "me");
    elsewhere.contact.control = "tcp://6.6.6.6:1";
    a.hear({*a.book.intern(elsewhere), Standing::alive, {}});
    CHECK(a.own_incarnation() == 1);
    CHECK(a.book.at(a.members->self()).contact.control == "tcp://10.0.0.1:7470");
    a.hear({a.self, Standing::left, {}});  // of an incarnation that has passed
    CHECK(a.own_incarnation() == 1);
    a.hear({a.members->self(), Standing::left, {}});
    CHECK(a.own_incarnation() == 2);
    a.hear({a.members->self(), Standing::alive, {}});  // true
    CHECK(a.own_incarnation() == 2);
}

TEST_CASE("contradictory records for one id: the first stays until its subject settles it") {
    Alone a(2);
    Record other = record(3, 0, "o");
    other.contact.control = "tcp://6.6.6.6:1";
    a.hear({*a.book.intern(other), Standing::alive, {}});
    const auto address = [&] { return a.book.at(a.members->roster().find(PeerId{3})->record).contact.control; };
    CHECK(address() == "tcp://10.0.0.1:7470");
    a.hear({*a.book.intern(other), Standing::suspect, PeerId{2}});
    CHECK(address() == "tcp://10.0.0.1:7470");
    CHECK(a.standing(3) == Standing::suspect);
    a.hear({*a.book.intern(other), Standing::dead, PeerId{2}});
    CHECK(address() == "tcp://10.0.0.1:7470");
    CHECK(a.members->roster().entries().size() == 2);
}

TEST_CASE("a queue flooded by one peer: rumors, members, relays and suspicions stay within their caps") {
    Config config;
    config.rumor_cap = 100;
    config.most_members = 500;
    Alone a(3, config);
    for (std::uint64_t i = 0; i < 3000; ++i) {
        a.hear({a.other(1000 + i), Standing::alive, {}}, PeerId{4});
        a.hear({a.other(1000 + i), Standing::suspect, PeerId{5000 + i}}, PeerId{4});
        a.give(Received<Message>{PeerId{4}, Message{PingRequest{static_cast<std::uint32_t>(i), PeerId{3}, false}, {}}});
        a.give(Received<Message>{PeerId{4}, Message{MeasureRequest{static_cast<std::uint32_t>(i), PeerId{3}}, {}}});
        a.give(Received<Message>{PeerId{4}, Message{Join{}, {}}});
    }
    CHECK(a.members->rumors_waiting() <= 100);
    CHECK(a.members->roster().entries().size() <= 500);
    CHECK(a.sent<Welcome>() == 0);  // a hundred questions, one answer
    // And what is true still gets through.
    a.hear({a.other(3), Standing::left, {}});
    CHECK(a.standing(3) == Standing::left);
}

TEST_CASE("metadata too large is no record, and a book that is full takes nothing") {
    Record r = record(9);
    r.metadata = std::string(64, 'x');
    CHECK(within_limits(r));
    r.metadata += 'x';
    CHECK(!within_limits(r));
    r = record(9);
    r.key = std::string(33, 'k');
    CHECK(!within_limits(r));
    r = record(9);
    r.failing = 101;
    CHECK(!within_limits(r));
    CHECK(!within_limits(record(0)));
    Book small(2);
    CHECK(small.intern(record(1)));
    CHECK(small.intern(record(2)));
    CHECK(!small.intern(record(3)));
    CHECK(small.intern(record(2)));  // that it has
}

TEST_CASE("clocks that jump: what was slept through is nobody's fault") {
    Alone a(5);
    a.hear({a.other(3), Standing::suspect, PeerId{4}});
    const Instant since = a.now;
    PeerId target = *a.probe();
    a.now += 3600s;  // the machine slept for an hour
    a.give(Woken<Timer>{SuspicionDue{PeerId{3}, since}});
    CHECK(a.told<Gone>() == 0);
    CHECK(a.members->local_health() == 8);
    a.give(Woken<Timer>{ProbeDue{}});
    CHECK(a.told<ProbeFailed>() == 0);  // the answer may have come while we slept
    CHECK(a.standing(target.value) != Standing::dead);
    // It answers in the end; or else its time comes.
    a.live_for(60s);
    a.give(Woken<Timer>{SuspicionDue{PeerId{3}, since}});
    CHECK(a.told<Gone>() == 1);
}

TEST_CASE("a clock that goes back does no harm") {
    Alone a(3);
    a.probe();
    a.now -= 500ms;
    a.give(Woken<Timer>{ProbeDue{}});
    a.hear({a.other(3), Standing::suspect, PeerId{2}});
    a.now -= 400ms;
    a.hear({a.other(3), Standing::suspect, PeerId{4}});
    CHECK(a.standing(3) == Standing::suspect);
}
