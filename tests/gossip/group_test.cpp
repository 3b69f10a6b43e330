// Random groups: who is in one, that a model is never torn, that nobody stands still, and what is refused.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>

#include "cluster.hpp"

using namespace grapevine;
using namespace grapevine::gossip;
using namespace grapevine::test;

namespace {

ClusterOptions groups(std::uint32_t peers, std::uint32_t size) {
    ClusterOptions o = gossiping(peers);
    o.exchange.kind = Kind::group;
    o.exchange.group_size = size;
    o.membership.probing = false;
    return o;
}

std::map<std::uint32_t, int> mixes(Cluster& cluster) {
    std::map<std::uint32_t, int> count;
    for (const sim::Note& note : cluster.world().take_notes())
        if (std::holds_alternative<MixedWith>(note.event)) ++count[note.peer];
    return count;
}

// All elements of a model begin alike, and a mean of whole models keeps them so, but for rounding.
bool whole(Cluster& cluster, std::uint32_t peer) {
    const auto& v = cluster.learner(peer).values();
    return std::all_of(v.begin(), v.end(), [&](double x) { return std::abs(x - v[0]) < 1e-12; });
}

}  // namespace

TEST_CASE("a round falls into round(n / size) groups that differ by one at most, and everybody is in one") {
    for (const auto& [n, size, count] : {std::array{10u, 4u, 3u}, {16u, 4u, 4u}, {7u, 4u, 2u}, {5u, 4u, 1u}, {3u, 8u, 1u}, {23u, 5u, 5u}, {9u, 2u, 5u}}) {
        ClusterOptions o = groups(n, size);
        o.exchange.clock = Clock::rounds;
        o.exchange.trains = false;
        Cluster cluster(o);
        cluster.run_for(400ms);  // one round
        std::map<std::uint64_t, std::uint32_t> groups;
        std::uint32_t mixed = 0;
        for (const sim::Note& note : cluster.world().take_notes())
            if (const auto* m = std::get_if<MixedWith>(&note.event)) ++groups[m->group], ++mixed;
        const std::uint32_t alone = n - mixed;
        CAPTURE(n);
        CHECK(alone <= (size == 2 ? n % 2 : 0));
        CHECK(groups.size() + alone == count);
        for (const auto& [name, members] : groups) CHECK((members == n / count || members == n / count + 1));
        CHECK(cluster.mean() == doctest::Approx((n - 1) / 2.0).epsilon(1e-12));
    }
}

TEST_CASE("whenever a member dies, every model is whole and within the hull, and the others go on") {
    for (int at = 0; at < 60; ++at) {
        ClusterOptions o = groups(8, 4);
        o.dimension = 6;
        o.exchange.trains = false;
        o.exchange.clock = Clock::rounds;
        o.seed = static_cast<std::uint64_t>(at + 1);
        o.rate = 20000;  // parts take some milliseconds each
        o.membership.probing = true;
        Cluster cluster(o);
        cluster.run_for(4990ms + at * 1ms);
        cluster.world().crash(3);
        for (int k = 0; k < 30; ++k) {
            cluster.run_for(20ms);
            for (std::uint32_t i = 0; i < 8; ++i) {
                CHECK(whole(cluster, i));
                CHECK((cluster.value(i) >= 0 && cluster.value(i) <= 7));
            }
        }
        cluster.run_for(60s);
        cluster.world().take_notes();
        cluster.run_for(5s);
        CHECK(mixes(cluster).size() == 7);
    }
}

TEST_CASE("with loss and duplicates models are whole, and in the end agree") {
    ClusterOptions o = groups(12, 4);
    o.dimension = 5;
    o.loss = 0.05;
    o.duplicate = 0.05;
    o.exchange.trains = false;
    Cluster cluster(o);
    for (int k = 0; k < 300; ++k) {
        cluster.run_for(1s);
        for (std::uint32_t i = 0; i < 12; ++i) CHECK(whole(cluster, i));
    }
    CHECK(cluster.spread() < 1e-6);
}

TEST_CASE("on clocks of their own, and with unlike speeds, everybody mixes about once a period") {
    for (const std::uint32_t n : {2u, 6u, 13u}) {
        ClusterOptions o = groups(n, 4);
        Cluster cluster(o);
        cluster.world().slow(0, 10);  // a step takes 100 ms
        cluster.run_for(60s);
        const auto count = mixes(cluster);
        for (std::uint32_t i = 0; i < n; ++i) {
            CAPTURE(n);
            CAPTURE(i);
            REQUIRE(count.contains(i));
            CHECK(count.at(i) >= 120);  // a tick that finds a round begun waits for the next: two periods at the most
            CHECK(count.at(i) <= 250);
            CHECK(cluster.world().steps(i) > 0);
        }
    }
}

