// Options across exchanges: that each of them, where it is taken, does what it says.
#include <doctest/doctest.h>

#include <cmath>

#include "cluster.hpp"

using namespace grapevine;
using namespace grapevine::gossip;
using namespace grapevine::test;

namespace {

ClusterOptions in_rounds(std::uint32_t peers, Kind kind, Graph graph = Graph::ring) {
    ClusterOptions o = gossiping(peers);
    o.exchange.kind = kind;
    o.exchange.graph = graph;
    o.exchange.clock = Clock::rounds;
    o.exchange.trains = false;
    o.latency = 0ms;
    o.membership.probing = false;
    return o;
}

double spread_of(Cluster& cluster, std::uint32_t peers, std::size_t element) {
    double mean = 0, sum = 0;
    for (std::uint32_t i = 0; i < peers; ++i) mean += cluster.learner(i).values()[element] / peers;
    for (std::uint32_t i = 0; i < peers; ++i) sum += std::pow(cluster.learner(i).values()[element] - mean, 2);
    return sum;
}

// Models of all, and what drives them, where a round follows every k steps of x <- x - mu m + (goal - x) / 10: all of it is
// linear, so that the mean over peers goes by itself wherever mixing keeps it.
double mean_after(int rounds, int k, double mu, double mean, double goal) {
    double x = mean, p = mean, m = 0;
    for (int r = 0; r < rounds; ++r) {
        for (int s = 0; s < k; ++s) {
            x -= mu * m;
            x += 0.1 * (goal - x);
        }
        m = mu * m + (1 - mu) * (p - x) / k;
        p = x;
    }
    return x;
}

}  // namespace

TEST_CASE("quasi-global momentum: with unlike minima the mean goes by its law, in dpsgd and in groups") {
    // Peer i begins at i and trains towards 10 i: from 2.5 to 25.
    struct Row {
        Kind kind;
        Graph graph;
        double mu;
        std::optional<Encoding> encoding;
    };
    for (const auto& [kind, graph, mu, encoding] :
         {Row{Kind::dpsgd, Graph::ring, 0, {}}, {Kind::dpsgd, Graph::ring, 0.5, {}}, {Kind::dpsgd, Graph::matching, 0.8, {}}, {Kind::group, Graph::ring, 0.5, {}}, {Kind::group, Graph::ring, 0.8, {}},
          {Kind::dpsgd, Graph::ring, 0.5, Encoding::top_k}}) {  // CHOCO: the toy sends all of a difference
        CAPTURE(mu);
        ClusterOptions o = in_rounds(6, kind, graph);
        o.goals = {0, 10, 20, 30, 40, 50};
        o.exchange.trains = true;
        o.exchange.encoding = encoding;
        o.exchange.kept = 0.5;
        o.exchange.group_size = 3;
        o.exchange.quasi_global = mu;
        o.exchange.period.reset();
        o.exchange.every_steps = 2;
        o.exchange.until_steps = 24;
        Cluster cluster(o);
        cluster.run_for(5s);
        for (std::uint32_t i = 0; i < 6; ++i) REQUIRE(cluster.world().steps(i) == 24);
        CHECK(cluster.mean() == doctest::Approx(mean_after(12, 2, mu, 2.5, 25)).epsilon(1e-12));
    }
    CHECK(mean_after(12, 2, 0, 2.5, 25) < 23.5);    // and the law tells them apart
    CHECK(mean_after(12, 2, 0.5, 2.5, 25) > 24.5);
}

TEST_CASE("quasi-global momentum: epidemic peers with one mind go by the same law") {
    // All begin at one place: then no mixing moves anybody, but what came is a turn old. Nobody trains while it travels: on
    // a clock of rounds and with steps that end before the next, all are where all are.
    const auto distance = [](double mu) {
        ClusterOptions o = in_rounds(6, Kind::epidemic);
        o.goals.assign(6, 1000);
        o.exchange.trains = true;
        o.exchange.quasi_global = mu;
        o.exchange.period.reset();
        o.exchange.every_steps = 2;
        o.exchange.until_steps = 24;
        Cluster cluster(o);
        cluster.run_for(5s);
        return 1000 - cluster.mean();
    };
    CHECK(distance(0.5) < 0.7 * distance(0));
}

