// Members that find their own links bad.
#include <doctest/doctest.h>

#include "alone.hpp"

using namespace grapevine;
using namespace grapevine::membership;
using namespace grapevine::membership::test;

TEST_CASE("failing: the share of the last sixty probes") {
    LinkQuality q;
    CHECK(q.failing() == 0);
    q.probed(false);
    CHECK(q.failing() == 100);
    for (int i = 0; i < 3; ++i) q.probed(true);
    CHECK(q.failing() == 25);
    for (int i = 0; i < 60; ++i) q.probed(true);
    CHECK(q.failing() == 0);
    for (int i = 0; i < 30; ++i) q.probed(false);
    CHECK(q.failing() == 50);
}

TEST_CASE("worse than the others by twenty points of sixty probes, of fewer by more; well again at ten") {
    struct Row { int good, bad; std::uint32_t median; bool already, worse; };
    for (const Row& row : {Row{0, 7, 0, false, false},   // too few to say
                           Row{0, 8, 0, false, true}, Row{4, 4, 0, false, false}, Row{47, 13, 0, false, true}, Row{48, 12, 0, false, false},
                           Row{36, 24, 19, false, true}, Row{40, 20, 19, false, false}, Row{53, 7, 0, true, true}, Row{54, 6, 0, true, false}}) {
        LinkQuality q;
        for (int i = 0; i < row.good; ++i) q.probed(true);
        for (int i = 0; i < row.bad; ++i) q.probed(false);
        CHECK(q.worse_than(row.median, row.already) == row.worse);
    }
}

TEST_CASE("at a uniform loss of ten per cent next to nobody is degraded") {
    Random random(1);
    const double fails = 1 - 0.9 * 0.9;
    int degraded = 0;
    const int peers = 2000, probes = 300;
    for (int p = 0; p < peers; ++p) {
        LinkQuality q;
        bool ever = false;
        for (int i = 0; i < probes; ++i) {
            q.probed(!random.chance(fails));
            ever = ever || q.worse_than(19, false);
        }
        degraded += ever;
    }
    CHECK(degraded <= peers / 50);  // in five minutes; each instant far fewer
}

TEST_CASE("three who cannot reach us within a minute") {
    Complaints c;
    const Instant t{100s};
    for (int i = 0; i < 5; ++i) c.from(PeerId{7}, t);
    CHECK(c.fresh(t) == 1);
    c.from(PeerId{8}, t + 10s);
    c.from(PeerId{9}, t + 20s);
    CHECK(c.fresh(t + 30s) == 3);
    CHECK(c.fresh(t + 65s) == 2);
    for (std::uint64_t i = 20; i < 40; ++i) c.from(PeerId{i}, t + 70s);
    CHECK(c.fresh(t + 70s) == 4);  // no more are kept
}

TEST_CASE("a degraded member is not drawn for mixing, nor does it draw; it is a member as before") {
    Alone a(3);
    Record bad = record(3, 1, "o");
    bad.degraded = true;
    bad.failing = 90;
    a.hear({*a.book.intern(bad), Standing::alive, {}});
    CHECK(a.told<Changed>() == 1);
    Random random(1);
    for (int i = 0; i < 200; ++i) CHECK(a.members->company().draw(random) != PeerId{3});
    CHECK(a.members->roster().contains(PeerId{3}));
    CHECK(a.members->company().size() == 3);
    // Our own probes fail and theirs do not: it is us.
    for (int i = 0; i < 12; ++i) {
        const PeerId target = *a.probe();
        const std::uint32_t round = a.round_of_ping();
        a.give(Received<Message>{PeerId{target.value == 2 ? 4u : 2u}, Message{Ack{round}, {}}});  // through a helper
    }
    CHECK(a.book.degraded(a.members->self()));
    CHECK(!a.members->company().draw(random));
    for (int i = 0; i < 80; ++i) a.answer(*a.probe());
    CHECK(!a.book.degraded(a.members->self()));
    CHECK(a.members->company().draw(random));
}

TEST_CASE("a member that answers others and not us is asked again, and told by helpers that it is the link") {
    Alone a(8);
    PeerId deaf{};
    int told = 0;
    for (int i = 0; i < 30; ++i) {
        const auto target = a.probe();
        for (const auto& e : a.effects.list)
            if (const auto* s = std::get_if<Membership::Effects::Send>(&e))
                if (const auto* request = std::get_if<PingRequest>(&s->message.body); request && request->deaf) {
                    CHECK(request->target == deaf);
                    ++told;
                }
        if (!deaf) deaf = *target;
        const std::uint32_t round = a.round_of_ping();
        a.give(Received<Message>{*target == deaf ? PeerId{deaf.value == 2 ? 3u : 2u} : *target, Message{Ack{round}, {}}});
    }
    CHECK(told >= 3);
}
