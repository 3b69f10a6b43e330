// What can go wrong with a world, each alone: pauses, cuts in one direction, loss besides the links'.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <sstream>

#include "cluster.hpp"

using namespace grapevine;
using namespace grapevine::test;
using Timers = sim::World::Timers;

namespace {

// One delivery of a story: "  1020.000  p1 -> p2  ping round=3 ...".
struct Delivery {
    double ms;
    std::string from, to, what;
    int round = -1;
};

std::vector<Delivery> deliveries(const std::string& story) {
    std::vector<Delivery> all;
    std::istringstream lines(story);
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        Delivery d;
        std::string arrow, word;
        if (!(words >> d.ms >> d.from >> arrow >> d.to >> d.what) || arrow != "->") continue;
        while (words >> word)
            if (word.starts_with("round=")) d.round = std::stoi(word.substr(6));
        all.push_back(d);
    }
    return all;
}

ClusterOptions quiet(std::uint32_t peers, std::ostream& story) {  // membership alone
    ClusterOptions o = gossiping(peers);
    o.exchange.kind = gossip::Kind::local;
    o.membership.local_health = false;  // or the period stretches while nobody answers
    o.story = &story;
    return o;
}

double four_sigma(double p, double n) { return 4 * std::sqrt(p * (1 - p) / n); }

}  // namespace

TEST_CASE("a stopped peer hears and says nothing; when it goes on all that was due comes at once, in that order") {
    std::ostringstream story;
    Cluster cluster(quiet(2, story));
    cluster.run_for(2s);
    cluster.world().pause(1, Timers::wait);
    CHECK(cluster.world().paused(1));
    cluster.run_for(3s);
    cluster.world().resume(1, Timers::wait);
    CHECK(!cluster.world().paused(1));
    cluster.run_for(2s);
    int at_once = 0, last_round = 0;
    for (const Delivery& d : deliveries(story.str())) {
        if (d.to == "p2") {
            CHECK((d.ms <= 2000 || d.ms >= 5000));
            if (d.ms == 5000 && d.what == "ping") {
                CHECK(d.round > last_round);
                last_round = d.round;
                ++at_once;
            }
        } else {
            CHECK((d.ms <= 2010 || d.ms >= 5010));  // what was under way arrives
        }
    }
    CHECK(at_once == 3);  // one a second
    int late = 0;  // and its own timer, once: the next probe is due a period after this one was made
    for (const Delivery& d : deliveries(story.str())) late += d.from == "p2" && d.what == "ping" && d.ms == 5010;
    CHECK(late == 1);
}

TEST_CASE("a stopped learner goes on where it was, and its rest is not work") {
    ClusterOptions o = gossiping(1);
    o.step_seconds = 1;
    Cluster cluster(o);
    cluster.run_for(500ms);
    cluster.world().pause(0, Timers::wait);
    cluster.run_for(3s);
    CHECK(cluster.world().time_shares().computing == doctest::Approx(0.5 / 3.5));
    cluster.world().resume(0, Timers::wait);
    cluster.run_for(490ms);
    CHECK(cluster.world().steps(0) == 0);
    cluster.run_for(20ms);
    CHECK(cluster.world().steps(0) == 1);
    cluster.run_for(990ms);
    CHECK(cluster.world().time_shares().computing == doctest::Approx(2.0 / 5.0));
}