TEST_CASE("fragments in dpsgd: each part goes through the graph by itself, a part a round") {
    struct Row {
        Graph graph;
        std::uint32_t peers, base, rounds;  // to the exact average, of each part
    };
    for (const auto& [graph, peers, base, rounds] : {Row{Graph::one_peer_exponential, 16, 2, 4}, {Graph::base, 25, 2, 9}, {Graph::base, 10, 3, 0}})
        for (const std::uint32_t parts : {1u, 2u, 3u, 4u}) {
            CAPTURE(peers);
            CAPTURE(parts);
            ClusterOptions o = in_rounds(peers, Kind::dpsgd, graph);
            o.dimension = 7;
            o.exchange.base = base;
            o.exchange.fragments = parts;
            Cluster cluster(o);
            if (rounds == 0) {  // a round in: part 1 alone has been mixed, or all of the model
                cluster.run_for(260ms);
                const double begun = spread_of(cluster, peers, 0), all = 82.5;
                CHECK((parts == 1 ? begun < all : begun == all));
                CHECK(spread_of(cluster, peers, parts == 1 ? 0 : 7 / parts + (7 % parts ? 1 : 0)) < all);
                continue;
            }
            cluster.run_for(250ms * (rounds * parts - 1) + 10ms);
            CHECK(spread_of(cluster, peers, 0) > 1e-6);  // part 0 is the last of a turn
            cluster.run_for(250ms);
            for (std::size_t k = 0; k < 7; ++k) CHECK(spread_of(cluster, peers, k) < 1e-20);
        }
}

TEST_CASE("fragments in dpsgd: a round sends one part, and a ring contracts each by its law once a turn") {
    for (const std::uint32_t parts : {1u, 4u}) {
        ClusterOptions o = in_rounds(16, Kind::dpsgd);
        o.dimension = 8;
        o.exchange.fragments = parts;
        Cluster cluster(o);
        cluster.run_for(250ms * 40 * parts + 10ms);  // all but the slowest mode are gone
        const double before = spread_of(cluster, 16, 0);
        cluster.world().take_notes();
        cluster.run_for(250ms * parts);
        CHECK(spread_of(cluster, 16, 0) / before == doctest::Approx(0.9010813).epsilon(1e-6));
        std::uint64_t bytes = 0;
        for (const sim::Note& note : cluster.world().take_notes())
            if (const auto* m = std::get_if<MixedWith>(&note.event)) bytes += m->bytes;
        CHECK(bytes == 16 * 2 * 8 * sizeof(double));  // a turn costs what a round of whole models costs
    }
}

TEST_CASE("fragments, quasi-global momentum and a slow peer on a directed graph: all train on, and end as one") {
    for (const Graph graph : {Graph::one_peer_exponential, Graph::exponential, Graph::matching}) {
        ClusterOptions o = in_rounds(8, Kind::dpsgd, graph);
        o.dimension = 5;
        o.exchange.trains = true;
        o.exchange.period.reset();
        o.exchange.every_steps = 1;
        o.exchange.fragments = 3;
        o.exchange.quasi_global = 0.5;
        o.exponential_steps = true;
        Cluster cluster(o);
        cluster.run_for(60s);
        std::size_t failed = 0;
        for (const sim::Note& note : cluster.world().take_notes()) failed += std::holds_alternative<Failed>(note.event);
        CHECK(failed == 0);
        for (std::uint32_t i = 0; i < 8; ++i) {
            CHECK(cluster.world().steps(i) > 1000);
            CHECK(std::abs(cluster.value(i)) < 1e-6);
        }
    }
}

TEST_CASE("a newcomer's momentum begins at the model that it was given") {
    for (const Kind kind : {Kind::gossip, Kind::epidemic}) {
        ClusterOptions o = gossiping(4);
        o.exchange.kind = kind;
        o.exchange.quasi_global = 0.9;
        Cluster cluster(o);
        cluster.run_for(30s);  // all at 0
        const std::uint32_t late = cluster.join(0);
        double farthest = 0;
        bool there = false;
        for (int i = 0; i < 1000; ++i) {
            cluster.run_for(10ms);
            there = there || cluster.world().steps(late) > 0;
            if (there) farthest = std::max(farthest, std::abs(cluster.value(late)));
        }
        REQUIRE(there);
        CHECK(farthest < 1e-3);  // it began at 4; driven on by that way it went to beyond -1
    }
}

TEST_CASE("clipping in epidemic: one that goes elsewhere draws nobody along") {
    const auto farthest = [](Clip clip) {
        ClusterOptions o = gossiping(8);
        o.exchange.kind = Kind::epidemic;
        o.exchange.clip = clip;
        o.goals.assign(8, 1);
        o.goals[7] = 1000;
        Cluster cluster(o);
        cluster.run_for(60s);
        double most = 0;
        for (std::uint32_t i = 0; i < 7; ++i) most = std::max(most, std::abs(cluster.value(i) - 1));
        return most;
    };
    CHECK(farthest(Clip::off) > 10);
    CHECK(farthest(Clip::self_centred) < 2);
    CHECK(farthest(Clip::balance) < 2);
}
