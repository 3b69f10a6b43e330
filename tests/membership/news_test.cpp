// What is heard, and what may replace what.
#include <doctest/doctest.h>

#include "alone.hpp"

using namespace grapevine;
using namespace grapevine::membership;
using namespace grapevine::membership::test;

TEST_CASE("an accusation against ourselves is refuted by a higher incarnation, once") {
    Alone a(3);
    a.hear({a.self, Standing::suspect, PeerId{3}});
    CHECK(a.book.incarnation(a.members->self()) == 1);
    a.hear({a.self, Standing::suspect, PeerId{3}});  // the old one again
    CHECK(a.book.incarnation(a.members->self()) == 1);
    a.hear({a.book.intern({{PeerId{1}, "me", "tcp://a:1", "tcp://a:2"}, 5}).value(), Standing::dead, {}});
    CHECK(a.book.incarnation(a.members->self()) == 6);
}

TEST_CASE("the dead return only with a higher incarnation, and who left never becomes dead") {
    Alone a(5);
    a.hear_dead(a.other(3));
    CHECK(a.told<Gone>() == 1);
    a.hear({a.other(3), Standing::alive, {}});
    CHECK(!a.members->roster().contains(PeerId{3}));
    a.hear({a.other(3, 1), Standing::alive, {}});
    CHECK(a.told<Joined>() == 1);
    CHECK(a.members->roster().contains(PeerId{3}));
    a.hear({a.other(4), Standing::left, {}});
    a.hear({a.other(4), Standing::dead, {}});
    a.hear({a.other(4, 3), Standing::dead, {}});
    CHECK(a.members->roster().find(PeerId{4})->standing == Standing::left);
    a.hear({a.other(4), Standing::left, {}});
    CHECK(a.told<Gone>() == 0);  // leaving twice is silent
}

TEST_CASE("old news does not undo newer news") {
    Alone a(5);
    a.hear({a.other(3, 2), Standing::alive, {}});
    a.hear({a.other(3, 1), Standing::dead, {}});
    CHECK(a.members->roster().find(PeerId{3})->standing == Standing::alive);
    a.hear({a.other(3, 2), Standing::suspect, PeerId{4}});
    CHECK(a.told<Suspected>() == 1);
    a.hear({a.other(3, 2), Standing::alive, {}});  // of the same incarnation: no refutation
    CHECK(a.members->roster().find(PeerId{3})->standing == Standing::suspect);
    a.hear({a.other(3, 3), Standing::alive, {}});
    CHECK(a.told<Refuted>() == 1);
}

TEST_CASE("a death heard in a welcome is a suspicion, never a verdict") {
    Alone a(5);
    Message welcome{Welcome{0, 1}, {}};
    welcome.rumors.push_back({a.other(3), Standing::dead, {}});
    a.give(Received<Message>{PeerId{2}, welcome});
    CHECK(a.told<Suspected>() == 1);
    CHECK(a.told<Gone>() == 0);
}

TEST_CASE("who is held for dead speaks for itself, and against nobody") {
    Alone a(5);
    a.hear_dead(a.other(3));
    a.hear({a.other(4), Standing::suspect, PeerId{3}}, PeerId{3});
    CHECK(a.standing(4) == Standing::alive);
    a.hear({a.other(4), Standing::dead, {}}, PeerId{3});
    CHECK(a.standing(4) == Standing::alive);
    a.hear({a.other(3, 1), Standing::alive, {}}, PeerId{3});
    CHECK(a.standing(3) == Standing::alive);
    a.hear({a.other(4), Standing::suspect, PeerId{3}}, PeerId{3});
    CHECK(a.standing(4) == Standing::suspect);
}

TEST_CASE("only different members confirm a suspicion, and it ends the sooner") {
    const auto ends = [](std::initializer_list<std::uint64_t> accusers) {
        Alone a(9);
        Instant last{};
        for (const std::uint64_t accuser : accusers) {
            a.hear({a.other(3), Standing::suspect, PeerId{accuser}}, PeerId{4});
            for (const auto& e : a.effects.list)
                if (const auto* w = std::get_if<Membership::Effects::Wake>(&e); w && std::holds_alternative<SuspicionDue>(w->timer)) last = w->at;
        }
        return seconds(last - a.now);
    };
    CHECK(ends({4}) == doctest::Approx(24));              // alone: beta times the shortest
    CHECK(ends({4, 4, 4, 4}) == doctest::Approx(24));     // the same again counts for nothing
    CHECK(ends({4, 77, 78, 79}) == doctest::Approx(24));  // nor do strangers
    CHECK(ends({4, 5}) == doctest::Approx(14));
    CHECK(ends({4, 5, 6, 7}) == doctest::Approx(4));
    CHECK(ends({4, 5, 6, 7, 8}) == doctest::Approx(4));
}

TEST_CASE("whoever has left is not suspected, and force-leave makes left of dead") {
    Alone a(5);
    a.hear_dead(a.other(3));
    a.give(ForceLeave{PeerId{3}});
    CHECK(a.standing(3) == Standing::left);
    CHECK(a.told<Gone>() == 0);  // it was gone already
    a.give(ForceLeave{PeerId{3}});
    CHECK(a.effects.list.empty());
    a.give(ForceLeave{PeerId{77}});
    CHECK(a.effects.list.empty());
    a.hear({a.other(3), Standing::dead, {}});
    a.hear({a.other(3), Standing::suspect, PeerId{2}});
    CHECK(a.standing(3) == Standing::left);
    a.give(ForceLeave{PeerId{4}});
    CHECK(a.told<Gone>() == 1);
}

