// What links and cards do to messages, and what faults do besides losing them: laws by counting, the rest by stories.
// Tolerances of what is counted are four standard errors.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "cluster.hpp"
#include "grapevine/sim/garble.hpp"
#include "grapevine/wire/wire.hpp"

using namespace grapevine;
using namespace grapevine::test;
using config::Distribution;

namespace {

constexpr Distribution constant(double s) { return {Distribution::Kind::constant, s, 0, {}, {}}; }

config::Group group(const char* name, bool nat = false) {
    config::Group g;
    g.name = name;
    g.nat = nat;
    return g;
}

config::Link between(const char* from, const char* to, double latency) {
    config::Link link;
    link.from = from, link.to = to;
    link.latency = constant(latency);
    return link;
}

// Two cards on a network, peers 0 (of group 0) and 1 (of the last group), and messages from one to the other.
struct Pair {
    sim::Network network;
    std::uint32_t last;
    std::array<sim::Card, 2> cards{};
    std::array<std::uint32_t, 2> sent{}, traced{};
    std::array<Random, 2> draws{Random(5), Random(6)};
    Random faulty{7};

    Pair(const std::vector<config::Group>& groups, const std::vector<config::Link>& links, std::uint64_t seed = 1)
        : network(groups, links, seed), last(static_cast<std::uint32_t>(groups.size() - 1)) {}
    sim::Network::Fate send(Instant now, std::uint32_t from, std::uint64_t bytes = 100, sim::Plane plane = sim::Plane::control) {
        const std::uint32_t to = 1 - from;
        auto fate = network.send(now, {from, from * last, &cards[from]}, {to, to * last, &cards[to]}, bytes, plane, draws[from], faulty, sent[from]++, traced[from]);
        for (int i = 0; i < fate.copies; ++i)  // until its last byte is there
            fate.arrives[i] = i < fate.in_line ? cards[to].takes(fate.arrives[i], fate.held, plane) + (fate.takes - fate.held) : fate.arrives[i] + fate.takes;
        return fate;
    }
    Duration latency(Instant now, std::uint32_t from) { return send(now, from).arrives[0] - now; }
};

double four_sigma(double p, double n) { return 4 * std::sqrt(p * (1 - p) / n); }

struct Silence {
    Duration from, lasts;
};

// The silences of one way, by looking every `step`.
std::vector<Silence> silences(const sim::BurstLoss& bursts, Duration until, Duration step, std::uint32_t from, std::uint32_t to) {
    std::vector<Silence> all;
    bool silent = false;
    for (Duration t{}; t < until; t += step) {
        const bool now = bursts.silent(Instant(t), from, to);
        if (now && !silent) all.push_back({t, {}});
        if (now) all.back().lasts += step;
        silent = now;
    }
    return all;
}

}  // namespace

TEST_CASE("bursts take their share of the time at every instant, each way for itself, and the same for all who ask") {
    for (const double mean : {0.004, 0.03, 0.2, 0.7}) {
        CAPTURE(mean);
        const sim::BurstLoss bursts({mean, 120s}, Random(3)), again({mean, 120s}, Random(3)), others({mean, 120s}, Random(4));
        constexpr int pairs = 60'000;
        for (const Instant at : {Instant{}, Instant(59s), Instant(3h)}) {
            int there = 0, both = 0, same = 0;
            for (std::uint32_t p = 0; p < pairs; ++p) {
                const bool silent = bursts.silent(at, p, p + 1);
                there += silent;
                both += silent && bursts.silent(at, p + 1, p);
                same += silent && others.silent(at, p, p + 1);
                REQUIRE(silent == again.silent(at, p, p + 1));
            }
            CHECK(std::abs(there / double{pairs} - mean) < four_sigma(mean, pairs));
            CHECK(std::abs(both / double{pairs} - mean * mean) < four_sigma(mean * mean, pairs));
            CHECK(std::abs(same / double{pairs} - mean * mean) < four_sigma(mean * mean, pairs));
        }
    }
}

