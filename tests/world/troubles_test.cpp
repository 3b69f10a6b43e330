// What events do to the network of a whole scenario, as its story tells it.
#include <doctest/doctest.h>

#include <map>
#include <numeric>
#include <set>
#include <sstream>

#include "grapevine/sim/story.hpp"
#include "scenario.hpp"

using namespace grapevine;
using namespace grapevine::test;

namespace {

constexpr const char* lan = R"(
until = "30s"
[model]
kind = "average"
[exchange]
kind = "local"
[membership]
lifeguard = { local_health = false }
[[group]]
name = "lan"
count = 16
[[link]]
between = ["*", "*"]
latency = { dist = "uniform", min = "1ms", max = "3ms" }
)";

struct Delivery {
    double s;
    int from, to;
    std::string what;
};

struct Told {
    sim::RunResult result;
    std::vector<Delivery> deliveries;

    // The peers that heard or were heard between two instants.
    std::set<int> speakers(double from, double to) const {
        std::set<int> all;
        for (const Delivery& d : deliveries)
            if (d.s > from && d.s < to) all.insert({d.from, d.to});
        return all;
    }
};

Told run(const std::string& more, const std::string& base = lan) {
    std::ostringstream story;
    sim::RunRequest request = request_of(config_of(base + more));
    sim::Story told_as(story);
    request.tap = &told_as;
    Told told{sim::run(request), {}};
    std::istringstream lines(story.str());
    for (std::string line; std::getline(lines, line);) {  // "  1020.000  p1 -> p2  ping ..."
        double ms = 0;
        int from = 0, to = 0;
        char what[32]{};
        if (std::sscanf(line.c_str(), " %lf p%d -> p%d %31s", &ms, &from, &to, what) == 4) told.deliveries.push_back({ms / 1e3, from, to, what});
    }
    return told;
}

// Who is joined with whom by what was heard in any of the spans (in seconds): sizes of the parts, smallest first.
std::multiset<std::size_t> parts(const Told& told, const std::vector<std::pair<double, double>>& spans) {
    std::vector<int> part(17);
    std::iota(part.begin(), part.end(), 0);
    for (const Delivery& d : told.deliveries)
        for (const auto& [from, to] : spans) {
            if (d.s <= from || d.s >= to || part[static_cast<std::size_t>(d.from)] == part[static_cast<std::size_t>(d.to)]) continue;
            const int a = part[static_cast<std::size_t>(d.from)], b = part[static_cast<std::size_t>(d.to)];
            for (int& p : part)
                if (p == a) p = b;
        }
    std::map<int, std::size_t> sizes;
    for (std::size_t p = 1; p < part.size(); ++p) ++sizes[part[p]];
    std::multiset<std::size_t> all;
    for (const auto& [name, size] : sizes) all.insert(size);
    return all;
}

using Sizes = std::multiset<std::size_t>;

}  // namespace

TEST_CASE("a partition that comes again is the same one each time, and whole between") {
    const Told told = run(event("4s", "kind = \"partition\"\nshape = \"halves\"\nfor = \"2s\"\ngap = \"2s\"\ntimes = 3"));
    CHECK(parts(told, {{4.003, 6}, {8.003, 10}, {12.003, 14}}) == Sizes{8, 8});
    CHECK(parts(told, {{6, 8}}) == Sizes{16});
    CHECK(parts(told, {{16, 18}}) == Sizes{16});
}

TEST_CASE("partitions have the shapes they are called by") {
    const auto shape = [](const char* name) { return run(event("4s", "kind = \"partition\"\nfor = \"4s\"\nshape = \"" + std::string(name) + "\"")); };
    const auto during = [](const Told& told) { return parts(told, {{4.003, 8}}); };
    CHECK(during(shape("isolate-one")) == Sizes{1, 15});
    CHECK(during(shape("random")).size() == 2);

    const Told bridged = shape("bridge");
    CHECK(during(bridged) == Sizes{16});
    int bridges = 0;
    for (int peer = 1; peer <= 16; ++peer) {  // without it there are two
        Told without = bridged;
        std::erase_if(without.deliveries, [&](const Delivery& d) { return d.from == peer || d.to == peer; });
        bridges += during(without) == Sizes{1, 7, 8};
    }
    CHECK(bridges == 1);

    std::map<int, std::set<int>> hears;
    for (const Delivery& d : shape("ring-of-majorities").deliveries)
        if (d.s > 4.003 && d.s < 8) hears[d.to].insert(d.from);
    for (const auto& [peer, others] : hears) CHECK(others.size() <= 8);  // of 15
}

