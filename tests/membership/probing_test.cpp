// A probe: direct, through helpers, and what it says of us.
#include <doctest/doctest.h>

#include <cmath>

#include "alone.hpp"

using namespace grapevine;
using namespace grapevine::membership;
using namespace grapevine::membership::test;

TEST_CASE("every member is probed once a round, by the whole membership") {
    Alone a(20);
    for (int round = 0; round < 5; ++round) {
        std::map<std::uint64_t, int> probed;
        for (int i = 0; i < 20; ++i) {
            const auto target = a.probe();
            REQUIRE(target);
            ++probed[target->value];
            a.answer(*target);
        }
        CHECK(probed.size() == 20);
    }
}

TEST_CASE("a ping to a suspect carries the suspicion first") {
    Alone a(1);
    a.hear({a.other(2), Standing::suspect, PeerId{9}}, PeerId{9});
    a.now += 1s;
    a.give(Woken<Timer>{ProbeDue{}});
    const auto* ping = a.sent_to(PeerId{2});
    REQUIRE(ping);
    CHECK(ping->rumors.begin()->standing == Standing::suspect);
    CHECK(a.book.id(ping->rumors.begin()->about) == PeerId{2});
}

TEST_CASE("a silent member is asked for through helpers, then suspected, then buried") {
    Alone a(4);
    a.now += 1s;
    a.give(Woken<Timer>{ProbeDue{}});
    const PeerId target = *a.pinged();
    std::uint32_t round = std::get<Ping>(a.sent_to(target)->body).round;
    a.now += 500ms;
    a.give(Woken<Timer>{DirectOverdue{round}});
    int helpers = 0;
    for (const auto& e : a.effects.list)
        if (const auto* s = std::get_if<Membership::Effects::Send>(&e)) {
            CHECK(std::get<PingRequest>(s->message.body).target == target);
            CHECK(s->to != target);
            ++helpers;
        }
    CHECK(helpers == 3);
    a.now += 500ms;
    a.give(Woken<Timer>{ProbeDue{}});
    CHECK(a.told<Suspected>() == 1);
    CHECK(a.members->local_health() == 2);  // the probe failed and no helper said nack: perhaps it is us
    const Instant since = a.now;
    a.live_for(200s);
    a.give(Woken<Timer>{SuspicionDue{target, since}});
    CHECK(a.told<Gone>() == 1);
    a.give(Woken<Timer>{SuspicionDue{target, since}});  // stale
    CHECK(a.told<Gone>() == 0);
}

TEST_CASE("with suspicion off a failed probe is a verdict at once") {
    Config config;
    config.suspicion = false;
    Alone a(4, config);
    a.now += 1s;
    a.give(Woken<Timer>{ProbeDue{}});
    a.now += 1s;
    a.give(Woken<Timer>{ProbeDue{}});
    CHECK(a.told<Gone>() == 1);
}

TEST_CASE("a helper passes the answer on, or says that it has none") {
    Alone a(4);
    a.give(Received<Message>{PeerId{2}, Message{PingRequest{77, PeerId{3}}, {}}});
    const auto* ping = a.sent_to(PeerId{3});
    REQUIRE(ping);
    const std::uint32_t round = std::get<Ping>(ping->body).round;
    a.give(Woken<Timer>{NackDue{round}});
    CHECK(std::get<Nack>(a.sent_to(PeerId{2})->body).round == 77);
    a.give(Received<Message>{PeerId{3}, Message{Ack{round}, {}}});
    CHECK(std::get<Ack>(a.sent_to(PeerId{2})->body).round == 77);
    a.give(Woken<Timer>{NackDue{round}});
    CHECK(!a.sent_to(PeerId{2}));  // answered: nothing to be sorry for
}

TEST_CASE("local health: an ack is one better, a failed probe one worse, a missed nack one more, refuting oneself one more") {
    Alone a(5);
    const auto fail = [&](bool nacks) {
        const PeerId target = *a.probe();
        const std::uint32_t round = std::get<Ping>(a.sent_to(target)->body).round;
        a.give(Woken<Timer>{DirectOverdue{round}});
        const int helpers = a.sent<PingRequest>();
        for (int i = 0; nacks && i < helpers; ++i) a.give(Received<Message>{PeerId{2}, Message{Nack{round}, {}}});
    };
    fail(true);
    a.answer(*a.probe());  // concludes the failure, then one that is answered
    CHECK(a.members->local_health() == 0);
    fail(true);
    a.probe();
    CHECK(a.members->local_health() == 1);
    fail(false);
    a.probe();
    CHECK(a.members->local_health() == 4);  // the probe before was not answered either: 1 + 1 + 2
    a.hear({a.self, Standing::suspect, PeerId{3}});
    CHECK(a.members->local_health() == 5);
    for (int i = 0; i < 10; ++i) {
        fail(false);
    }
    CHECK(a.members->local_health() == 8);
    Config off;
    off.local_health = false;
    Alone b(5, off);
    for (int i = 0; i < 5; ++i) b.probe();
    CHECK(b.members->local_health() == 0);
}

TEST_CASE("the period is four round trips at least") {
    Alone a(1);
    for (int i = 0; i < 40; ++i) {
        const PeerId target = *a.probe();
        const std::uint32_t round = std::get<Ping>(a.sent_to(target)->body).round;
        a.now += 400ms;
        a.give(Received<Message>{target, Message{Ack{round}, {}}});
    }
    a.probe();
    for (const auto& e : a.effects.list)
        if (const auto* w = std::get_if<Membership::Effects::Wake>(&e); w && std::holds_alternative<ProbeDue>(w->timer))
            CHECK(std::abs(ms(w->at - a.now) - 1600) < 1);
}

TEST_CASE("an ack of another round, or a second one, says nothing") {
    Alone a(3);
    const PeerId target = *a.probe();
    const std::uint32_t round = std::get<Ping>(a.sent_to(target)->body).round;
    a.give(Received<Message>{target, Message{Ack{round + 7}, {}}});
    a.give(Received<Message>{target, Message{Ack{0}, {}}});
    a.probe();
    CHECK(a.told<ProbeFailed>() == 1);
}