TEST_CASE("with running timers it says in the end what it wrote meanwhile, and accuses those whose answers lie at its door") {
    std::ostringstream story;
    ClusterOptions o = quiet(8, story);
    Cluster cluster(o);
    cluster.run_for(2s);
    cluster.world().take_notes();
    cluster.world().pause(1, Timers::run);
    cluster.run_for(3500ms);
    int failed = 0;
    for (const sim::Note& note : cluster.world().take_notes()) failed += note.peer == 1 && std::holds_alternative<membership::ProbeFailed>(note.event);
    CHECK(failed == 3);
    cluster.world().resume(1, Timers::run);
    cluster.run_for(1s);
    int pings = 0, heard = 0;
    std::map<std::string, int> answers;  // by who gets them
    for (const Delivery& d : deliveries(story.str())) {
        if (d.to == "p2") {
            CHECK((d.ms <= 2000 || d.ms >= 5500));
            heard += d.ms == 5500;
        }
        if (d.from == "p2") {
            CHECK((d.ms <= 2010 || d.ms >= 5510));
            if (d.ms != 5510) continue;
            if (d.what == "ping") {
                CHECK(answers[d.to] == 0);  // what it wrote before comes before what it answers now
                ++pings;
            }
            answers[d.to] += d.what == "ack";
        }
    }
    CHECK(pings >= 3);
    CHECK(heard >= 3);
    CHECK(answers.size() >= 3);
}

TEST_CASE("pauses nest, and a peer that dies in one stays dead") {
    std::ostringstream story;
    Cluster cluster(quiet(3, story));
    sim::World& world = cluster.world();
    cluster.run_for(1s);
    world.pause(1, Timers::wait);
    world.pause(1, Timers::run);
    world.pause(1, Timers::wait);
    cluster.run_for(1s);
    world.resume(1, Timers::wait);
    world.resume(1, Timers::run);
    cluster.run_for(1s);
    CHECK(world.paused(1));
    world.resume(1, Timers::wait);
    CHECK(!world.paused(1));
    for (const Delivery& d : deliveries(story.str()))
        if (d.to == "p2") CHECK((d.ms <= 1000 || d.ms >= 3000));
    cluster.run_for(1s);
    world.pause(2, Timers::wait);
    cluster.run_for(1s);
    world.crash(2);
    world.resume(2, Timers::wait);
    world.pause(2, Timers::wait);
    CHECK(!world.up(2));
    CHECK(!world.paused(2));
    CHECK(world.up_count() == 2);
    cluster.run_for(60s);
    CHECK(cluster.members_seen_by(0) == 2);
    REQUIRE(world.missed(2));
    CHECK(*world.missed(2) >= Instant(5s));
    CHECK(*world.missed(2) < Instant(8s));
    CHECK(!world.missed(0));
}

TEST_CASE("one way is one way, and ends by itself while another goes on") {
    std::ostringstream story;
    Cluster cluster(quiet(3, story));
    sim::Faults& faults = cluster.world().network().faults();
    cluster.run_for(1s);
    const auto deaf = faults.one_way({0}, {1});
    const auto cut = faults.cut({2}, {0, 1});
    CHECK(faults.cut_off(0, 1));
    CHECK(!faults.cut_off(1, 0));
    CHECK((faults.cut_off(2, 1) && faults.cut_off(1, 2)));
    cluster.run_for(2s);
    faults.end(deaf);
    CHECK(!faults.cut_off(0, 1));
    CHECK(faults.cut_off(0, 2));
    faults.end(cut);
    CHECK(!faults.any());
    int other_way = 0;
    for (const Delivery& d : deliveries(story.str())) {
        if (d.ms <= 1010 || d.ms > 3000) continue;
        CHECK(!(d.from == "p1" && d.to == "p2"));
        CHECK((d.from != "p3" && d.to != "p3"));
        other_way += d.from == "p2" && d.to == "p1";
    }
    CHECK(other_way > 0);
}

