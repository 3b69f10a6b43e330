#include <doctest/doctest.h>

#include <sstream>

#include "cluster.hpp"

using namespace grapevine;
using namespace grapevine::test;

TEST_CASE("sixteen peers that only mix agree on 7.5, the mean of 0 to 15") {
    ClusterOptions o = gossiping(16);
    o.exchange.trains = false;
    o.latency = 0ms;
    o.membership.probing = false;
    Cluster cluster(o);
    cluster.run_for(20s);
    for (std::uint32_t i = 0; i < 16; ++i) CHECK(cluster.value(i) == doctest::Approx(7.5).epsilon(1e-9));
}

TEST_CASE("same seed, same story; another seed, another") {
    const auto story = [](std::uint64_t seed) {
        std::ostringstream text;
        ClusterOptions o = gossiping(5);
        o.seed = seed;
        o.loss = 0.05;
        o.joins = true;
        o.story = &text;
        Cluster cluster(o);
        cluster.run_for(5s);
        cluster.world().crash(2);
        cluster.run_for(20s);
        return std::pair(text.str(), cluster.world().trace_hash());
    };
    const auto a = story(7), b = story(7), c = story(8);
    CHECK(a.first.size() > 1000);
    CHECK(a == b);
    CHECK(a.first != c.first);
    CHECK(a.second != c.second);
}

TEST_CASE("everybody who joins through one seed is known to all") {
    for (const std::uint32_t n : {2u, 3u, 5u, 20u, 100u}) {
        ClusterOptions o = gossiping(n);
        o.exchange.kind = gossip::Kind::local;
        o.joins = true;
        Cluster cluster(o);
        cluster.run_for(10s);
        for (std::uint32_t i = 0; i < n; ++i) CHECK(cluster.members_seen_by(i) == n);
    }
}

TEST_CASE("a crashed peer is missed by all, and nobody else is") {
    for (const std::uint32_t n : {2u, 3u, 5u, 20u}) {
        ClusterOptions o = gossiping(n);
        Cluster cluster(o);
        cluster.run_for(3s);
        cluster.world().crash(n - 1);
        cluster.run_for(40s);
        int gone = 0;
        for (const sim::Note& note : cluster.world().take_notes())
            if (const auto* g = std::get_if<membership::Gone>(&note.event)) {
                CHECK(g->peer == sim::id_of(n - 1));
                CHECK(g->why == membership::Standing::dead);
                ++gone;
            }
        CHECK(gone == static_cast<int>(n) - 1);
    }
}

TEST_CASE("a leave is known to all and starts no suspicion") {
    ClusterOptions o = gossiping(20);
    Cluster cluster(o);
    cluster.run_for(2s);
    cluster.world().leave(4);
    cluster.run_for(10s);
    CHECK(!cluster.world().up(4));
    int gone = 0;
    for (const sim::Note& note : cluster.world().take_notes()) {
        CHECK(!std::holds_alternative<membership::Suspected>(note.event));
        if (const auto* g = std::get_if<membership::Gone>(&note.event)) {
            CHECK(g->why == membership::Standing::left);
            ++gone;
        }
    }
    CHECK(gone == 19);
}

TEST_CASE("two halves of a cut bury each other, and find each other again") {
    ClusterOptions o = gossiping(8);
    Cluster cluster(o);
    cluster.run_for(2s);
    cluster.world().network().partition({0, 0, 0, 0, 1, 1, 1, 1});
    cluster.run_for(60s);
    for (std::uint32_t i = 0; i < 8; ++i) CHECK(cluster.members_seen_by(i) == 4);
    cluster.world().network().heal();
    cluster.run_for(30s);
    for (std::uint32_t i = 0; i < 8; ++i) CHECK(cluster.members_seen_by(i) == 8);
    CHECK(cluster.spread() < 1e-6);
}