TEST_CASE("a burst lasts between a thousandth of the longest and the longest, half of them less than 3.76 times the shortest") {
    const config::Bursts law{0.004, 1024ms};
    const sim::BurstLoss bursts(law, Random(9));
    CHECK(bursts.shortest() == 1ms);
    std::vector<double> ms;
    double total = 0;
    constexpr Duration watched = 60s;
    constexpr std::uint32_t ways = 60;
    for (std::uint32_t p = 0; p < ways; ++p)
        for (const Silence& s : silences(bursts, watched, 100us, p, p + 1)) ms.push_back(seconds(s.lasts) * 1e3), total += seconds(s.lasts);
    REQUIRE(ms.size() > 300);
    const auto n = static_cast<double>(ms.size());
    CHECK(*std::min_element(ms.begin(), ms.end()) >= 0.9);
    CHECK(*std::max_element(ms.begin(), ms.end()) <= 1024.2);
    CHECK(*std::max_element(ms.begin(), ms.end()) > 256);
    const double below = static_cast<double>(std::count_if(ms.begin(), ms.end(), [](double x) { return x < 3.761; })) / n;
    CHECK(std::abs(below - 0.5) < four_sigma(0.5, n));
    const double below_mean = static_cast<double>(std::count_if(ms.begin(), ms.end(), [](double x) { return x < 32; })) / n;
    const double expected = (1 - std::sqrt(1.0 / 32)) / (1 - 1.0 / 32);  // P(shorter than the mean)
    CHECK(std::abs(below_mean - expected) < four_sigma(expected, n));
    double squares = 0;
    for (const double x : ms) squares += (x - 32) * (x - 32);
    CHECK(std::abs(total / n * 1e3 - 32) < 4 * std::sqrt(squares) / n);
}

TEST_CASE("a bursty link loses all of a burst's messages and none between") {
    config::Link link = between("*", "*", 0.01);
    link.bursts = config::Bursts{0.2, 10s};
    Pair pair({group("a"), group("b")}, {link}, 3);
    int lost = 0, turns = 0;
    bool before = false;
    constexpr int n = 200'000;
    for (int i = 0; i < n; ++i) {
        const bool is_lost = pair.send(Instant(i * 10ms), 0).copies == 0;
        lost += is_lost;
        turns += is_lost != before;
        before = is_lost;
    }
    // 200 cells of 10 s with a burst each: the share of a cell is between 4 % and 100 %, 20 % on average
    CHECK(std::abs(lost / double{n} - 0.2) < 4 * 0.21 / std::sqrt(200.0));
    CHECK(turns > 300);
    CHECK(turns <= 403);
}

TEST_CASE("a link one way has latency, loss and rate of that way") {
    config::Link there = between("a", "b", 0.010), back = between("b", "a", 0.200);
    there.both_ways = back.both_ways = false;
    there.loss = 0.25;
    back.rate = 1000;
    Pair pair({group("a"), group("b")}, {there, back});
    int lost = 0;
    constexpr int n = 20'000;
    for (int i = 0; i < n; ++i) {
        const auto out = pair.send(Instant{}, 0);
        lost += out.copies == 0;
        if (out.copies > 0) CHECK(out.arrives[0] == Instant(10ms));
        const auto home = pair.send(Instant{}, 1);
        REQUIRE(home.copies == 1);
        REQUIRE(home.arrives[0] == Instant(300ms));  // 100 bytes at 1 kB/s
    }
    CHECK(std::abs(lost / double{n} - 0.25) < four_sigma(0.25, n));
}

TEST_CASE("a path slower than both cards slows its own messages and holds nobody else up") {
    config::Link slow = between("*", "*", 0);
    slow.rate = 1e3;
    Pair pair({group("a"), group("b")}, {slow});
    for (sim::Card& card : pair.cards) card.uplink = card.downlink = 1e6;
    CHECK(pair.send(Instant{}, 0, 1000).arrives[0] == Instant(1s));
    CHECK(pair.send(Instant{}, 0, 1000).arrives[0] == Instant(1s + 1ms));
}