TEST_CASE("every so many steps a group waits for its slowest, and nobody stands still") {
    ClusterOptions o = groups(9, 3);
    o.exchange.period.reset();
    o.exchange.every_steps = 10;
    Cluster cluster(o);
    cluster.world().slow(4, 4);
    cluster.run_for(120s);
    for (const auto& [peer, n] : mixes(cluster)) CHECK(n > 200);
    std::uint64_t least = ~std::uint64_t{0}, most = 0;
    for (std::uint32_t i = 0; i < 9; ++i) least = std::min(least, cluster.world().steps(i)), most = std::max(most, cluster.world().steps(i));
    CHECK(most - least <= 50);
}

TEST_CASE("who was stopped for a while comes up with the others") {
    for (const bool by_steps : {false, true}) {
        ClusterOptions o = groups(8, 4);
        if (by_steps) o.exchange.period.reset(), o.exchange.every_steps = 10;
        Cluster cluster(o);
        cluster.run_for(5s);
        cluster.world().pause(2, sim::World::Timers::wait);
        cluster.run_for(20s);
        cluster.world().resume(2, sim::World::Timers::wait);
        cluster.run_for(10s);
        cluster.world().take_notes();
        cluster.run_for(20s);
        const auto count = mixes(cluster);
        CAPTURE(by_steps);
        CHECK(count.size() == 8);
        for (const auto& [peer, n] : count) CHECK(n >= 40);
    }
}

TEST_CASE("by one clock for all, who gave a round up because the others were ahead joins them in theirs") {
    // At every tick some found themselves behind and gave up, and at the next tick the others found those ahead: nobody ever mixed.
    ClusterOptions o = groups(5, 5);
    o.latency = 80ms;
    o.exchange.clock = Clock::rounds;
    o.exchange.period = 850ms;
    o.exchange.trains = false;
    Cluster cluster(o);
    cluster.run_for(20s);
    for (const std::uint32_t peer : {1u, 4u}) cluster.world().pause(peer, sim::World::Timers::wait);
    cluster.run_for(20s);
    for (const std::uint32_t peer : {1u, 4u}) cluster.world().resume(peer, sim::World::Timers::wait);
    cluster.run_for(30s);
    cluster.world().take_notes();
    cluster.run_for(20s);
    const auto count = mixes(cluster);
    CHECK(count.size() == 5);
    for (const auto& [peer, n] : count) CHECK(n >= 20);
}

TEST_CASE("where rounds take longer than the period everybody trains all the same") {
    ClusterOptions o = groups(9, 4);
    o.latency = 400ms;
    Cluster cluster(o);
    cluster.run_for(30s);
    std::vector<std::uint64_t> before;
    for (std::uint32_t i = 0; i < 9; ++i) before.push_back(cluster.world().steps(i));
    cluster.world().take_notes();
    cluster.run_for(60s);
    const auto count = mixes(cluster);
    for (std::uint32_t i = 0; i < 9; ++i) {
        CAPTURE(i);
        CHECK(count.at(i) >= 20);
        CHECK(cluster.world().steps(i) - before[i] >= static_cast<std::uint64_t>(count.at(i)) - 1);  // one at least between two rounds
    }
}

TEST_CASE("groups agree on a roll, lose a member, and go on without it") {
    ClusterOptions o = groups(9, 4);
    o.membership.probing = true;
    Cluster cluster(o);
    cluster.run_for(10s);
    cluster.world().crash(0);
    cluster.run_for(40s);
    cluster.world().take_notes();
    cluster.run_for(10s);
    const auto count = mixes(cluster);
    CHECK(count.size() == 8);
    for (const auto& [peer, n] : count) CHECK(n >= 20);
}

TEST_CASE("a newcomer takes what its group has") {
    ClusterOptions o = groups(6, 3);
    o.membership.probing = true;
    Cluster cluster(o);
    cluster.run_for(60s);  // by now all are at 0, where they train to
    const auto index = cluster.join(1);
    cluster.run_for(20s);
    CHECK(std::abs(cluster.value(index)) < 0.01);
    for (std::uint32_t i = 0; i < 6; ++i) CHECK(std::abs(cluster.value(i)) < 0.5);
}

