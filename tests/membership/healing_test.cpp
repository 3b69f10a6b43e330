// The dead are remembered and called.
#include <doctest/doctest.h>

#include <cmath>

#include "alone.hpp"

using namespace grapevine;
using namespace grapevine::membership;
using namespace grapevine::membership::test;

TEST_CASE("graves: the oldest is forgotten first, by age or because there are too many") {
    Graveyard g;
    for (std::uint64_t i = 1; i <= 5; ++i) g.bury(Instant{Duration(i)}, PeerId{i});
    g.risen(PeerId{2});
    CHECK(g.size() == 4);
    CHECK(!g.forget(Instant{}, 4));
    CHECK(g.forget(Instant{}, 3) == PeerId{1});
    CHECK(g.forget(Instant{Duration(4)}, 100) == PeerId{3});
    CHECK(!g.forget(Instant{Duration(4)}, 100));
    g.risen(PeerId{5});
    CHECK(g.forget(Instant{Duration(100)}, 100) == PeerId{4});
    CHECK(g.size() == 0);
    CHECK(!g.forget(Instant{Duration(100)}, 0));
}

TEST_CASE("graves: one that was forgotten and comes back takes no other's place") {
    Graveyard g;
    for (std::uint64_t i = 1; i <= 9; ++i) g.bury(Instant{Duration(i)}, PeerId{i});
    CHECK(g.forget(Instant{Duration(3)}, 100) == PeerId{1});
    CHECK(g.forget(Instant{Duration(3)}, 100) == PeerId{2});
    g.risen(PeerId{1});
    CHECK(g.size() == 7);
    CHECK(g.forget(Instant{Duration(4)}, 100) == PeerId{3});
}

TEST_CASE("the cluster calls one of its dead each second, whatever its size") {
    Alone a(9);
    a.hear_dead(a.other(3));
    int calls = 0;
    const int periods = 2000;
    for (int i = 0; i < periods; ++i) {
        const auto target = a.probe();
        calls += a.sent_to(PeerId{3}) != nullptr;
        if (const auto* m = a.sent_to(PeerId{3})) CHECK(m->rumors.begin()->standing == Standing::dead);
        a.answer(*target);
    }
    const double expected = periods / 9.0;  // nine members are left
    CHECK(std::abs(calls - expected) < 4 * std::sqrt(expected));
}

TEST_CASE("'you are dead' is answered by one refutation, and by a question back now and then") {
    Alone a(3);
    a.hear_dead(a.other(3));
    int asked = 0;
    for (int i = 0; i < 100; ++i) {  // it calls and calls, as one that does not hear us
        a.hear(Join{}, {a.self, Standing::dead, PeerId{3}}, PeerId{3});
        asked += a.sent<Join>();
        a.now += 10ms;
    }
    CHECK(a.own_incarnation() == 1);
    CHECK(asked == 1);
}

TEST_CASE("who is alone calls its seeds") {
    Alone a(0);
    a.give(Met{a.other(2)});
    a.hear(Welcome{0, 1}, {a.other(2), Standing::alive, {}}, PeerId{2});
    a.hear({a.other(2), Standing::left, {}});
    REQUIRE(a.members->roster().present() == 0);
    int calls = 0;
    for (int i = 0; i < 200; ++i) {
        a.probe();
        calls += a.sent<Join>();
    }
    CHECK(calls > 5);
    CHECK(calls < 60);
}

TEST_CASE("the address of the dead is kept as long as they are called, and in partial views told before each call") {
    Config config;
    config.forget_dead = 100s;
    Alone a(5, config);
    a.hear_dead(a.other(3));
    CHECK(a.told<Unreachable>() == 0);
    int unreachable = 0;
    for (int i = 0; i < 120; ++i) {
        const PeerId target = *a.probe();
        unreachable += a.told<Unreachable>();
        a.answer(target);
        if (i < 90) CHECK(unreachable == 0);
    }
    CHECK(unreachable == 1);
    Config partial;
    partial.partial = true;
    Alone b(0, partial);
    b.give(Met{b.other(2)});
    b.give(Received<Message>{PeerId{2}, Message{ViewMessage(Neighbour{b.other(2), true}), {}}});
    REQUIRE(b.members->roster().contains(PeerId{2}));
    b.hear_dead(b.other(2));
    int calls = 0;
    for (int i = 0; i < 60; ++i) {
        b.probe();
        if (b.sent<Join>() == 0) continue;
        ++calls;
        CHECK(b.told<Reachable>() >= 1);
    }
    CHECK(calls > 5);
}

TEST_CASE("who has room for a neighbour in a partial view remembers the dead of others too, calls them, and tells whoever comes") {
    for (const std::uint64_t neighbours : {1, 2, 4, 5}) {
        Config partial;
        partial.partial = true;
        Alone a(0, partial);
        const auto is_neighbour = [&](std::uint64_t id) {
            a.give(Received<Message>{PeerId{id}, Message{ViewMessage(Neighbour{a.other(id), false}), {}}});
            REQUIRE(a.members->roster().contains(PeerId{id}));
        };
        for (std::uint64_t i = 2; i < 2 + neighbours; ++i) is_neighbour(i);
        a.hear({a.other(20), Standing::dead, {}});
        a.hear({a.other(21), Standing::suspect, PeerId{2}});  // it may be well
        a.hear({a.other(22), Standing::left, {}});            // it will not be back
        a.hear({a.other(23, 1u << 31), Standing::dead, {}});  // nobody can be that, and it could not refute it
        CHECK(a.members->roster().dead() == (neighbours < 5 ? 1 : 0));
        CHECK(a.members->roster().entries().size() == neighbours + a.members->roster().dead());
        CHECK(a.told<Gone>() == 0);  // it was none of ours
        if (neighbours == 5) continue;

        int calls = 0;
        for (int i = 0; i < 60; ++i) {
            if (const auto target = a.probe()) {
                calls += a.sent_to(PeerId{20}) != nullptr;
                a.answer(*target);
            }
        }
        CHECK(calls > 5);
        if (neighbours < 4) {
            a.give(Received<Message>{PeerId{9}, Message{ViewMessage(Enter{a.other(9)}), {}}});
            bool told = false;
            for (const auto& e : a.effects.list)
                if (const auto* s = std::get_if<Membership::Effects::Send>(&e); s && s->to == PeerId{9})
                    for (const Rumor& r : s->message.rumors) told = told || (a.book.id(r.about) == PeerId{20} && r.standing == Standing::dead);
            CHECK(told);
        }
        // It answers a call, and is asked to be a neighbour.
        a.hear(Welcome{0, 1}, {a.other(20, 1), Standing::alive, {}}, PeerId{20});
        CHECK(a.members->roster().dead() == 0);
        REQUIRE(a.sent_to(PeerId{20}));
        CHECK(std::holds_alternative<Neighbour>(std::get<ViewMessage>(a.sent_to(PeerId{20})->body)));
        // Who has not called it yet still tells that it is dead. It may die again.
        a.hear({a.other(20), Standing::dead, {}});
        CHECK(a.members->roster().dead() == 0);
        a.hear({a.other(20, 1), Standing::dead, {}});
        CHECK(a.members->roster().dead() == 1);
    }
}

TEST_CASE("a partial view remembers no more than 32 dead of others") {
    Config partial;
    partial.partial = true;
    Alone a(0, partial);
    for (std::uint64_t i = 20; i < 120; ++i) a.hear({a.other(i), Standing::dead, {}});
    CHECK(a.members->roster().dead() == Graveyard::in_partial_view);
}