TEST_CASE("whom somebody has leave hears of it as soon as it speaks, and can say that it is there") {
    Alone a(3);
    a.give(ForceLeave{PeerId{3}});
    CHECK(a.told<Gone>() == 1);
    a.give(Received<Message>{PeerId{3}, Message{Ping{1, {}, false}, {}}});
    const Message* answer = a.sent_to(PeerId{3});
    REQUIRE(answer);
    REQUIRE(answer->rumors.size() >= 1);
    CHECK(answer->rumors.begin()->standing == Standing::left);
    CHECK(a.book.id(answer->rumors.begin()->about) == PeerId{3});
    a.hear({a.other(3, 1), Standing::alive, {}}, PeerId{3});
    CHECK(a.told<Joined>() == 1);
}

TEST_CASE("a verdict about whom we do not suspect is a suspicion; about whom we do it is one") {
    Alone a(5);
    a.hear({a.other(3), Standing::dead, {}});
    CHECK(a.told<Suspected>() == 1);
    CHECK(a.standing(3) == Standing::suspect);
    a.hear({a.other(3), Standing::dead, {}}, PeerId{4});
    CHECK(a.told<Gone>() == 1);
    Config plain;
    plain.confirm = false;
    Alone b(5, plain);
    b.hear({b.other(3), Standing::dead, {}});
    CHECK(b.told<Gone>() == 1);
}

TEST_CASE("who refutes again and again is doubted no more for a while, and then not in haste") {
    Alone a(9);
    const auto doubt = [&](std::uint32_t incarnation) {
        for (const std::uint64_t accuser : {4u, 5u, 6u, 7u}) a.hear({a.other(3, incarnation), Standing::suspect, PeerId{accuser}}, PeerId{accuser});
        return a.standing(3) == Standing::suspect;
    };
    CHECK(doubt(0));
    a.hear({a.other(3, 1), Standing::alive, {}});
    CHECK(doubt(1));
    a.hear({a.other(3, 2), Standing::alive, {}});
    CHECK(a.told<Refuted>() == 1);
    CHECK_FALSE(doubt(2));  // it spoke just now
    a.live_for(11s);
    Instant ends{};
    a.hear({a.other(3, 2), Standing::suspect, PeerId{4}}, PeerId{4});
    for (const auto& e : a.effects.list)
        if (const auto* w = std::get_if<Membership::Effects::Wake>(&e); w && std::holds_alternative<SuspicionDue>(w->timer)) ends = w->at;
    CHECK(seconds(ends - a.now) == doctest::Approx(24));
    CHECK(doubt(2));
    CHECK(a.standing(3) == Standing::suspect);
    a.hear({a.other(3, 3), Standing::alive, {}});
    a.live_for(61s);
    CHECK(doubt(3));  // long ago
}

TEST_CASE("who moves says so at once, under a higher incarnation, and once") {
    Alone a(3);
    a.give(Describe{"steps", "tcp://10.0.0.9:7470", "tcp://10.0.0.9:7471"});
    const Record moved = a.book.at(a.members->self());
    CHECK(moved.contact.control == "tcp://10.0.0.9:7470");
    CHECK(moved.contact.bulk == "tcp://10.0.0.9:7471");
    CHECK(moved.incarnation == 1);
    a.give(Describe{"steps", "tcp://10.0.0.9:7470", "tcp://10.0.0.9:7471"});
    CHECK(a.book.incarnation(a.members->self()) == 1);
    a.give(Describe{"more steps"});  // which can wait
    CHECK(a.book.at(a.members->self()).contact.control == "tcp://10.0.0.9:7470");
    CHECK(a.book.incarnation(a.members->self()) == 1);
    a.give(Leave{});
    a.give(Describe{"", "tcp://10.0.0.8:7470", ""});
    CHECK(a.book.at(a.members->self()).contact.control == "tcp://10.0.0.9:7470");
}

TEST_CASE("of a member that has moved its owner is told the new address") {
    Alone a(3);
    Record moved = a.book.at(a.other(2));
    moved.incarnation = 1;
    moved.contact.control = "tcp://10.0.0.9:7470";
    a.hear({*a.book.intern(moved), Standing::alive, {}});
    CHECK(a.told<Changed>() == 1);
    CHECK(a.told<Joined>() == 0);
    CHECK(a.book.at(a.members->roster().find(PeerId{2})->record).contact.control == "tcp://10.0.0.9:7470");
}

TEST_CASE("a doubt about us that we have answered is answered again for whom it comes from") {
    Alone a(3);
    a.hear({a.self, Standing::suspect, PeerId{3}});
    for (int i = 0; i < 200; ++i) a.give(Woken<Timer>{GossipDue{}});
    REQUIRE(a.members->rumors_waiting() == 0);
    a.hear({a.self, Standing::suspect, PeerId{3}});
    CHECK(a.own_incarnation() == 1);
    CHECK(a.members->rumors_waiting() == 1);
}
