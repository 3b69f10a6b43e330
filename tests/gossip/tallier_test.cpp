// The cluster's figures: one peer alone, as a table of what comes in and what it then says, and whole clusters.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "../support/cluster.hpp"
#include "grapevine/gossip/tallier.hpp"

using namespace grapevine;
using namespace grapevine::gossip;
using namespace std::chrono_literals;

namespace {

struct Pair final : Company {  // one other, peer 2
    bool there = true;
    std::size_t size() const override { return there; }
    bool contains(PeerId peer) const override { return there && peer.value == 2; }
    std::optional<PeerId> draw(Random&) const override { return there ? std::optional(PeerId{2}) : std::nullopt; }
    std::vector<PeerId> all() const override { return there ? std::vector{PeerId{2}} : std::vector<PeerId>{}; }
};

struct One {
    Tallier tallier{500ms, Random(3)};
    Exchange::Effects effects;
    Instant now{};
    Pair company;

    One() { tallier.start(now, effects); }
    std::vector<Tally> sent() {
        std::vector<Tally> all;
        for (const auto& e : effects.list)
            if (const auto* s = std::get_if<Exchange::Effects::Send>(&e)) all.push_back(std::get<Tally>(s->message));
        effects.list.clear();
        return all;
    }
    std::vector<Tally> tick() {
        now += 500ms;
        tallier.woken(now, company, effects);
        return sent();
    }
    std::vector<Tally> hears(Tally t) {
        tallier.received(now, PeerId{2}, t, company, effects);
        return sent();
    }
    Tally tally(std::uint32_t epoch, double weight, double loss, Duration elapsed = {}, bool answer = true) { return {epoch, answer, elapsed.count(), weight, loss, weight / 2, 0.25, weight, 0, false}; }
};

// Peer i observes loss i and accuracy i/n.
void observe(test::Cluster& cluster, std::uint32_t peer, std::uint32_t n) {
    cluster.world().observe(peer, {static_cast<double>(peer), static_cast<double>(peer) / n});
}

}  // namespace

TEST_CASE("a tick sends half of what is there, a tally is answered with half of what was there before it came") {
    One one;
    CHECK(one.tick().at(0).weight == 0);  // nothing observed yet
    one.tallier.observe(one.now, {2.0, 0.5});
    const auto ticked = one.tick();
    REQUIRE(ticked.size() == 1);
    CHECK(!ticked[0].answer);
    CHECK(ticked[0].weight == 0.5);
    CHECK(ticked[0].loss == 1.0);
    CHECK(ticked[0].accuracy == 0.25);
    const auto answered = one.hears(one.tally(0, 0.5, 3, 1s, false));
    REQUIRE(answered.size() == 1);
    CHECK(answered[0].answer);
    CHECK(answered[0].weight == 0.25);
    CHECK(one.hears(one.tally(0, 0, 0)).empty());  // an answer is not answered
    CHECK(one.tick().at(0).weight == doctest::Approx((0.25 + 0.5) / 2));
}

TEST_CASE("a later epoch makes its receiver start anew in it, an earlier one is ignored") {
    One one;
    one.tallier.observe(one.now, {2.0, {}});
    CHECK(one.hears(one.tally(7, 1, 5, 0s, false)).at(0).epoch == 7);
    CHECK(one.hears(one.tally(6, 1, 5, 0s, false)).empty());
    CHECK(one.tick().at(0).weight == 0.75);  // ours, 1, of which half went as an answer, and theirs: half of 1.5
    CHECK(one.hears(one.tally(0x80000006, 1, 5, 0s, false)).at(0).epoch == 0x80000006);  // on a circle: later than 7
    CHECK(one.hears(one.tally(2, 1, 5, 0s, false)).at(0).epoch == 2);
}

TEST_CASE("who comes late into an epoch passes on what others saw, and takes part in the next") {
    One one;
    one.tallier.observe(one.now, {2.0, {}});
    CHECK(one.hears(one.tally(7, 1, 5, 5s, false)).at(0).weight == 0);
    CHECK(one.tick().at(0).weight == 0.5);
    for (int i = 0; i < 20; ++i) one.tick();
    REQUIRE(one.tallier.told());
    CHECK(one.tallier.told()->epoch == 7);
    CHECK(*one.tallier.told()->loss == 5);
    CHECK(one.tick().at(0).epoch == 8);
}

TEST_CASE("what is no sum over observations is not added") {
    One one;
    one.tallier.observe(one.now, {2.0, 0.5});
    const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
    const Tally good = one.tally(0, 1, 5, 0s, false);
    for (const auto spoil : {+[](Tally& t, double x) { t.weight = x; }, +[](Tally& t, double x) { t.loss = x; }, +[](Tally& t, double x) { t.accuracy = x; }, +[](Tally& t, double x) { t.worst = x; },
                             +[](Tally& t, double x) { t.peers = x; }, +[](Tally& t, double x) { t.sent = x; }})
        for (const double x : {nan, inf, -inf}) {
            Tally bad = good;
            spoil(bad, x);
            CHECK(one.hears(bad).empty());
        }
    Tally bad = good;
    bad.weight = -1;
    CHECK(one.hears(bad).empty());
    bad = good, bad.accuracy = 1.1;
    CHECK(one.hears(bad).empty());
    bad = good, bad.worst = 1.5;
    CHECK(one.hears(bad).empty());
    bad = good, bad.elapsed = -1;
    CHECK(one.hears(bad).empty());
    one.tallier.observe(one.now, {nan, {}});
    CHECK(one.hears(good).size() == 1);
    CHECK(one.tick().at(0).weight == 0.75);
}

