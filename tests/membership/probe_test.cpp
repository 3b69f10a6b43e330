// One membership, alone: what it does with inputs that a whole cluster would rarely give it.
#include <doctest/doctest.h>

#include <map>

#include "grapevine/membership/membership.hpp"

using namespace grapevine;
using namespace grapevine::membership;
using namespace std::chrono_literals;

namespace {

struct Alone {
    Book book;
    Handle self = *book.intern({{PeerId{1}, "me", "tcp://a:1", "tcp://a:2"}, 0});
    std::optional<Membership> members;
    Membership::Effects effects;
    Instant now{};

    explicit Alone(std::uint64_t others, Config config = {}) {
        std::vector<Handle> known;
        for (std::uint64_t i = 2; i < 2 + others; ++i) known.push_back(*book.intern({{PeerId{i}, "o", "tcp://b:1", "tcp://b:2"}, 0}));
        members.emplace(book, self, config, Random(7), known);
        give(Start{});
    }
    void give(Membership::Input input) {
        effects.list.clear();
        members->step(now, std::move(input), effects);
    }
    template <class E>
    int told() const {
        int count = 0;
        for (const auto& e : effects.list)
            if (const auto* t = std::get_if<Membership::Effects::Tell>(&e)) count += std::holds_alternative<E>(t->event);
        return count;
    }
    const Message* sent_to(PeerId peer) const {
        for (const auto& e : effects.list)
            if (const auto* s = std::get_if<Membership::Effects::Send>(&e); s && s->to == peer) return &s->message;
        return nullptr;
    }
    std::optional<PeerId> pinged() const {
        for (const auto& e : effects.list)
            if (const auto* s = std::get_if<Membership::Effects::Send>(&e); s && std::holds_alternative<Ping>(s->message.body)) return s->to;
        return std::nullopt;
    }
    Handle other(std::uint64_t id, std::uint32_t incarnation = 0) { return *book.intern({{PeerId{id}, "o", "tcp://b:1", "tcp://b:2"}, incarnation}); }
    void live_for(Duration d) {  // with something to do now and then: who has nothing for long thinks that it was stopped
        for (const Instant until = now + d; now < until; now += 1s) give(Received<Message>{PeerId{2}, Message{Gossip{}, {}}});
    }
    void hear(Rumor rumor, PeerId from = PeerId{2}) {
        Message message{Gossip{}, {}};
        message.rumors.push_back(rumor);
        give(Received<Message>{from, message});
    }
};

}  // namespace

TEST_CASE("every member is probed once a round") {
    Alone a(20);
    for (int round = 0; round < 5; ++round) {
        std::map<std::uint64_t, int> probed;
        for (int i = 0; i < 20; ++i) {
            a.now += 1s;
            a.give(Woken<Timer>{ProbeDue{}});
            const auto target = a.pinged();
            REQUIRE(target);
            ++probed[target->value];
            const auto* s = a.sent_to(*target);
            a.give(Received<Message>{*target, Message{Ack{std::get<Ping>(s->body).round}, {}}});
        }
        CHECK(probed.size() == 20);
    }
}

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
    a.hear({a.other(3), Standing::dead, {}});
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
