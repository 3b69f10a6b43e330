// Round trips for whoever asks.
#include <doctest/doctest.h>

#include "alone.hpp"

using namespace grapevine;
using namespace grapevine::membership;
using namespace grapevine::membership::test;

TEST_CASE("our own to another, another's to a third, and none") {
    Alone a(3);
    a.give(Measure{5, PeerId{1}, PeerId{3}});
    const std::uint32_t round = std::get<Ping>(a.sent_to(PeerId{3})->body).round;
    a.now += 30ms;
    a.give(Received<Message>{PeerId{3}, Message{Ack{round}, {}}});
    const auto* told = std::get_if<Membership::Effects::Tell>(&a.effects.list.front());
    REQUIRE(told);
    CHECK(std::get<Measured>(told->event).round_trip == Duration(30ms));
    CHECK(std::get<Measured>(told->event).serial == 5);
    a.give(Measure{6, PeerId{2}, PeerId{3}});
    CHECK(std::get<MeasureRequest>(a.sent_to(PeerId{2})->body).target == PeerId{3});
    a.give(Received<Message>{PeerId{2}, Message{MeasureReport{6, true, 7'000'000}, {}}});
    CHECK(std::get<Measured>(std::get<Membership::Effects::Tell>(a.effects.list.front()).event).round_trip == Duration(7ms));
    a.give(Received<Message>{PeerId{2}, Message{MeasureReport{6, true, 7'000'000}, {}}});
    CHECK(a.effects.list.empty());  // once is enough
    a.give(Measure{7, PeerId{77}, PeerId{3}});
    CHECK(!std::get<Measured>(std::get<Membership::Effects::Tell>(a.effects.list.front()).event).round_trip);
    a.give(Measure{8, PeerId{1}, PeerId{2}});
    const std::uint32_t lost = std::get<Ping>(a.sent_to(PeerId{2})->body).round;
    a.now += 1s;
    a.give(Woken<Timer>{MeasureOverdue{lost}});
    CHECK(!std::get<Measured>(std::get<Membership::Effects::Tell>(a.effects.list.front()).event).round_trip);
}
