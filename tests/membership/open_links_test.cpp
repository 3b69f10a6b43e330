// Members that only dial out: who is in reach, who is asked for them, and whom they call.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "alone.hpp"

using namespace grapevine;
using namespace grapevine::membership;
using namespace grapevine::membership::test;

namespace {

Record outbound(std::uint64_t id, std::uint32_t incarnation = 0) {
    Record r = record(id, incarnation, "o");
    r.outbound = true;
    return r;
}

// Members 2 to 9, of whom the last can only dial out; all are heard of from the second.
struct Mixed : Alone {
    explicit Mixed(Record me = record(1, 0, "me")) : Alone(7, {}, std::move(me)) { hear({*book.intern(outbound(9)), Standing::alive, {}}); }
    std::set<std::uint64_t> drawn() {
        std::set<std::uint64_t> seen;
        Random random(3);
        for (int i = 0; i < 300; ++i)
            if (const auto peer = members->company().draw(random)) seen.insert(peer->value);
        return seen;
    }
    void speaks(PeerId peer) { give(Received<Message>{peer, Message{Gossip{}, {}}}); }
    std::vector<PeerId> asked() const {
        std::vector<PeerId> to;
        for (const auto& e : effects.list)
            if (const auto* s = std::get_if<Membership::Effects::Send>(&e); s && std::holds_alternative<PingRequest>(s->message.body)) to.push_back(s->to);
        return to;
    }
    // Periods until the turn of the ninth, all others answering.
    void until_nine() {
        for (int i = 0; i < 40; ++i) {
            now += 1s;
            give(Woken<Timer>{ProbeDue{}});
            const auto target = pinged();
            if (!asked().empty() || target == PeerId{9}) return;
            if (target) answer(*target);
        }
        FAIL("the ninth was never probed");
    }
};

}  // namespace

TEST_CASE("one that only dials out is drawn as long as it writes, and is a member all the same") {
    Mixed a;
    CHECK(a.members->company().contains(PeerId{9}));
    CHECK(a.members->company().size() == 8);
    CHECK(a.drawn() == std::set<std::uint64_t>{2, 3, 4, 5, 6, 7, 8});
    a.speaks(PeerId{9});
    CHECK(a.drawn() == std::set<std::uint64_t>{2, 3, 4, 5, 6, 7, 8, 9});
    a.now += OpenLinks::trusted - 1s;
    auto probed = a.probe();  // exactly that long after
    REQUIRE(probed != PeerId{9});
    a.answer(*probed);
    CHECK(a.drawn().contains(9));
    probed = a.probe();
    CHECK(!a.drawn().contains(9));
    CHECK(a.standing(9) == Standing::alive);
    a.speaks(PeerId{9});
    CHECK(a.drawn().contains(9));
}

TEST_CASE("of one out of reach the keepers of its links are asked at once, and nothing follows for us") {
    Mixed a;
    a.until_nine();
    const auto keepers = keepers_of(PeerId{9}, a.members->roster(), a.book);
    REQUIRE(keepers.size() == 3);
    CHECK(a.asked() == keepers);
    CHECK(!a.sent_to(PeerId{9}));
    SUBCASE("one of them answers: it is well, and so are our links") {
        const auto round = std::get<PingRequest>(a.sent_to(keepers[0])->body).round;
        a.give(Received<Message>{keepers[0], Message{Ack{round}, {}}});
        a.now += 1s;
        a.give(Woken<Timer>{ProbeDue{}});
        CHECK(a.told<Suspected>() == 0);
        CHECK(a.book.failing(a.members->self()) == 0);
    }
    SUBCASE("none does: it is suspected, and our own health is not touched") {
        a.now += 1s;
        a.give(Woken<Timer>{ProbeDue{}});
        CHECK(a.told<ProbeFailed>() == 1);
        CHECK(a.told<Suspected>() == 1);
        CHECK(a.members->local_health() == 0);
    }
}

TEST_CASE("an open link that does not answer is shut, and no sign of bad links") {
    Mixed a;
    a.speaks(PeerId{9});
    a.until_nine();
    REQUIRE(a.pinged() == PeerId{9});
    const auto round = a.round_of_ping();
    a.give(Woken<Timer>{DirectOverdue{round}});
    const auto asked = a.asked();
    REQUIRE(asked.size() == 3);
    a.give(Received<Message>{asked[0], Message{Ack{round}, {}}});
    CHECK(!a.drawn().contains(9));
    CHECK(!a.members->reaches(PeerId{9}));
    a.now += 1s;
    a.give(Woken<Timer>{ProbeDue{}});
    CHECK(a.sent_to(PeerId{9}) == nullptr);  // it is no doubtful link either
}

