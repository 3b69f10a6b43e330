#include "grapevine/membership/wall_time.hpp"

#include <doctest/doctest.h>

#include <limits>

#include "alone.hpp"

using namespace grapevine;
using namespace grapevine::membership;
using namespace grapevine::membership::test;

namespace {

constexpr std::int64_t second = 1'000'000'000;
constexpr std::int64_t noon = 1'790'000'000 * second;

// It is asked now and answers at once, with a clock that far ahead of ours.
void answers(WallTime& time, Instant now, std::uint64_t who, Duration ahead, Duration round_trip = 10ms) {
    time.answered(now - round_trip, now, PeerId{who}, time.at(now - round_trip / 2) + ahead.count());
}

}  // namespace

TEST_CASE("nobody's clock is known before it was told, and no other's is then") {
    WallTime time;
    CHECK(time.at(Instant(5s)) == 0);
    time.answered(Instant(1s), Instant(2s), PeerId{2}, noon);
    CHECK_FALSE(time.others_ahead());
    time.set(noon);
    CHECK(time.at(Instant(5s)) == noon + 5 * second);
    CHECK_FALSE(time.others_ahead());
    time.answered(Instant(1s), Instant(2s), PeerId{2}, 0);  // it does not know either
    CHECK_FALSE(time.others_ahead());
}

TEST_CASE("an answer was sent half a round trip ago") {
    for (const Duration round_trip : {Duration(0), Duration(10ms), Duration(3s)}) {
        WallTime time;
        time.set(noon);
        answers(time, Instant(20s), 2, 7s, round_trip);
        CHECK(time.others_ahead() == Duration(7s));
    }
}

TEST_CASE("the cluster's clock is the median of the others', and of two the one nearer to ours") {
    const auto ahead = [](std::initializer_list<Duration> others) {
        WallTime time;
        time.set(noon);
        std::uint64_t who = 2;
        for (const Duration other : others) answers(time, Instant(20s), who++, other);
        return *time.others_ahead();
    };
    CHECK(ahead({24h}) == Duration(24h));
    CHECK(ahead({-24h}) == Duration(-24h));
    CHECK(ahead({24h, 1ms}) == Duration(1ms));
    CHECK(ahead({-24h, -1ms}) == Duration(-1ms));
    CHECK(ahead({-2s, 1s}) == Duration(1s));
    CHECK(ahead({-1s, 2s}) == Duration(-1s));
    CHECK(ahead({0s, 24h, 1ms}) == Duration(1ms));
    CHECK(ahead({24h, 24h, 0s}) == Duration(24h));
    CHECK(ahead({1s, 2s, 3s, 4s}) == Duration(2s));
    CHECK(ahead({-1s, -2s, -3s, -4s}) == Duration(-2s));
}

TEST_CASE("who answers again is counted once, and the last ones count") {
    WallTime time;
    time.set(noon);
    for (int i = 0; i < 100; ++i) answers(time, Instant(20s), 2, 24h);
    answers(time, Instant(20s), 3, 0s), answers(time, Instant(20s), 4, 0s);
    CHECK(time.others_ahead() == Duration(0));
    for (std::uint64_t who = 100; who < 100 + WallTime::kept; ++who) answers(time, Instant(20s), who, 5s);
    CHECK(time.others_ahead() == Duration(5s));
    answers(time, Instant(20s), 200, 6s);
    CHECK(time.others_ahead() == Duration(5s));
}

TEST_CASE("when our clock is set, the others' are ahead by as much less at once") {
    WallTime time;
    time.set(noon);
    for (std::uint64_t who = 2; who < 6; ++who) answers(time, Instant(20s), who, 1s);
    time.set(noon + 86'400 * second);
    CHECK(time.others_ahead() == Duration(1s) - Duration(24h));
    time.set(noon + second);
    CHECK(time.others_ahead() == Duration(0));
}

TEST_CASE("no clock that another claims to have is too far off to be reckoned with") {
    constexpr auto most = std::numeric_limits<std::int64_t>::max(), least = std::numeric_limits<std::int64_t>::min();
    for (const std::int64_t ours : {least, std::int64_t{-1}, std::int64_t{0}, std::int64_t{1}, noon, WallTime::latest, most}) {
        for (const std::int64_t theirs : {least, std::int64_t{-1}, std::int64_t{0}, WallTime::latest + 1, most}) {
            WallTime time;
            time.set(ours);
            time.answered(Instant(1s), Instant(2s), PeerId{2}, theirs);
            CHECK_FALSE(time.others_ahead());
        }
        for (const std::int64_t theirs : {std::int64_t{1}, noon, WallTime::latest}) {
            WallTime time;
            time.set(ours);
            time.answered(Instant(1s), Instant(2s), PeerId{2}, theirs);
            REQUIRE(time.others_ahead());
            for (const std::int64_t then : {least, noon, most}) time.set(then);
            CHECK(time.others_ahead() >= Duration(-WallTime::latest));
            CHECK(time.others_ahead() <= Duration(WallTime::latest));
        }
    }
}

TEST_CASE("an answer to a ping says what the clock shows, and who pinged finds out by how much its own is off") {
    Alone a(3);
    a.give(WallClock{noon});
    a.now += 5s;
    a.give(Received<Message>{PeerId{3}, Message{Ping{77, {}, false}, {}}});
    CHECK(std::get<Ack>(a.sent_to(PeerId{3})->body).clock == noon + 5 * second);
    CHECK_FALSE(a.members->others_ahead());
    for (int i = 0; i < 6; ++i) {
        const PeerId target = *a.probe();
        const std::int64_t shows = noon + (a.now.time_since_epoch() + 5ms + 30s).count();
        const std::uint32_t round = a.round_of_ping();
        a.now += 10ms;
        a.give(Received<Message>{target, Message{Ack{round, shows}, {}}});
    }
    CHECK(a.members->others_ahead() == Duration(30s));
}

TEST_CASE("who was told no clock sends none and reckons nothing") {
    Alone a(3);
    a.give(Received<Message>{PeerId{3}, Message{Ping{77, {}, false}, {}}});
    CHECK(std::get<Ack>(a.sent_to(PeerId{3})->body).clock == 0);
    const PeerId target = *a.probe();
    a.give(Received<Message>{target, Message{Ack{a.round_of_ping(), noon}, {}}});
    CHECK_FALSE(a.members->others_ahead());
}

TEST_CASE("an answer that came through a helper says nothing of the other's clock") {
    Alone a(3);
    a.give(WallClock{noon});
    const PeerId target = *a.probe();
    const std::uint32_t round = a.round_of_ping();
    const PeerId helper{target.value == 2 ? 3u : 2u};
    a.now += 500ms;
    a.give(Woken<Timer>{DirectOverdue{round}});
    a.give(Received<Message>{helper, Message{Ack{round, noon + 86'400 * second}, {}}});
    CHECK_FALSE(a.members->others_ahead());
}
