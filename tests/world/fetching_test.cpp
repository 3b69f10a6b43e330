// Newcomers of simulated clusters that fetch the others' model before they train.
#include <doctest/doctest.h>

#include "../support/cluster.hpp"

using namespace grapevine;
using namespace grapevine::test;

namespace {

constexpr std::size_t pieces = 5;
constexpr double megabyte = 1e6;

// Peers that stand at i, train towards 0 and have a model of five pieces, 40 MiB as doubles.
ClusterOptions large(std::uint32_t peers, gossip::Kind kind = gossip::Kind::gossip) {
    ClusterOptions o = gossiping(peers, 500ms);
    o.exchange.kind = kind;
    if (kind == gossip::Kind::outer) o.exchange.group_size = 2;
    o.exchange.donors = 4;
    o.dimension = pieces << 20;
    o.step_seconds = 0.25;
    return o;
}

// For how long it took no step after it was there, and what it was given.
struct Arrival {
    double took = 0;
    std::optional<gossip::Fetched> fetched;
};
Arrival arrives(Cluster& cluster, std::uint32_t late, Duration within) {
    const Instant begin = cluster.world().now();
    Arrival a;
    while (cluster.world().now() - begin < within && cluster.world().steps(late) == 0) {
        cluster.run_for(50ms);
        for (const sim::Note& note : cluster.world().take_notes())
            if (const auto* f = std::get_if<gossip::Fetched>(&note.event); f && note.peer == late) a.fetched = *f;
    }
    a.took = seconds(cluster.world().now() - begin);
    return a;
}

}  // namespace

TEST_CASE("a newcomer has the others' model from several of them, then trains; under gossip, epidemic and outer steps") {
    for (const gossip::Kind kind : {gossip::Kind::gossip, gossip::Kind::epidemic, gossip::Kind::outer}) {
        CAPTURE(static_cast<int>(kind));
        ClusterOptions o = large(3, kind);
        Cluster cluster(o);
        cluster.run_for(10s);
        const std::uint32_t late = cluster.join(1);
        const Arrival a = arrives(cluster, late, 5s);
        REQUIRE(a.fetched);
        CHECK(a.fetched->whole);
        CHECK(a.fetched->donors >= 2);
        CHECK(a.fetched->pieces == pieces);
        CHECK(a.fetched->bytes == (pieces << 20) * 8);
        for (const std::size_t place : {std::size_t{0}, std::size_t{3} << 20, (pieces << 20) - 1}) CHECK(std::abs(cluster.learner(late).values()[place]) < 0.1);
        const std::uint64_t before = cluster.world().steps(late);
        cluster.run_for(3s);
        CHECK(cluster.world().steps(late) > before + 8);
        std::size_t mixed = 0;
        for (const sim::Note& note : cluster.world().take_notes()) mixed += note.peer == late && std::holds_alternative<gossip::MixedWith>(note.event);
        CHECK(mixed > 0);
    }
}

TEST_CASE("on links of 20 MB/s a newcomer is there in less than one and a half times what its model takes, also when a donor dies midway") {
    for (const bool dies : {false, true}) {
        CAPTURE(dies);
        ClusterOptions o = large(3);
        o.exchange.period = 60s;  // nothing else goes over the links
        o.rate = 20 * megabyte;
        Cluster cluster(o);
        cluster.run_for(10s);
        const std::uint32_t late = cluster.join(0);
        const double link = static_cast<double>((pieces << 20) * 8) / o.rate;
        if (dies) {
            cluster.run_for(1s);
            cluster.world().crash(1);
        }
        const Arrival a = arrives(cluster, late, 30s);
        REQUIRE(a.fetched);
        CHECK(a.fetched->whole);
        CHECK(a.took + (dies ? 1 : 0) < 1.5 * link + 2);
        CHECK(std::abs(cluster.value(late)) < 0.1);
    }
}

TEST_CASE("with messages lost, doubled and late a newcomer still gets it whole") {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        CAPTURE(seed);
        ClusterOptions o = large(4);
        o.dimension = 3 << 20;
        o.seed = seed;
        o.loss = 0.2;
        o.duplicate = 0.1;
        Cluster cluster(o);
        cluster.run_for(10s);
        const std::uint32_t late = cluster.join(2);
        const Arrival a = arrives(cluster, late, 30s);
        REQUIRE(a.fetched);
        CHECK(a.fetched->whole);
        for (const std::size_t place : {0, 1 << 20, (3 << 20) - 1}) CHECK(std::abs(cluster.learner(late).values()[place]) < 0.1);
    }
}

TEST_CASE("a tiny model comes in one piece; several newcomers at once all get it, from each other too") {
    ClusterOptions o = gossiping(2, 100ms);
    o.exchange.donors = 4;
    Cluster cluster(o);
    cluster.run_for(10s);
    std::vector<std::uint32_t> late;
    for (int i = 0; i < 6; ++i) late.push_back(cluster.join(0));
    cluster.run_for(5s);
    std::size_t whole = 0;
    for (const sim::Note& note : cluster.world().take_notes())
        if (const auto* f = std::get_if<gossip::Fetched>(&note.event)) whole += f->whole && f->pieces == 1 && f->donors == 1;
    CHECK(whole == late.size());
    for (const std::uint32_t i : late) CHECK(std::abs(cluster.value(i)) < 1e-3);
    for (const std::uint32_t i : late) CHECK(cluster.world().steps(i) > 100);
}

TEST_CASE("a newcomer that nobody can give anything begins by itself, and one that is told to leave meanwhile leaves") {
    ClusterOptions o = gossiping(1, 100ms);
    o.exchange.donors = 4;
    Cluster cluster(o);
    cluster.run_for(1s);
    cluster.world().crash(0);
    const std::uint32_t alone = cluster.join(0);
    cluster.run_for(9s);
    CHECK(cluster.world().steps(alone) == 0);
    cluster.run_for(15s);
    CHECK(cluster.world().steps(alone) > 100);

    ClusterOptions slow = large(2);
    slow.rate = 1 * megabyte;
    Cluster other(slow);
    other.run_for(1s);
    const std::uint32_t late = other.join(0);
    other.run_for(2s);
    CHECK(other.world().steps(late) == 0);
    other.world().leave(late);
    other.run_for(10s);
    CHECK(!other.world().up(late));
}

TEST_CASE("who is to finish does not wait for a model any more") {
    ClusterOptions o = large(2);
    o.rate = 1 * megabyte;
    Cluster cluster(o);
    cluster.run_for(1s);
    const std::uint32_t late = cluster.join(0);
    cluster.run_for(2s);
    cluster.world().finish(late);
    cluster.run_for(20s);
    bool finished = false;
    for (const sim::Note& note : cluster.world().take_notes()) finished |= note.peer == late && std::holds_alternative<gossip::Finished>(note.event);
    CHECK(finished);
}

TEST_CASE("fetching is the same story each time, and whatever the number of shards") {
    std::optional<std::uint64_t> hash;
    for (const std::uint32_t shards : {0u, 0u, 2u}) {
        ClusterOptions o = large(4);
        o.dimension = 3 << 20;
        o.shards = shards;
        Cluster cluster(o);
        cluster.run_for(2s);
        cluster.join(1);
        cluster.run_for(2s);
        if (hash) CHECK(cluster.world().trace_hash() == *hash);
        hash = cluster.world().trace_hash();
    }
}