TEST_CASE("reordering takes the latency twice for its share, so that later messages overtake, and changes no other draw") {
    config::Link link = between("*", "*", 0);
    link.latency = {Distribution::Kind::uniform, 0.010, 0.020, {}, {}};
    link.loss = 0.1;
    Pair well({group("a")}, {link});
    link.reorder = 0.3;
    Pair mixed({group("a")}, {link});
    constexpr int n = 40'000;
    int late = 0, sent = 0, overtaken = 0;
    Instant last{};
    for (int i = 0; i < n; ++i) {
        const Instant now(i * 25ms);
        const auto a = well.send(now, 0), b = mixed.send(now, 0);
        REQUIRE(a.copies == b.copies);
        if (a.copies == 0) continue;
        ++sent;
        const Duration more = b.arrives[0] - a.arrives[0];
        CHECK((more == Duration::zero() || (more >= 10ms && more <= 20ms)));
        late += more > Duration::zero();
        overtaken += b.arrives[0] < last;
        last = std::max(last, b.arrives[0]);
    }
    CHECK(std::abs(static_cast<double>(late) / sent - 0.3) < four_sigma(0.3, sent));
    CHECK(overtaken > 0);
}

TEST_CASE("distance is a pair's own, the same both ways and for every message") {
    config::Link link = between("*", "*", 0.001);
    link.distance = {Distribution::Kind::lognormal, 0.040, 0.7, {}, {}};
    sim::Network network({group("a")}, {link}, 5);
    const auto latency = [&](std::uint32_t a, std::uint32_t b) {
        Random random(1), faulty(2);
        std::uint32_t traced = 0;
        return network.send(Instant{}, {a, 0, nullptr}, {b, 0, nullptr}, 1, sim::Plane::control, random, faulty, 0, traced).arrives[0] - Instant{};
    };
    std::set<Duration> all;
    std::vector<double> logs;
    for (std::uint32_t a = 0; a < 40; ++a)
        for (std::uint32_t b = a + 1; b < 40; ++b) {
            REQUIRE(latency(a, b) == latency(b, a));
            all.insert(latency(a, b));
            logs.push_back(std::log((seconds(latency(a, b)) - 0.001) / 0.040));
        }
    CHECK(all.size() == 780);
    double mean = 0;
    for (const double x : logs) mean += x / 780;
    CHECK(std::abs(mean) < 4 * 0.7 / std::sqrt(780.0));
}

TEST_CASE("what is larger than a link carries is lost on its bulk way, and the rest gets through") {
    config::Link link = between("*", "*", 0.01);
    link.largest = 1500;
    Pair pair({group("a")}, {link});
    CHECK(pair.send(Instant{}, 0, 1500, sim::Plane::bulk).copies == 1);
    CHECK(pair.send(Instant{}, 0, 1501, sim::Plane::bulk).copies == 0);
    CHECK(pair.send(Instant{}, 0, 300).copies == 1);
}

TEST_CASE("each sender goes through a trace by itself, whatever the others send") {
    config::Link link = between("*", "*", 0);
    link.latency = {Distribution::Kind::trace, 0, 0, "rtt.txt", {0.001, 0.002, 0.003, 0.004, 0.005, 0.006, 0.007}};
    Pair alone({group("a")}, {link}), busy({group("a")}, {link});
    std::vector<Duration> a, b;
    for (int i = 0; i < 14; ++i) {
        a.push_back(alone.latency(Instant{}, 0));
        b.push_back(busy.latency(Instant{}, 0));
        for (int k = 0; k < i; ++k) busy.send(Instant{}, 1);
    }
    CHECK(a == b);
    for (std::size_t i = 0; i + 1 < a.size(); ++i) CHECK((a[i + 1] == a[i] + 1ms || (a[i] == 7ms && a[i + 1] == 1ms)));
}