TEST_CASE("a newcomer takes what the others have before it trains") {
    ClusterOptions o = gossiping(4, 100ms);
    Cluster cluster(o);
    cluster.run_for(10s);  // they have trained towards 0 for long
    const std::uint32_t late = cluster.join(2);
    CHECK(cluster.value(late) == 4);
    cluster.run_for(1s);
    CHECK(cluster.members_seen_by(late) == 5);
    CHECK(std::abs(cluster.value(late)) < 1e-3);
    CHECK(cluster.learner(late).evaluate().loss < 1e-3);
}

TEST_CASE("training does not wait for exchanges: with gossip the learner is never idle") {
    ClusterOptions o = gossiping(6, 100ms);
    o.latency = 80ms;
    Cluster cluster(o);
    cluster.run_for(20s);
    CHECK(cluster.world().time_shares().computing > 0.999);
}

TEST_CASE("with loss and duplication the convex exchange stays in the hull and still agrees") {
    ClusterOptions o = gossiping(10, 100ms);
    o.loss = 0.2;
    o.duplicate = 0.1;
    o.exchange.trains = false;
    Cluster cluster(o);
    for (int s = 0; s < 60; ++s) {
        cluster.run_for(1s);
        for (std::uint32_t i = 0; i < 10; ++i) CHECK((cluster.value(i) >= 0 && cluster.value(i) <= 9));
    }
    CHECK(cluster.spread() < 1e-3);
}

TEST_CASE("ring allreduce is the exact mean, for any number of peers and of elements") {
    for (const std::uint32_t n : {2u, 3u, 5u, 8u, 17u})
        for (const std::size_t elements : {1u, 4u, 100u}) {
            ClusterOptions o = gossiping(n);
            o.exchange.kind = gossip::Kind::allreduce;
            o.exchange.clock = gossip::Clock::rounds;
            o.exchange.trains = false;
            o.membership.probing = false;
            o.dimension = elements;
            o.latency = 1ms;
            Cluster cluster(o);
            cluster.run_for(300ms);
            for (std::uint32_t i = 0; i < n; ++i)
                for (const double x : cluster.learner(i).values()) CHECK(x == doctest::Approx((n - 1) / 2.0).epsilon(1e-12));
        }
}

TEST_CASE("allreduce agrees on a roll, trains in step, loses a member and goes on without it") {
    ClusterOptions o = gossiping(5);
    o.exchange.kind = gossip::Kind::allreduce;
    o.exchange.period.reset();
    o.exchange.every_steps = 5;
    Cluster cluster(o);
    cluster.run_for(5s);
    const std::uint64_t before = cluster.world().steps(0);
    CHECK(before > 100);
    CHECK(cluster.spread() < 1e-9);
    cluster.world().crash(0);  // the lowest: the one who proposed the roll
    cluster.run_for(30s);
    CHECK(cluster.world().steps(1) > before + 500);
    CHECK(cluster.spread() < 1e-9);
    const std::uint32_t late = cluster.join(3);
    cluster.run_for(20s);
    CHECK(cluster.world().steps(late) > 500);
    CHECK(cluster.spread() < 1e-9);
}