namespace {

struct Nobody final : Company {
    std::size_t size() const override { return 1; }
    bool contains(PeerId) const override { return true; }
    std::optional<PeerId> draw(Random&) const override { return PeerId{2}; }
    std::vector<PeerId> all() const override { return {PeerId{2}}; }
};

// Peer 1 in a group with peer 2, of a model of four.
struct One {
    Config config;
    std::unique_ptr<Exchange> exchange;
    Exchange::Effects effects;
    Nobody company;
    std::vector<Order> orders;
    std::vector<Message> sent;

    explicit One(bool by_steps = false) {
        config.kind = Kind::group;
        config.group_size = 2;
        if (by_steps) config.every_steps = 1;
        else config.period = 250ms, config.clock = Clock::rounds, config.trains = false;
        config.layout = 9;
        config.size = 4;
        config.fixed_roll = std::make_shared<const std::vector<PeerId>>(std::vector{PeerId{1}, PeerId{2}});
        exchange = make_exchange(config, PeerId{1}, Random(3));
        give(Start{}, Instant{});
        if (!by_steps) give(Woken<Timer>{Due{1}}, Instant{250ms});
        while (!orders.empty()) answer();
    }
    void give(Exchange::Input input, Instant now = Instant{260ms}) {
        effects.list.clear();
        exchange->step(now, std::move(input), company, effects);
        for (const auto& e : effects.list) {
            if (const auto* t = std::get_if<Exchange::Effects::Tell>(&e))
                if (const auto* o = std::get_if<Order>(&t->event)) orders.push_back(*o);
            if (const auto* s = std::get_if<Exchange::Effects::Send>(&e)) sent.push_back(s->message);
        }
    }
    Snapshot snapshot(Range range) const {
        auto values = std::make_shared<std::vector<double>>(range.count, 1.0);
        Snapshot s;
        s.layout = 9;
        s.encoding = Encoding::float64;
        s.range = range;
        s.bytes = {reinterpret_cast<const std::byte*>(values->data()), range.count * 8, values};
        return s;
    }
    void answer() {
        const Order o = orders.front();
        orders.erase(orders.begin());
        if (const auto* p = std::get_if<Publish>(&o.what)) give(Completion{o.tag, 0, 0, Published{snapshot(p->range)}});
        else if (std::holds_alternative<Combine>(o.what)) give(Completion{o.tag, 0, 0, Combined{1, 2}});
        else if (std::holds_alternative<Fold>(o.what)) give(Completion{o.tag, 0, 0, Folded{}});
        else if (std::holds_alternative<Train>(o.what)) give(Completion{o.tag, 1, 1, Trained{1, 0.1, 1}});
        else give(Completion{o.tag, 0, 0, Swapped{}});
    }
    // What it does with a part: how many orders it gives.
    std::size_t hear(Part part, PeerId from = PeerId{2}) {
        const std::size_t before = orders.size();
        give(Received<Message>{from, std::move(part)});
        return orders.size() - before;
    }
};

}  // namespace

TEST_CASE("a round is looked after also when its timer comes early, as it does by a clock that was slowed") {
    One one(true);
    one.give(Woken<Timer>{Overdue{1}}, Instant{1ms});
    const auto again = [](const auto& e) {
        const auto* wake = std::get_if<Exchange::Effects::Wake>(&e);
        return wake && std::holds_alternative<Overdue>(wake->timer);
    };
    CHECK(std::any_of(one.effects.list.begin(), one.effects.list.end(), again));
}

TEST_CASE("a part of a round that nobody can be at does not send its reader through all rounds until then") {
    for (const std::uint64_t round : {std::uint64_t{2}, std::uint64_t{1} << 40}) {
        One one(true);
        REQUIRE(one.sent.size() == 1);  // it is in its first round, and has sent what the other needs for it
        const Part ours = std::get<Part>(one.sent.front());
        REQUIRE(ours.round == 1);
        const std::size_t orders = one.hear(Part{ours.roll, round, 0, 7, one.snapshot({0, 2})});
        CHECK((orders > 0) == (round == 2));  // the other one is through the first round: so on to the second
    }
}