TEST_CASE("where nobody is left who could be asked, nobody is accused") {
    Alone a(0);
    a.hear({*a.book.intern(outbound(9)), Standing::alive, {}}, PeerId{9});
    for (int i = 0; i < 60; ++i) {
        a.probe();
        CHECK(a.told<Suspected>() == 0);
    }
}

TEST_CASE("who is asked about one that it cannot reach says so at once") {
    Mixed a;
    a.give(Received<Message>{PeerId{2}, Message{PingRequest{77, PeerId{9}, false}, {}}});
    CHECK(a.sent<Ping>() == 0);
    REQUIRE(a.sent<Nack>() == 1);
    CHECK(std::get<Nack>(a.sent_to(PeerId{2})->body).round == 77);
    a.speaks(PeerId{9});
    a.give(Received<Message>{PeerId{2}, Message{PingRequest{78, PeerId{9}, false}, {}}});
    CHECK(a.sent<Ping>() == 1);
}

TEST_CASE("one that only dials out calls three members a quarter of a minute, and takes another when one dies") {
    Mixed a(outbound(1));
    std::map<std::uint64_t, int> called;
    const auto keepers = keepers_of(PeerId{1}, a.members->roster(), a.book);
    REQUIRE(keepers.size() == 3);
    const auto a_period = [&] {
        a.now += 1s;
        a.give(Woken<Timer>{ProbeDue{}});
        std::vector<PeerId> pings;
        for (const auto& e : a.effects.list)
            if (const auto* s = std::get_if<Membership::Effects::Send>(&e); s && std::holds_alternative<Ping>(s->message.body)) pings.push_back(s->to);
        const bool probed = a.asked().empty() && !pings.empty();
        for (std::size_t i = 0; i + (probed ? 1 : 0) < pings.size(); ++i) ++called[pings[i].value];
        if (probed) a.answer(pings.back());
    };
    for (int i = 0; i < 60; ++i) a_period();
    CHECK(called.size() == 3);
    for (const PeerId keeper : keepers) CHECK(called[keeper.value] == 4);
    CHECK(!called.contains(9));
    called.clear();
    a.hear_dead(a.other(keepers[0].value), keepers[1]);
    a_period();
    const auto now_kept = keepers_of(PeerId{1}, a.members->roster(), a.book);
    REQUIRE(now_kept.size() == 3);
    CHECK(called[now_kept[2].value] == 1);
    CHECK(called[keepers[0].value] == 0);
}

TEST_CASE("keepers are the same for all who know the same, and spread evenly") {
    Book book;
    std::vector<Handle> known;
    for (std::uint64_t i = 1; i <= 200; ++i) known.push_back(*book.intern(record(i)));
    const Roster all(book, known);
    std::map<std::uint64_t, int> kept;
    for (std::uint64_t i = 1000; i < 3000; ++i) {
        const auto keepers = keepers_of(PeerId{i}, all, book);
        CHECK(std::set<PeerId>(keepers.begin(), keepers.end()).size() == 3);
        for (const PeerId keeper : keepers) ++kept[keeper.value];
        // One that is not among them may be missing.
        std::vector<Handle> fewer;
        for (const Handle h : known)
            if (std::find(keepers.begin(), keepers.end(), book.id(h)) != keepers.end() || book.id(h).value % 2 == 0) fewer.push_back(h);
        CHECK(keepers_of(PeerId{i}, Roster(book, fewer), book) == keepers);
    }
    for (const auto& [peer, times] : kept) CHECK((times > 5 && times < 60));  // 30 on average; 5 deviations
    CHECK(kept.size() == 200);
}

TEST_CASE("a driver that finds out whether we can be dialled changes our record, once") {
    Alone a(3);
    a.give(Dialable{true});
    CHECK(a.own_incarnation() == 0);
    a.give(Dialable{false});
    CHECK(a.own_incarnation() == 1);
    CHECK(a.book.outbound(a.members->self()));
    a.give(Dialable{false});
    CHECK(a.own_incarnation() == 1);
    a.give(Dialable{true});
    CHECK(!a.book.outbound(a.members->self()));
}