TEST_CASE("an epoch lasts 30 ticks; alone a peer knows what it has observed itself") {
    One one;
    one.company.there = false;
    one.tallier.observe(one.now, {2.0, 0.5});
    for (int i = 0; i < 29; ++i) one.tick();
    CHECK(!one.tallier.told());
    one.tick();
    REQUIRE(one.tallier.told());
    CHECK(*one.tallier.told()->loss == 2.0);
    CHECK(one.tallier.told()->accuracy == 0.5);
    CHECK(one.tallier.told()->worst_accuracy == 0.5);
}

TEST_CASE("who leaves hands all it has to another") {
    One one;
    one.tallier.observe(one.now, {2.0, 0.5});
    one.tallier.leave(one.now, one.company, one.effects);
    const auto sent = one.sent();
    REQUIRE(sent.size() == 1);
    CHECK(sent[0].weight == 1);
    CHECK(sent[0].loss == 2);
    CHECK(one.hears(one.tally(0, 1, 1, 0s, false)).empty());
    CHECK(one.tick().empty());
}

TEST_CASE("after an epoch every peer knows the mean to 1e-6, and the worst") {
    for (const std::uint32_t n : {2u, 3u, 16u, 64u}) {
        CAPTURE(n);
        test::Cluster cluster(test::tallying(n));
        for (std::uint32_t i = 0; i < n; ++i) observe(cluster, i, n);
        cluster.run_for(17s);
        const double mean = (n - 1) / 2.0;
        for (std::uint32_t i = 0; i < n; ++i) {
            const auto told = cluster.world().peer(i).cluster();
            REQUIRE(told);
            CHECK(*told->loss == doctest::Approx(mean).epsilon(1e-6));
            CHECK(*told->accuracy == doctest::Approx(mean / n).epsilon(1e-6));
            CHECK(told->worst_accuracy == 0);
        }
    }
}

// What a lost half takes with it, it takes before it was mixed only in the first few ticks: the figures of an epoch are means
// with weights of deviation about 0.3, so that over 64 peers, whose losses have a deviation of 18.5, they err by 0.7. All
// peers' figures agree far better than that.
TEST_CASE("loss moves the figures a little, and all of them alike") {
    double squares = 0;
    constexpr int seeds = 20;
    for (int seed = 1; seed <= seeds; ++seed) {
        auto options = test::tallying(64, static_cast<std::uint64_t>(seed));
        options.loss = 0.1;
        test::Cluster cluster(options);
        for (std::uint32_t i = 0; i < 64; ++i) observe(cluster, i, 64);
        cluster.run_for(17s);
        double least = 1e9, most = 0;
        for (std::uint32_t i = 0; i < 64; ++i) {
            REQUIRE(cluster.world().peer(i).cluster());
            least = std::min(least, *cluster.world().peer(i).cluster()->loss);
            most = std::max(most, *cluster.world().peer(i).cluster()->loss);
        }
        CHECK(most - least < 1e-3);
        squares += (most - 31.5) * (most - 31.5);
    }
    const double error = std::sqrt(squares / seeds);
    MESSAGE("standard error of the mean at 10 % loss, 64 peers: ", error);
    CHECK(error > 0.05);
    CHECK(error < 1.2);
}

TEST_CASE("who crashes is out of the next epoch, and a newcomer is in it") {
    auto options = test::tallying(8);
    options.membership.probing = true;
    test::Cluster cluster(options);
    for (std::uint32_t i = 0; i < 8; ++i) observe(cluster, i, 8);
    cluster.run_for(20s);
    cluster.world().crash(7);
    const std::uint32_t late = cluster.join(0);
    cluster.world().observe(late, {107, 0.5});
    cluster.run_for(50s);
    for (std::uint32_t i = 0; i < 9; ++i)
        if (i != 7) CHECK(*cluster.world().peer(i).cluster()->loss == doctest::Approx((21.0 + 107) / 8).epsilon(1e-6));
}

TEST_CASE("both sides of a cut have figures of their own, and one again when it is mended") {
    auto options = test::tallying(16);
    options.membership.probing = true;
    test::Cluster cluster(options);
    std::vector<int> side(16);
    for (std::uint32_t i = 0; i < 16; ++i) observe(cluster, i, 16), side[i] = i < 8 ? 0 : 1;
    const auto cut = cluster.world().network().faults().partition(side);
    cluster.run_for(60s);
    CHECK(*cluster.world().peer(0).cluster()->loss == doctest::Approx(3.5).epsilon(1e-6));
    CHECK(*cluster.world().peer(15).cluster()->loss == doctest::Approx(11.5).epsilon(1e-6));
    cluster.world().network().faults().end(cut);
    cluster.run_for(120s);
    CHECK(*cluster.world().peer(0).cluster()->loss == doctest::Approx(7.5).epsilon(1e-6));
    CHECK(*cluster.world().peer(15).cluster()->loss == doctest::Approx(7.5).epsilon(1e-6));
}