TEST_CASE("allreduce with lost messages is slow but exact") {
    ClusterOptions o = gossiping(4);
    o.exchange.kind = gossip::Kind::allreduce;
    o.exchange.period.reset();
    o.exchange.every_steps = 5;
    o.loss = 0.02;
    o.membership.probing = false;
    Cluster cluster(o);
    cluster.run_for(300s);
    CHECK(cluster.world().steps(0) > 200);
    CHECK(cluster.world().steps(0) < 30'000 / 5);
}

TEST_CASE("dpsgd waits for its neighbours only, and a crashed one stops nobody") {
    using enum gossip::Graph;
    for (const gossip::Graph graph : {ring, torus, exponential, one_peer_exponential, base, matching}) {
        CAPTURE(static_cast<int>(graph));
        ClusterOptions o = gossiping(9);
        o.exchange.kind = gossip::Kind::dpsgd;
        o.exchange.graph = graph;
        o.exchange.period.reset();
        o.exchange.every_steps = 2;
        Cluster cluster(o);
        cluster.run_for(10s);
        CHECK(cluster.spread() < 1e-3);
        const std::uint64_t before = cluster.world().steps(1);
        cluster.world().crash(0);
        cluster.run_for(30s);
        for (std::uint32_t i = 1; i < 9; ++i) CHECK(cluster.world().steps(i) > before + 500);
        CHECK(cluster.spread() < 1e-3);
    }
}

TEST_CASE("dpsgd over a base-(k+1) graph: any number of peers agree exactly after its rounds, and not before") {
    for (const std::uint32_t k : {1u, 2u})
        for (std::uint32_t n = 2; n <= 129; ++n) {
            CAPTURE(k);
            CAPTURE(n);
            ClusterOptions o = gossiping(n, 1s);
            o.exchange.kind = gossip::Kind::dpsgd;
            o.exchange.graph = gossip::Graph::base;
            o.exchange.base = k + 1;
            o.exchange.clock = gossip::Clock::rounds;
            o.exchange.trains = false;
            o.membership.probing = false;
            Cluster cluster(o);
            const double before = cluster.spread();
            int rounds = 0;
            cluster.run_for(500ms);  // between two rounds
            for (; rounds < 40 && cluster.spread() > 1e-18 * before; ++rounds) cluster.run_for(1s);
            const std::uint32_t least = n <= k + 1 ? 1 : 2;
            CHECK(rounds >= static_cast<int>(least));
            CHECK(rounds <= 2 * std::log(n) / std::log(k + 1) + 2);  // the paper's bound
            for (std::uint32_t i = 0; i < n; ++i) CHECK(std::abs(cluster.value(i) - (n - 1) / 2.0) < 1e-9);
        }
}

TEST_CASE("a graph's file that is not for so many peers: they train on and do not mix, and say so once a roll") {
    ClusterOptions o = gossiping(4);
    o.exchange.kind = gossip::Kind::dpsgd;
    o.exchange.graph = gossip::Graph::file;
    auto triangle = std::make_shared<gossip::Adjacency>();
    *triangle = {{{1, 0.3}, {2, 0.3}}, {{0, 0.3}, {2, 0.3}}, {{0, 0.3}, {1, 0.3}}};
    o.exchange.adjacency = triangle;
    o.exchange.period.reset();
    o.exchange.every_steps = 2;
    Cluster cluster(o);
    const auto said = [&] {
        int times = 0, mixes = 0;
        for (const sim::Note& note : cluster.world().take_notes()) {
            if (const auto* f = std::get_if<gossip::Failed>(&note.event)) times += f->why == gossip::Failure::no_graph;
            mixes += std::holds_alternative<gossip::MixedWith>(note.event);
        }
        return std::pair(times, mixes);
    };
    cluster.run_for(10s);
    CHECK(said() == std::pair(4, 0));
    const std::uint64_t before = cluster.world().steps(1);
    CHECK(before > 500);
    cluster.world().crash(3);
    cluster.run_for(60s);
    const auto [again, mixes] = said();
    CHECK(again == 0);
    CHECK(mixes > 100);
    CHECK(cluster.world().steps(1) > before + 1000);
    CHECK(cluster.spread() < 1e-6);
}

TEST_CASE("after the end peers merge without training, and say when they have") {
    ClusterOptions o = gossiping(6, 250ms);
    o.exchange.trains = true;
    o.exchange.until_steps = 3;
    Cluster cluster(o);
    cluster.run_for(200ms);
    for (std::uint32_t i = 0; i < 6; ++i) {
        CHECK(cluster.world().steps(i) == 3);
        cluster.world().finish(i);
    }
    cluster.run_for(10s);
    int finished = 0;
    for (const sim::Note& note : cluster.world().take_notes()) finished += std::holds_alternative<gossip::Finished>(note.event);
    CHECK(finished == 6);
    CHECK(cluster.spread() < 1e-3);
}

TEST_CASE("whoever is alone at the end has nothing to merge, and waits for nobody") {
    ClusterOptions o = gossiping(1);
    Cluster cluster(o);
    cluster.run_for(1s);
    cluster.world().finish(0);
    cluster.run_for(500ms);
    int finished = 0;
    for (const sim::Note& note : cluster.world().take_notes()) finished += std::holds_alternative<gossip::Finished>(note.event);
    CHECK(finished == 1);
    cluster.world().leave(0);
    cluster.run_for(500ms);
    CHECK(!cluster.world().up(0));
}

TEST_CASE("dpsgd: one that was slow for a while does not leave the others out of step for good") {
    ClusterOptions o = gossiping(4);
    o.exchange.kind = gossip::Kind::dpsgd;
    o.exchange.period.reset();
    o.exchange.every_steps = 1;
    o.exchange.patience = 1s;
    o.latency = 1ms;
    o.membership.probing = false;
    Cluster cluster(o);
    cluster.run_for(10s);
    cluster.world().slow(1, 200);
    cluster.run_for(10s);
    cluster.world().slow(1, 1);
    cluster.run_for(10s);
    const std::uint64_t before = cluster.world().steps(0);
    cluster.run_for(10s);
    CHECK(cluster.world().steps(0) > before + 500);
}

TEST_CASE("dpsgd: with a dead neighbour that nobody strikes, a round takes as long as patience, and no longer each time") {
    ClusterOptions o = gossiping(4);
    o.exchange.kind = gossip::Kind::dpsgd;
    o.exchange.period.reset();
    o.exchange.every_steps = 1;
    o.latency = 1ms;
    o.membership.probing = false;
    Cluster cluster(o);
    cluster.run_for(5s);
    cluster.world().crash(2);
    cluster.run_for(100s);
    const std::uint64_t before = cluster.world().steps(1);
    cluster.run_for(100s);
    CHECK(cluster.world().steps(1) > before + 50);
}

TEST_CASE("a round begins though the telling that the roll is in force comes after its first part") {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        ClusterOptions o = gossiping(6);
        o.seed = seed;
        o.exchange.kind = gossip::Kind::allreduce;
        o.exchange.period.reset();
        o.exchange.every_steps = 1;
        o.latency = 10ms;
        o.loss = 0.01;  // a telling that is lost comes later
        Cluster cluster(o);
        cluster.run_for(20s);
        cluster.world().crash(3);
        cluster.run_for(60s);
        const std::uint64_t before = cluster.world().steps(0);
        cluster.run_for(60s);
        CHECK(cluster.world().steps(0) > before);
    }
}