TEST_CASE("delays and replays are what a fault says, and end with it") {
    Pair pair({group("a")}, {between("*", "*", 0.010)});
    sim::Faults& faults = pair.network.faults();
    const auto delay = faults.harmed_between({0}, {1}, {.delay = constant(0.5)});
    CHECK(pair.send(Instant{}, 0).arrives[0] == Instant(510ms));
    CHECK(pair.send(Instant{}, 1).arrives[0] == Instant(510ms));
    const auto again = faults.harmed({0}, {.again = 0.25, .after = constant(30)});
    int twice = 0;
    constexpr int n = 10'000;
    for (int i = 0; i < n; ++i) {
        const auto fate = pair.send(Instant{}, 0);
        CHECK(fate.arrives[0] == Instant(510ms));
        if (fate.copies < 2) continue;
        ++twice;
        CHECK(fate.arrives[1] == Instant(30510ms));
    }
    CHECK(std::abs(twice / double{n} - 0.25) < four_sigma(0.25, n));
    faults.end(delay);
    faults.end(again);
    CHECK(!faults.harms());
    const auto touching = faults.harmed({0, 1}, {.delay = constant(0.5)});  // of both ends
    CHECK(pair.send(Instant{}, 0).arrives[0] == Instant(1010ms));
    faults.end(touching);
    CHECK(pair.send(Instant{}, 0).arrives[0] == Instant(10ms));
}

TEST_CASE("what meets a clogged peer sets out when it is over") {
    Pair pair({group("a")}, {between("*", "*", 0.010)});
    pair.network.faults().harmed({1}, {.held_until = Instant(5s)});
    CHECK(pair.send(Instant(1s), 0).arrives[0] == Instant(5010ms));
    CHECK(pair.send(Instant(2s), 1).arrives[0] == Instant(5010ms));
    CHECK(pair.send(Instant(6s), 0).arrives[0] == Instant(6010ms));
}

TEST_CASE("in a ring of majorities each hears a bare majority, no two the same, and newcomers stand where they come in") {
    for (const std::uint32_t n : {4u, 5u, 7u, 8u, 33u}) {
        CAPTURE(n);
        sim::Faults faults;
        sim::Faults::Peers ring;
        for (std::uint32_t i = 0; i < n; ++i) ring.push_back(i);
        std::swap(ring[0], ring[n - 1]);
        faults.majorities(ring);
        std::set<std::set<std::uint32_t>> heard_by;
        for (std::uint32_t i = 0; i < n; ++i) {
            std::set<std::uint32_t> heard;
            for (std::uint32_t j = 0; j < n; ++j) {
                CHECK(faults.cut_off(i, j) == faults.cut_off(j, i));
                if (!faults.cut_off(i, j)) heard.insert(j);
            }
            CHECK(heard.size() > n / 2);
            CHECK(heard.size() <= n / 2 + 2);
            heard_by.insert(heard);
            faults.joins(n, i);
            for (std::uint32_t j = 0; j < n; ++j) CHECK(faults.cut_off(n, j) == faults.cut_off(i, j));
        }
        CHECK(heard_by.size() == n);
    }
}

TEST_CASE("behind NAT a peer is reached by those it has sent to of late, and never by another behind NAT") {
    Pair pair({group("open"), group("home", true)}, {between("*", "*", 0.010)});
    const auto arrives = [&](Instant at, std::uint32_t at_peer) {
        return pair.network.lets_in(at, 1 - at_peer, (1 - at_peer), {at_peer, at_peer, &pair.cards[at_peer]});
    };
    CHECK(!arrives(Instant(1s), 1));
    pair.send(Instant(2s), 1);
    CHECK(arrives(Instant(2s), 0));
    CHECK(arrives(Instant(50s), 1));            // the answer uses the connection ...
    CHECK(arrives(Instant(110s), 1));           // ... and keeps it open
    CHECK(!arrives(Instant(170s + 1ns), 1));
    Pair both({group("home", true)}, {});
    both.send(Instant{}, 0), both.send(Instant{}, 1);
    CHECK(!both.network.lets_in(Instant{}, 0, 0, {1, 0, &both.cards[1]}));

    sim::Connections many;
    for (std::uint32_t p = 0; p < 1000; ++p) many.sends(Instant(p * 1s), p);
    CHECK(many.kept() < 200);
    CHECK(many.lets_in(Instant(999s), 999));
    CHECK(many.lets_in(Instant(999s), 939));
    CHECK(!many.lets_in(Instant(999s), 938));
}