TEST_CASE("a group takes each part of its members once, and nothing of another roll, round, hop, place, shape or peer") {
    One one;
    REQUIRE(one.sent.size() == 1);
    const Part ours = std::get<Part>(one.sent.front());
    CHECK(ours.hop == 0);
    const Range theirs = ours.snapshot.range, mine{theirs.offset == 0 ? 2u : 0u, 2};  // the parts of both
    const auto part = [&](std::uint32_t hop, Range range) { return Part{ours.roll, ours.round, hop, 1, one.snapshot(range)}; };
    const auto with = [&](auto change) {
        Part p = part(0, mine);
        change(p);
        return p;
    };
    CHECK(one.hear(with([](Part& p) { ++p.roll; })) == 0);
    CHECK(one.hear(with([](Part& p) { p.round = 0; })) == 0);
    CHECK(one.hear(with([](Part& p) { p.hop = 2; })) == 0);
    CHECK(one.hear(with([&](Part& p) { p.snapshot = one.snapshot(theirs); })) == 0);
    CHECK(one.hear(with([&](Part& p) { p.snapshot = one.snapshot({mine.offset, 1}); })) == 0);
    CHECK(one.hear(with([](Part& p) { ++p.snapshot.layout; })) == 0);
    CHECK(one.hear(with([](Part& p) { p.snapshot.bytes.size = 8; })) == 0);
    CHECK(one.hear(with([](Part& p) { p.snapshot.samples = -1; })) == 0);
    CHECK(one.hear(with([](Part& p) { p.snapshot.samples = HUGE_VAL; })) == 0);
    CHECK(one.hear(part(0, mine), PeerId{1}) == 0);
    CHECK(one.hear(part(0, mine), PeerId{3}) == 0);
    CHECK(one.hear(part(1, mine)) == 0);  // the finished one of ours is for us to make

    CHECK(one.hear(part(0, mine)) == 3);  // Fold, Combine, Publish
    CHECK(one.hear(part(0, mine)) == 0);
    while (!one.orders.empty()) one.answer();
    CHECK(one.hear(part(1, theirs)) == 2);  // Combine, Swap
    CHECK(one.hear(part(1, theirs)) == 0);
    CHECK(std::holds_alternative<Swap>(one.orders.back().what));
}

TEST_CASE("who begins a round that we are through with is told, and who is told goes on") {
    One one;
    const Part ours = std::get<Part>(one.sent.front());
    one.sent.clear();
    one.hear(Part{ours.roll, 0, 0, 1, one.snapshot(ours.snapshot.range)});
    REQUIRE(one.sent.size() == 1);
    CHECK(std::get<Ready>(one.sent.front()).round == 0);  // in round 1 it is through with none

    const auto gave_up = [&] {
        return std::any_of(one.effects.list.begin(), one.effects.list.end(), [](const auto& e) {
            const auto* t = std::get_if<Exchange::Effects::Tell>(&e);
            return t && std::holds_alternative<Failed>(t->event);
        });
    };
    one.give(Received<Message>{PeerId{2}, Ready{ours.roll, 0}});
    CHECK(!gave_up());
    one.give(Received<Message>{PeerId{2}, Ready{ours.roll + 1, 1}});
    CHECK(!gave_up());
    one.give(Received<Message>{PeerId{3}, Ready{ours.roll, 1}});
    CHECK(!gave_up());
    one.give(Received<Message>{PeerId{2}, Ready{ours.roll, 1}});
    CHECK(gave_up());
}

TEST_CASE("of who gave a round up nobody waits for the mean, whose values it has had; who mixed says nothing when they come again") {
    for (const bool mixes : {false, true}) {
        One one;
        const Part ours = std::get<Part>(one.sent.front());
        const Range theirs = ours.snapshot.range, mine{theirs.offset == 0 ? 2u : 0u, 2};
        one.hear(Part{ours.roll, ours.round, 0, 1, one.snapshot(mine)});
        while (!one.orders.empty()) one.answer();
        if (mixes) one.hear(Part{ours.roll, ours.round, 1, 2, one.snapshot(theirs)});
        else one.give(Woken<Timer>{Overdue{1}}, Instant{60s});
        while (!one.orders.empty()) one.answer();
        one.sent.clear();
        one.hear(Part{ours.roll, ours.round, 0, 1, one.snapshot(mine)});
        CHECK(one.sent.size() == (mixes ? 0 : 1));
    }
    One one;
    const Part ours = std::get<Part>(one.sent.front());
    const Range mine{ours.snapshot.range.offset == 0 ? 2u : 0u, 2};
    one.hear(Part{ours.roll, ours.round, 0, 1, one.snapshot(mine)});
    while (!one.orders.empty()) one.answer();
    one.give(Received<Message>{PeerId{2}, Ready{ours.roll, ours.round}});
    CHECK(std::any_of(one.effects.list.begin(), one.effects.list.end(), [](const auto& e) {
        const auto* t = std::get_if<Exchange::Effects::Tell>(&e);
        return t && std::holds_alternative<Failed>(t->event);
    }));
}