TEST_CASE("who has made its steps takes part in the rounds of those who have not") {
    ClusterOptions o = gossiping(4);
    o.exchange.kind = gossip::Kind::allreduce;
    o.exchange.period.reset();
    o.exchange.every_steps = 2;
    o.exchange.until_steps = 100;
    Cluster cluster(o);
    cluster.run_for(6s);
    const std::uint32_t late = cluster.join(0);
    cluster.run_for(120s);
    for (std::uint32_t i = 0; i <= late; ++i) CHECK(cluster.world().steps(i) == 100);
}

TEST_CASE("a newcomer whose first offer is lost asks again, and catches up") {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        ClusterOptions o = gossiping(4);
        o.seed = seed;
        o.exchange.period.reset();
        o.exchange.every_steps = 20;
        o.loss = 0.3;
        o.membership.suspicion = true;
        Cluster cluster(o);
        cluster.run_for(20s);
        const std::uint32_t late = cluster.join(0);
        cluster.run_for(9s);
        CHECK(std::abs(cluster.value(late)) < 1);
    }
}

TEST_CASE("a round is given up for its own slowness, never for a timer of a round of an earlier roll") {
    // The rolls change when patience is just as long as the first one lasted: an old round's timer then comes while
    // the new roll is in the round of that number.
    for (int i = 0; i < 40; ++i) {
        ClusterOptions o = gossiping(3);
        o.exchange.kind = gossip::Kind::allreduce;
        o.exchange.period.reset();
        o.exchange.every_steps = 3;
        o.exchange.patience = 2s;
        Cluster cluster(o);
        cluster.run_for(1s + i * 50ms);
        cluster.join(0);
        cluster.run_for(6s);
        for (const sim::Note& note : cluster.world().take_notes()) CHECK(!std::holds_alternative<gossip::Failed>(note.event));
    }
}