TEST_CASE("garbled bytes are read as another message or not at all, and a cluster survives them") {
    membership::Book book;
    membership::Record record;
    record.contact.id = sim::id_of(0);
    record.contact.name = "p1";
    const auto handle = *book.intern(record);
    membership::Message told{membership::Ping{7}, {}};
    told.rumors.push_back({handle, membership::Standing::alive, {}});
    Random random(1);
    int dropped = 0, other = 0;
    const std::string right = wire::encode(Peer::Message(told), book);
    constexpr int n = 4000;
    for (int i = 0; i < n; ++i) {
        const auto read = sim::garbled(Peer::Message(told), book, 24, random);
        if (!read) ++dropped;
        else other += wire::encode(*read, book) != right;
    }
    CHECK(dropped > n / 2);
    CHECK(other > 0);

    ClusterOptions o = gossiping(8);
    Cluster cluster(o);
    cluster.run_for(2s);
    cluster.world().words_may_be_garbled();
    const auto key = cluster.world().network().faults().harmed({0, 1}, {.garbled = 0.5});
    cluster.run_for(20s);
    cluster.world().network().faults().end(key);
    const sim::Counters& c = cluster.world().counters();
    CHECK(c.garbled > 0);
    CHECK(c.misread > 0);
    CHECK(c.lost >= c.garbled);  // and what was sent to those that garbled news tell of
    CHECK(!cluster.world().violation());
    for (std::uint32_t i = 0; i < 8; ++i) CHECK(std::isfinite(cluster.value(i)));
}

TEST_CASE("old messages that come again bring nobody back and take nobody away") {
    ClusterOptions o = gossiping(8);
    Cluster cluster(o);
    cluster.run_for(2s);
    std::vector<std::uint32_t> all{0, 1, 2, 3, 4, 5, 6, 7};
    cluster.world().network().faults().harmed(all, {.again = 0.5, .after = {Distribution::Kind::uniform, 1, 40, {}, {}}});
    cluster.run_for(5s);
    cluster.world().crash(3);
    cluster.world().leave(5);
    cluster.run_for(90s);
    for (std::uint32_t i = 0; i < 8; ++i)
        if (i != 3 && i != 5) CHECK(cluster.members_seen_by(i) == 6);
    CHECK(!cluster.world().violation());
    for (const sim::Note& note : cluster.world().take_notes())
        if (const auto* gone = std::get_if<membership::Gone>(&note.event)) CHECK((gone->peer == sim::id_of(3) || gone->peer == sim::id_of(5)));
}

TEST_CASE("a card goes at its new rate from then on, and what waits for it does not wait for ever") {
    Pair pair({group("a")}, {});
    pair.cards[0].go_at(Instant{}, 1e6, 1e6);
    CHECK(pair.send(Instant{}, 0, 1000).arrives[0] == Instant(1ms));
    pair.cards[0].go_at(Instant(1s), 100, 1e6);
    CHECK(pair.send(Instant(1s), 0, 1000).arrives[0] == Instant(11s));
    CHECK(pair.send(Instant(1s), 0, 1000).arrives[0] == Instant(21s));
    pair.cards[0].go_at(Instant(2s), 1000, 1e6);  // 19 s of the old rate are left
    CHECK(pair.send(Instant(2s), 0, 1000).arrives[0] == Instant(2s + 1900ms + 1s));
    pair.cards[0].go_at(Instant(2s), 0, 0);
    CHECK(pair.send(Instant(2s), 0, 1000).arrives[0] == Instant(2s));
}
