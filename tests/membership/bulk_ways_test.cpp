#include <doctest/doctest.h>

#include "alone.hpp"

using namespace grapevine;
using namespace grapevine::membership;
using namespace grapevine::membership::test;

namespace {

constexpr PeerId who{2}, another{3};

std::vector<Way> ways(const Alone& a) {
    std::vector<Way> told;
    for (const auto& e : a.effects.list)
        if (const auto* t = std::get_if<Membership::Effects::Tell>(&e))
            if (const auto* b = std::get_if<BulkWay>(&t->event)) told.push_back(b->way);
    return told;
}
void fail(Alone& a, int times, PeerId with = who) {
    for (int i = 0; i < times; ++i) {
        a.effects.list.clear();
        a.members->unanswered(a.now, with, a.effects);
    }
}
bool drawn(Alone& a, PeerId peer) {
    Random random(5);
    for (int i = 0; i < 200; ++i)
        if (a.members->company().draw(random) == peer) return true;
    return false;
}
// Periods in which everybody answers, until `peer` is drawn again; how long it took.
Duration until_drawn(Alone& a, PeerId peer) {
    const Instant began = a.now;
    while (!drawn(a, peer) && a.now - began < 30min) {
        a.probe();
        a.answer(*a.pinged());
    }
    return a.now - began;
}

}  // namespace

TEST_CASE("the pause of a way that fails again and again doubles, up to two minutes; a success makes it as new") {
    BulkWays ways;
    Instant now{};
    CHECK(!ways.failed(who, now));
    CHECK(!ways.failed(who, now));
    CHECK(ways.failed(who, now));
    for (Duration pause = BulkWays::first_pause; pause < BulkWays::longest_pause; pause = std::min(2 * pause, BulkWays::longest_pause)) {
        CAPTURE(seconds(pause));
        CHECK(ways.of(who) == Way::doubtful);
        CHECK(!ways.failed(who, now));  // one that was under way
        CHECK(ways.over(now + pause - 1ms).empty());
        const auto over = ways.over(now += pause);
        REQUIRE(over.size() == 1);
        CHECK((over[0].peer == who && over[0].on_trial));
        CHECK(ways.of(who) == Way::open);
        CHECK(ways.failed(who, now));
    }
    CHECK(ways.over(now + BulkWays::longest_pause).size() == 1);
    CHECK(!ways.mixed(who));  // it was on trial
    CHECK(ways.empty());
    ways.failed(who, now), ways.failed(who, now);
    CHECK(!ways.mixed(who));
    ways.failed(who, now), ways.failed(who, now);
    CHECK(ways.of(who) == Way::open);  // not in a row
}

TEST_CASE("no more ways are remembered than a number, and what is of no use is forgotten") {
    BulkWays ways;
    Instant now{};
    for (std::uint64_t i = 1; i <= BulkWays::most + 10; ++i) ways.echoed(PeerId{i}, Way::shut, now += 1ms);
    CHECK(ways.unreachable() == BulkWays::most);
    CHECK(ways.of(PeerId{10}) == Way::open);
    CHECK(ways.of(PeerId{11}) == Way::shut);
    BulkWays once;
    once.failed(who, now);
    once.over(now + BulkWays::remembered);
    CHECK(!once.empty());
    once.over(now + BulkWays::remembered + 1s);
    CHECK(once.empty());
}

TEST_CASE("whose three exchanges in a row came to nothing is skipped, an echo is wanted, and all others are mixed with") {
    Alone a(4);
    fail(a, 2);
    CHECK(ways(a).empty());
    CHECK(drawn(a, who));
    fail(a, 1);
    CHECK(ways(a) == std::vector{Way::doubtful});
    CHECK(a.told<EchoWanted>() == 1);
    CHECK(a.members->bulk_way(who) == Way::doubtful);
    CHECK(!drawn(a, who));
    CHECK(drawn(a, another));
    CHECK(a.members->company().contains(who));  // it is a member like any
    CHECK(a.members->company().size() == 4);
    a.give(Echoed{who, Way::open});  // it is not the way: a member that is too slow, or hangs
    CHECK(!drawn(a, who));
    const Duration first = until_drawn(a, who);
    CHECK(first >= BulkWays::first_pause);
    CHECK(first <= BulkWays::first_pause + 2s);
    fail(a, 1);
    CHECK(!drawn(a, who));
    CHECK(until_drawn(a, who) >= 2 * BulkWays::first_pause);
    a.effects.list.clear();
    a.members->mixed_with(who, a.effects);
    fail(a, 2);
    CHECK(drawn(a, who));
}

TEST_CASE("a way that an echo finds shut is said once, and open when an echo or an exchange says so") {
    for (const bool by_echo : {true, false}) {
        CAPTURE(by_echo);
        Alone a(3);
        fail(a, 3);
        a.give(Echoed{who, Way::shut});
        CHECK(ways(a) == std::vector{Way::shut});
        CHECK(a.members->bulk_unreachable() == 1);
        int wanted = 0, said = 0;
        for (int i = 0; i < 60; ++i) {
            a.probe();
            said += a.told<BulkWay>();
            if (const int now = a.told<EchoWanted>()) {
                wanted += now;
                a.answer(*a.pinged());
                a.give(Echoed{who, Way::shut});
                said += a.told<BulkWay>();
            } else {
                a.answer(*a.pinged());
            }
            CHECK(!drawn(a, who));
        }
        CHECK(said == 0);
        CHECK(wanted >= 2);
        CHECK(wanted <= 3);  // after 10, 20 and 40 s
        if (by_echo) {
            a.give(Echoed{who, Way::open});
        } else {
            a.effects.list.clear();
            a.members->mixed_with(who, a.effects);
        }
        CHECK(ways(a) == std::vector{Way::open});
        CHECK(drawn(a, who));
        CHECK(a.members->bulk_unreachable() == 0);
    }
}

TEST_CASE("an echo that the driver had reason to send counts as much; of who is no member it says nothing") {
    Alone a(3);
    a.give(Echoed{who, Way::narrow});
    CHECK(ways(a) == std::vector{Way::narrow});
    CHECK(!drawn(a, who));
    a.give(Echoed{PeerId{77}, Way::shut});
    a.give(Echoed{another, Way::doubtful});  // from a recording that somebody wrote
    a.give(Echoed{another, Way::open});
    CHECK(ways(a).empty());
    CHECK(drawn(a, another));
}

TEST_CASE("a suspect's failures say nothing of its bulk plane, and who is back from the dead is as new") {
    Alone a(3);
    a.hear({a.other(2), Standing::suspect, another}, another);
    fail(a, 5);
    CHECK(a.told<BulkWay>() == 0);
    a.hear({a.other(2, 1), Standing::alive, {}}, another);
    fail(a, 3);
    CHECK(!drawn(a, who));
    a.hear({a.other(2, 2), Standing::alive, {}}, another);  // another record of it
    CHECK(!drawn(a, who));
    a.hear_dead(a.other(2, 2), another);
    CHECK(a.members->bulk_way(who) == Way::open);
    a.hear({a.other(2, 3), Standing::alive, {}}, another);
    CHECK(drawn(a, who));
}

TEST_CASE("nobody is skipped where nobody is probed: there would be nobody to think of it again") {
    Config config;
    config.probing = false;
    Alone a(3, config);
    fail(a, 10);
    CHECK(ways(a).empty());
    CHECK(drawn(a, who));
}
