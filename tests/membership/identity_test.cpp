// A name, its key, and which run of it.
#include <doctest/doctest.h>

#include "alone.hpp"

using namespace grapevine;
using namespace grapevine::membership;
using namespace grapevine::membership::test;

TEST_CASE("a later run of a name makes the earlier one left at once; no suspicion, no death") {
    Alone a(3);
    a.hear({*a.book.intern(named(10, "gpu", 1000)), Standing::alive, {}});
    a.hear({*a.book.intern(named(11, "gpu", 2000)), Standing::alive, {}});
    CHECK(a.told<Joined>() == 1);
    CHECK(a.told<Gone>() == 1);
    CHECK(a.standing(10) == Standing::left);
    CHECK(a.standing(11) == Standing::alive);
    a.hear({*a.book.intern(named(10, "gpu", 1000)), Standing::suspect, PeerId{2}});
    CHECK(a.standing(10) == Standing::left);
}

TEST_CASE("old generations replayed are not let in, whatever their incarnation") {
    Alone a(3);
    a.hear({*a.book.intern(named(11, "gpu", 2000)), Standing::alive, {}});
    a.hear({*a.book.intern(named(10, "gpu", 1000)), Standing::alive, {}});
    CHECK(!a.members->roster().find(PeerId{10}));
    Record raised = named(10, "gpu", 1000);
    raised.incarnation = 50;
    a.hear({*a.book.intern(raised), Standing::alive, {}});
    CHECK(!a.members->roster().find(PeerId{10}));
    CHECK(a.standing(11) == Standing::alive);
    // One that was superseded and refutes it: the same.
    a.hear({*a.book.intern(named(12, "gpu", 3000)), Standing::alive, {}});
    Record back = named(11, "gpu", 2000);
    back.incarnation = 1;
    a.hear({*a.book.intern(back), Standing::alive, {}});
    CHECK(a.standing(11) == Standing::left);
}

TEST_CASE("names that are no identity may be borne by many") {
    Alone a(0);
    a.hear({*a.book.intern(record(10, 0, "debian")), Standing::alive, {}});
    a.hear({*a.book.intern(record(11, 0, "debian")), Standing::alive, {}});
    CHECK(a.members->roster().present() == 2);
}

TEST_CASE("the same name under another key is refused while its bearer is there") {
    Alone a(3);
    a.hear({*a.book.intern(named(10, "gpu", 1000, "key-a")), Standing::alive, {}});
    a.hear(Join{}, {*a.book.intern(named(11, "gpu", 2000, "key-b")), Standing::alive, {}}, PeerId{11});
    CHECK(a.sent<NameTaken>() == 1);
    CHECK(!a.members->roster().find(PeerId{11}));
    a.hear_dead(a.book.intern(named(10, "gpu", 1000, "key-a")).value());
    a.now += 10s;
    a.hear(Join{}, {*a.book.intern(named(11, "gpu", 2000, "key-b")), Standing::alive, {}}, PeerId{11});
    CHECK(a.sent<NameTaken>() == 0);
    CHECK(a.standing(11) == Standing::alive);
}

TEST_CASE("a newcomer whose clock went back takes a higher generation than the run before it") {
    Alone a(0, {}, named(1, "gpu", 1000));
    a.give(Met{a.other(2)});
    a.hear(Welcome{0, 1}, {*a.book.intern(named(10, "gpu", 5000)), Standing::alive, {}}, PeerId{2});
    CHECK(a.book.at(a.members->self()).generation == 5001);
    CHECK(a.own_incarnation() == 1);
    CHECK(a.told<Superseded>() == 0);
    CHECK(!a.members->roster().find(PeerId{10}));
    CHECK(a.sent_to(PeerId{10}));  // so that it ends, if it runs still
}

TEST_CASE("who is superseded hears it from its successor, and from nobody else") {
    Alone a(3, {}, named(1, "gpu", 1000));
    a.hear({*a.book.intern(named(10, "gpu", 2000)), Standing::alive, {}}, PeerId{2});
    CHECK(a.told<Superseded>() == 0);
    Record again = named(10, "gpu", 2000);
    again.incarnation = 1;
    a.hear({*a.book.intern(again), Standing::alive, {}}, PeerId{10});
    CHECK(a.told<Superseded>() == 1);
}

TEST_CASE("refused: only a newcomer believes that its name is taken") {
    Alone a(3);
    a.give(Received<Message>{PeerId{2}, Message{NameTaken{}, {}}});
    CHECK(a.told<Refused>() == 0);
    Alone b(0);
    b.give(Met{b.other(2)});
    b.give(Received<Message>{PeerId{2}, Message{NameTaken{}, {}}});
    CHECK(b.told<Refused>() == 1);
}

TEST_CASE("the later process of our name is believed when it speaks itself, also if others spoke of it first") {
    Book book;
    const auto record = [&](std::uint64_t id, std::uint64_t generation) { return *book.intern({{PeerId{id}, "me", "tcp://a:1", "tcp://a:2"}, 0, generation}); };
    const Config config;
    Membership members(book, record(1, 1000), config, Random(7), {*book.intern({{PeerId{2}, "o", "tcp://b:1", "tcp://b:2"}, 0})});
    Membership::Effects effects;
    const auto superseded = [&](PeerId from, const std::optional<Rumor>& rumor) {
        effects.list.clear();
        Message message{Gossip{}, {}};
        if (rumor) message.rumors.push_back(*rumor);
        members.step({}, Received<Message>{from, message}, effects);
        int count = 0;
        for (const auto& e : effects.list)
            if (const auto* t = std::get_if<Membership::Effects::Tell>(&e)) count += std::holds_alternative<Superseded>(t->event);
        return count;
    };
    members.step({}, Start{}, effects);
    CHECK(superseded(PeerId{2}, Rumor{record(3, 2000), Standing::alive, {}}) == 0);
    CHECK(superseded(PeerId{2}, std::nullopt) == 0);
    CHECK(superseded(PeerId{3}, std::nullopt) == 1);
}

TEST_CASE("a later run that is gone does not shut out the earlier one, if that is there still") {
    Alone a(3);
    a.hear({*a.book.intern(named(10, "gpu", 1000)), Standing::alive, {}});
    a.hear({*a.book.intern(named(11, "gpu", 2000)), Standing::alive, {}});
    CHECK(a.standing(10) == Standing::left);
    a.hear_dead(*a.book.intern(named(11, "gpu", 2000)));
    Record back = named(10, "gpu", 1000);
    back.incarnation = 1;
    a.hear({*a.book.intern(back), Standing::alive, {}}, PeerId{10});
    CHECK(a.standing(10) == Standing::alive);
}
