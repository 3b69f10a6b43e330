// What the file says of networks: links, NAT, presets, and what events do to them.
#include <chrono>

#include "support.hpp"

using namespace grapevine;
using namespace grapevine::config;
using namespace std::chrono_literals;

namespace {

void refused(const std::string& text, const char* place, const char* what, const char* hint) {
    CAPTURE(text);
    const Error error = refusal(text);
    CAPTURE(error.what);
    CAPTURE(error.hint);
    CHECK(error.what.starts_with("run.toml:" + std::string(place) + ": "));
    CHECK(contains(error.what, what));
    CHECK(contains(error.hint, hint));
}

}  // namespace

TEST_CASE("a link says how it loses, reorders and limits") {
    const Config c = accepted(
        "[[link]]\nfrom = \"*\"\nlatency = \"5ms\"\ndistance = { dist = \"lognormal\", median = \"40ms\", sigma = 0.7 }\n"
        "loss = { kind = \"bursty\", mean = 0.004, longest = \"2min\" }\nreorder = 0.1\nrate = \"20Mbit\"\nlargest = \"64KiB\"\n");
    const Link& link = c.links.at(0);
    CHECK(!link.both_ways);
    REQUIRE(link.bursts);
    CHECK(link.bursts->mean == 0.004);
    CHECK(link.bursts->longest == 2min);
    CHECK(link.loss == 0);
    CHECK(link.reorder == 0.1);
    CHECK(link.rate == 2.5e6);
    CHECK(link.largest == 65536);
    CHECK(link.distance.kind == Distribution::Kind::lognormal);
    CHECK(accepted(to_toml(c)) == c);

    const std::string line = "[[link]]\nbetween = [\"*\", \"*\"]\n";
    refused(line + "loss = { kind = \"bursty\", mean = 0.004 }", "3:8", "does not say its 'longest'", "longest = \"2min\"");
    refused(line + "loss = { kind = \"bursts\", mean = 0.004, longest = \"2min\" }", "3:17", "'bursts' is no kind", "did you mean \"bursty\"?");
    refused(line + "loss = { kind = \"bursty\", mean = 1, longest = \"2min\" }", "3:34", "below 1", "");
    refused(line + "loss = { kind = \"bursty\", mean = 0, longest = \"2min\" }", "3:34", "out of range", "greater than 0");
    refused(line + "loss = { kind = \"bursty\", mean = 0.1, longest = \"0s\" }", "3:49", "longer than nothing", "");
    refused(line + "loss = { kind = \"bursty\", mean = 0.1, longest = \"2min\", shortest = \"1s\" }", "3:57", "unknown key 'shortest'", "known here: kind, mean, longest");
    refused(line + "reorder = 1.5", "3:11", "out of range", "from 0 to 1");
    refused(line + "rate = \"0Mbit\"", "3:8", "more than nothing", "");
    refused(line + "rate = \"-1Mbit\"", "3:8", "is no rate", "without sign");
    refused(line + "largest = \"64Kbit\"", "3:11", "is no size", "64KiB");
    refused(line + "largest = \"64kB/s\"", "3:11", "is no size", "64KiB");
    refused(line + "largest = 65536", "3:11", "a size with its unit", "largest = \"64KiB\"");
    refused("[[group]]\nnat = \"yes\"", "2:7", "true or false", "nat = true");
}