TEST_CASE("who is clogged is silent, one after the other, and then all comes at once") {
    const Told told = run(event("5s", "kind = \"clog\"\nnodes = \"lan:3\"\nfor = \"2s\""));
    std::set<int> clogged;
    for (const double turn : {5.0, 7.0, 9.0}) {
        const std::set<int> heard = told.speakers(turn + 0.003, turn + 2);
        CHECK(heard.size() == 15);
        for (int peer = 1; peer <= 16; ++peer)
            if (!heard.contains(peer)) clogged.insert(peer);
        CHECK(told.speakers(turn + 2, turn + 2.003).size() > 1);
    }
    CHECK(clogged.size() == 3);
    CHECK(told.speakers(11.003, 13).size() == 16);
    CHECK(told.result.summary.network.lost == 0);
}

TEST_CASE("rates that an event has changed are again what they were") {
    constexpr const char* two = R"(
until = "40s"
[model]
kind = "average"
[exchange]
kind = "local"
[[group]]
count = 2
uplink = "8Mbit"
downlink = "8Mbit"
)";
    // An answer has 31 bytes: 0.03 ms, and under the event 31 ms. The machine keeps its card when it starts anew, as the third peer.
    const Told told = run(event("10s", "kind = \"bandwidth\"\nnodes = \"*[0]\"\nuplink = \"8kbit\"\nfor = \"10s\"") +
                              event("12s", "kind = \"restart\"\nnodes = \"*[0]\""), two);
    const auto longest = [&](double from, double to) {  // from a ping of the second peer to its answer
        double pinged = 0, most = 0;
        for (const Delivery& d : told.deliveries) {
            if (d.what == "ping" && d.from == 2) pinged = d.s;
            if (d.what == "ack" && d.to == 2 && d.s > from && d.s < to) most = std::max(most, d.s - pinged);
        }
        return most;
    };
    CHECK(longest(3, 10) > 0);
    CHECK(longest(3, 10) < 0.002);
    CHECK(longest(10.5, 12) > 0.02);
    CHECK(longest(13, 20) > 0.02);
    CHECK(longest(21, 40) > 0);
    CHECK(longest(21, 40) < 0.002);
}

TEST_CASE("two peers behind NAT never hear each other, and the others hear both") {
    constexpr const char* homes = R"(
until = "60s"
[model]
kind = "average"
[exchange]
kind = "local"
[[group]]
name = "open"
count = 12
[[group]]
name = "home"
count = 4
nat = true
)";
    const Told told = run("", homes);
    std::set<int> heard;
    for (const Delivery& d : told.deliveries) {
        CHECK((d.from <= 12 || d.to <= 12));
        if (d.from > 12) heard.insert(d.from);
    }
    CHECK(heard.size() == 4);
    CHECK(*told.result.summary.network.shut_out == 0);  // nobody even tries
    CHECK(told.result.summary.final.views_full == 1.0);
}

TEST_CASE("all troubles at once: the same seed, the same run, and membership keeps its word") {
    const std::string all = event("3s", "kind = \"delay\"\nnodes = \"lan:4\"\nlatency = { dist = \"exponential\", mean = \"200ms\" }\nfor = \"10s\"") +
                            event("4s", "kind = \"corrupt\"\nnodes = \"lan:4\"\nshare = 0.3\nfor = \"5s\"\nevery = \"8s\"") +
                            event("5s", "kind = \"replay\"\nnodes = \"*\"\nshare = 0.2\nafter = \"7s\"") +
                            event("6s", "kind = \"clog\"\nnodes = \"lan:25%\"\nfor = \"1s\"") +
                            event("7s", "kind = \"partition\"\nshape = \"ring-of-majorities\"\nfor = \"5s\"\ngap = \"1s\"") +
                            "[[link]]\nfrom = \"lan\"\nto = \"*\"\nlatency = \"2ms\"\nloss = { kind = \"bursty\", mean = 0.05, longest = \"4s\" }\nreorder = 0.1\n";
    const Told a = run(all), b = run(all);
    CHECK(a.result.summary.trace_hash == b.result.summary.trace_hash);
    CHECK(!a.result.violation);
    CHECK(*a.result.summary.network.garbled > 0);
    CHECK(*a.result.summary.network.lost > *a.result.summary.network.garbled);
    const Told other = run("seed = 2\n" + std::string(lan) + all, "");
    CHECK(other.result.summary.trace_hash != a.result.summary.trace_hash);
}

TEST_CASE("a preset is a network by itself") {
    for (const char* preset : {"lan", "datacenter", "wan", "edge"}) {
        const Told told = run("", "preset = \"" + std::string(preset) + "\"\nuntil = \"10s\"\n[model]\nkind = \"average\"\n[exchange]\nperiod = \"1s\"\n");
        CHECK(told.result.summary.peers == 4);
        CHECK(*told.result.summary.exchange_counts.mixed > 10);
    }
}