TEST_CASE("loss of nodes takes its share, twice between two of them, and changes no other draw") {
    constexpr int n = 40'000;
    config::Link link;
    link.latency = {config::Distribution::Kind::uniform, 0.005, 0.015, {}, {}};
    link.loss = 0.1;
    const auto arrivals = [&](bool lossy, std::uint32_t from, std::uint32_t to) {
        sim::Network network({config::Group{}}, {link});
        if (lossy) network.faults().lossy({0, 1}, 0.3);
        sim::Card a, b;
        std::uint32_t traced = 0;
        Random random(5), faulty(6);
        std::vector<std::int64_t> times;
        for (int i = 0; i < n; ++i) {
            const auto fate = network.send(Instant{}, {from, 0, &a}, {to, 0, &b}, 100, sim::Plane::control, random, faulty, static_cast<std::uint32_t>(i), traced);
            times.push_back(fate.copies == 0 ? -1 : fate.arrives[0].time_since_epoch().count());
        }
        return times;
    };
    const auto lost = [](const std::vector<std::int64_t>& times) {
        return static_cast<double>(std::count(times.begin(), times.end(), -1)) / static_cast<double>(times.size());
    };
    const auto well = arrivals(false, 0, 1), one = arrivals(true, 0, 2), two = arrivals(true, 0, 1), none = arrivals(true, 2, 3);
    CHECK(std::abs(lost(well) - 0.1) < four_sigma(0.1, n));
    CHECK(std::abs(lost(one) - (1 - 0.9 * 0.7)) < four_sigma(0.37, n));
    CHECK(std::abs(lost(two) - (1 - 0.9 * 0.49)) < four_sigma(0.559, n));
    CHECK(none == well);
    for (int i = 0; i < n; ++i) CHECK((one[static_cast<std::size_t>(i)] == -1 || one[static_cast<std::size_t>(i)] == well[static_cast<std::size_t>(i)]));

    sim::Faults faults;
    faults.lossy_between({0}, {1}, 0.25);
    Random random(7);
    int there = 0, back = 0, elsewhere = 0;
    for (int i = 0; i < n; ++i) there += faults.take(0, 1, random), back += faults.take(1, 0, random), elsewhere += faults.take(0, 2, random);
    CHECK(std::abs(there / double{n} - 0.25) < four_sigma(0.25, n));
    CHECK(std::abs(back / double{n} - 0.25) < four_sigma(0.25, n));
    CHECK(elsewhere == 0);
}

TEST_CASE("partitions add up; a newcomer is on the side it comes through, a restarted machine where it was") {
    sim::Faults faults;
    const auto first = faults.partition({0, 0, 1, 1});
    const auto second = faults.partition({0, 1, 0, 1});
    CHECK((faults.cut_off(0, 1) && faults.cut_off(0, 2) && faults.cut_off(0, 3)));
    CHECK(!faults.cut_off(0, 4));
    faults.end(second);
    CHECK(!faults.cut_off(0, 1));
    faults.joins(4, 2);
    CHECK(faults.cut_off(4, 0));
    CHECK(!faults.cut_off(4, 3));
    faults.one_way({3}, {2});
    faults.joins(5, 3);
    CHECK(!faults.cut_off(5, 2));  // the newcomer's own cable is whole
    faults.replaces(6, 3);
    CHECK((faults.cut_off(6, 0) && faults.cut_off(6, 2)));
    CHECK(!faults.cut_off(2, 6));
    faults.end(first);
    CHECK(!faults.cut_off(4, 0));
    CHECK(faults.cut_off(6, 2));

    Cluster cluster(gossiping(4));
    cluster.run_for(1s);
    cluster.world().network().partition({0, 0, 1, 1});
    const std::uint32_t late = cluster.join(3);
    cluster.run_for(60s);
    CHECK(cluster.members_seen_by(late) == 3);
    CHECK(cluster.members_seen_by(0) == 2);
}

TEST_CASE("the same faults, the same trace") {
    const auto hash = [] {
        ClusterOptions o = gossiping(6);
        o.loss = 0.02;
        Cluster cluster(o);
        sim::World& world = cluster.world();
        cluster.run_for(1s);
        world.pause(1, Timers::wait);
        world.pause(2, Timers::run);
        world.network().faults().lossy({3}, 0.5);
        const auto key = world.network().faults().one_way({4}, {0, 1, 2, 3});
        cluster.run_for(5s);
        world.resume(2, Timers::run);
        world.network().faults().end(key);
        cluster.run_for(1s);
        world.resume(1, Timers::wait);
        cluster.run_for(10s);
        return world.trace_hash();
    };
    CHECK(hash() == hash());
}