TEST_CASE("what happens to a network is read, and written again") {
    const Config c = accepted(
        "[[group]]\nname = \"g\"\ncount = 9\n"
        "[[event]]\nat = \"1s\"\nkind = \"partition\"\nshape = \"ring-of-majorities\"\nfor = \"20s\"\ngap = \"20s\"\ntimes = 3\n"
        "[[event]]\nat = \"1s\"\nkind = \"delay\"\nnodes = \"g:2\"\nlatency = { dist = \"exponential\", mean = \"300ms\" }\nfor = \"9s\"\n"
        "[[event]]\nat = \"1s\"\nkind = \"delay\"\nbetween = [\"g[0]\", \"*\"]\nlatency = \"1s\"\n"
        "[[event]]\nat = \"1s\"\nkind = \"clog\"\nnodes = \"g:4\"\nfor = \"3s\"\n"
        "[[event]]\nat = \"1s\"\nkind = \"bandwidth\"\nnodes = \"g:50%\"\nuplink = \"1Mbit\"\nfor = \"3s\"\nevery = \"5s\"\n"
        "[[event]]\nat = \"1s\"\nkind = \"corrupt\"\nbetween = [\"g[1]\", [\"g[2]\", \"g[3]\"]]\nshare = 0.1\n"
        "[[event]]\nat = \"1s\"\nkind = \"replay\"\nnodes = \"*\"\nshare = 0.25\nafter = \"30s\"\nfor = \"1min\"\n"
        "[[event]]\nat = \"1s\"\nkind = \"loss\"\nnodes = \"*:1\"\nloss = 0.8\nfor = \"5s\"\nevery = \"10s\"\ntimes = 2\n");
    REQUIRE(c.events.size() == 8);
    CHECK(c.events[0].shape == Event::Shape::ring_of_majorities);
    CHECK(c.events[0].every == 40s);
    CHECK(c.events[0].times == 3);
    CHECK(c.events[4].uplink == 125'000);
    CHECK(c.events[4].downlink == 0);
    CHECK(c.events[6].latency.a == 30);
    const std::string written = to_toml(c);
    CAPTURE(written);
    CHECK(accepted(written) == c);
    CHECK(to_toml(accepted(written)) == written);
}

TEST_CASE("what cannot happen to a network is refused") {
    const std::string groups = "[[group]]\nname = \"cpu\"\ncount = 8\n[[group]]\nname = \"gpu\"\ncount = 2\n", event = groups + "[[event]]\nat = \"1s\"\nkind = ";  // nine lines
    refused(event + "\"partition\"\nsides = [[\"cpu\"], [\"gpu\", \"cpu[3]\"]]", "10:27", "the same peers on two sides", "each peer is on one side");
    refused(event + "\"partition\"\nsides = [[\"cpu[3]\"], [\"cpu[3]\"]]", "10:23", "the same peers", "");
    refused(event + "\"partition\"\nsides = [[\"*\"], [\"gpu\"]]", "10:18", "the same peers", "all others");
    CHECK(accepted(event + "\"partition\"\nsides = [[\"cpu:3\", \"gpu[0]\"], [\"*\"]]").events.size() == 1);
    CHECK(accepted(event + "\"partition\"\nsides = [[\"cpu:3\"], [\"cpu:3\"]]").events.size() == 1);
    refused(event + "\"partition\"\nshape = \"halfs\"", "10:9", "'halfs' is no shape", "did you mean \"halves\"?");
    refused(event + "\"partition\"\nshape = \"halves\"\nsides = [[\"cpu\"], [\"gpu\"]]", "10:9", "not both", "keep one");
    refused(event + "\"partition\"\nshape = \"halves\"\nevery = \"9s\"", "11:9", "a partition that comes again must end first", "for =");
    refused(event + "\"cut\"\nbetween = [\"cpu\", \"gpu\"]\nshape = \"halves\"", "11:1", "belongs to kind = \"partition\"", "");
    refused(event + "\"cut\"\nbetween = [\"cpu\", \"gpu\"]\nfor = \"0s\"", "11:7", "longer than nothing", "");
    refused(event + "\"cut\"\nbetween = [\"cpu[99]\", \"gpu\"]", "10:11", "more than the 8 there are", "the first is [0]");
    refused(event + "\"delay\"\nnodes = \"cpu\"", "7:1", "how much later", "latency =");
    refused(event + "\"delay\"\nnodes = \"cpu\"\nlatency = \"0s\"", "11:11", "no time at all", "");
    refused(event + "\"delay\"\nnodes = \"cpus\"\nlatency = \"1s\"", "10:9", "no group 'cpus'", "\"cpu\"");
    refused(event + "\"clog\"\nnodes = \"cpu\"", "7:1", "how long each", "for =");
    refused(event + "\"clog\"\nnodes = \"cpu\"\nfor = \"1s\"\nevery = \"9s\"", "12:1", "'every' belongs to", "");
    refused(event + "\"bandwidth\"\nnodes = \"cpu\"", "7:1", "changes no rate", "uplink =");
    refused(event + "\"bandwidth\"\nnodes = \"cpu\"\nuplink = \"0B\"", "11:10", "more than nothing", "");
    refused(event + "\"bandwidth\"\nnodes = \"cpu:9\"\nuplink = \"1kB\"", "10:9", "more than the 8", "fewer");
    refused(event + "\"corrupt\"\nnodes = \"cpu\"\nshare = 1.1", "11:9", "more than all", "");
    refused(event + "\"corrupt\"\nnodes = \"cpu\"\nshare = 0", "11:9", "out of range", "greater than 0");
    refused(event + "\"replay\"\nnodes = \"cpu\"", "7:1", "how old", "after =");
}

TEST_CASE("a preset is what links and cards are where the file does not say") {
    const Config alone = accepted("preset = \"wan\"");
    REQUIRE(alone.groups.size() == 1);
    CHECK(alone.groups[0].name == "peers");
    CHECK(alone.groups[0].count == 4);
    CHECK(alone.groups[0].uplink == 125e6);
    REQUIRE(alone.links.size() == 1);
    CHECK(alone.links[0].from == "*");
    REQUIRE(alone.links[0].bursts);
    CHECK(alone.links[0].bursts->longest == 2min);

    const Config c = accepted(
        "preset = \"edge\"\n[[group]]\nname = \"phone\"\ncount = 9\nuplink = \"1Mbit\"\n[[group]]\nname = \"home\"\n"
        "[[link]]\nbetween = [\"phone\", \"*\"]\nloss = 0.01\n[[link]]\nbetween = [\"home\", \"home\"]\nlatency = \"1ms\"\n");
    CHECK(c.groups[0].uplink == 125'000);
    CHECK(c.groups[0].downlink == 12.5e6);
    CHECK(c.groups[1].uplink == 2.5e6);
    REQUIRE(c.links.size() == 3);
    CHECK((c.links[1].loss == 0.01 && !c.links[1].bursts && c.links[1].distance == c.links[0].distance));
    CHECK((c.links[2].bursts && c.links[2].latency.a == 0.001 && c.links[2].distance == Distribution()));
    for (const char* word : {"lan", "wan", "datacenter", "edge"}) {
        const Config resolved = accepted("preset = \"" + std::string(word) + "\"");
        CHECK_FALSE(contains(to_toml(resolved), "preset"));
        CHECK(accepted(to_toml(resolved)) == resolved);
    }
    CHECK(accepted("").links.empty());
    refused("preset = \"wlan\"", "1:10", "'wlan' is no preset", "\"lan\"");
}
