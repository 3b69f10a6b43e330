// Work done side by side: nothing that comes out depends on how many hands there are.
#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <vector>

#include "grapevine/sim/run/hands.hpp"
#include "scenario.hpp"

using namespace grapevine;
using namespace grapevine::test;

namespace {

struct Square final : sim::Crew::Task {
    void carry_out() override {
        if (of < 0) throw std::runtime_error("negative");
        square = of * of;
        ++times;
    }
    int of = 0, square = 0, times = 0;
};

record::Summary run(const std::string& text, sim::Hands* crew) {
    sim::RunRequest request = request_of(config_of(text));
    request.crew = crew;
    if (crew) request.threads = static_cast<std::uint32_t>(crew->hands());
    return sim::run(request).summary;
}

// Step times that differ, so that orders end at instants of their own; latency, so that much is on its way at each of them.
std::string training(const std::string& exchange, const std::string& more = "") {
    return R"(
until = "1500ms"
[model]
kind = "logistic"
[data]
set = "blobs"
batch = 16
[train]
learning_rate = 0.05
order = "40ms"
[metrics]
every = "130ms"
evaluate_samples = 500
[exchange]
)" + exchange + R"(
[[group]]
name = "lan"
count = 12
step_time = { dist = "lognormal", median = "10ms", sigma = 0.5 }
uplink = "10MB"
downlink = "10MB"
mix_rate = "10MB"
[[link]]
between = ["*", "*"]
latency = { dist = "uniform", min = "1ms", max = "9ms" }
)" + more;
}

}  // namespace

TEST_CASE("every job is done once, whoever does it") {
    sim::Alone alone;
    sim::Hands two(2), five(5);
    for (sim::Crew* crew : std::initializer_list<sim::Crew*>{&alone, &two, &five})
        for (const std::size_t n : {0u, 1u, 2u, 1000u}) {
            CAPTURE(crew->hands());
            std::vector<std::atomic<int>> done(n);
            for (int again = 0; again < 20; ++again) crew->together(n, [&](std::size_t i) { ++done[i]; });
            for (const auto& times : done) CHECK(times == 20);
        }
    CHECK(alone.hands() == 1);
    CHECK(five.hands() == 5);
}

TEST_CASE("a task that is submitted is done once, by whoever gets to it, and can be taken back until then") {
    sim::Alone alone;
    sim::Hands two(2), four(4);
    for (sim::Crew* crew : std::initializer_list<sim::Crew*>{&alone, &two, &four}) {
        CAPTURE(crew->hands());
        std::vector<Square> tasks(300);
        for (int round = 1; round <= 10; ++round) {
            for (std::size_t i = 0; i < tasks.size(); ++i) tasks[i].of = static_cast<int>(i), crew->submit(tasks[i]);
            for (std::size_t i = tasks.size(); i-- > 0;) {  // the last first: the engine and the others come from both ends
                if (i % 3 == 0) {
                    const bool carried_out = crew->withdraw(tasks[i]);
                    if (!carried_out) crew->submit(tasks[i]), crew->finish(tasks[i]);
                } else {
                    crew->finish(tasks[i]);
                }
                CHECK(tasks[i].square == tasks[i].of * tasks[i].of);
                CHECK(tasks[i].times == round);
            }
        }
        Square bad;
        bad.of = -1;
        crew->submit(bad);
        CHECK_THROWS_AS(crew->finish(bad), std::runtime_error);
        CHECK(bad.times == 0);
    }
}

TEST_CASE("jobs done together may finish tasks that others have begun") {
    sim::Hands three(3);
    std::vector<Square> tasks(200);
    for (std::size_t i = 0; i < tasks.size(); ++i) tasks[i].of = static_cast<int>(i), three.submit(tasks[i]);
    three.together(tasks.size(), [&](std::size_t i) { three.finish(tasks[i]); });
    for (const Square& t : tasks) CHECK(t.square == t.of * t.of);
}

TEST_CASE("one thread and four train to the same bits, and tell the same story") {
    sim::Hands four(4);
    for (const char* exchange : {"kind = \"gossip\"\nperiod = \"50ms\"", "kind = \"allreduce\"", "kind = \"allreduce\"\nevery_steps = 3\nbuckets = 3", "kind = \"dpsgd\"\ngraph = \"ring\"",
                                 "kind = \"push-sum\"\nperiod = \"50ms\"", "kind = \"parameter-server\"", "kind = \"outer\"\nevery_steps = 5", "kind = \"local\""}) {
        CAPTURE(exchange);
        const std::string text = training(exchange);
        const record::Summary one = run(text, nullptr), many = run(text, &four);
        CHECK(*one.final.steps > 100);
        CHECK(one.trace_hash == many.trace_hash);
        CHECK(one.model_hash == many.model_hash);
        CHECK(one.final == many.final);  // sums too are made in one order
        CHECK(one.last5 == many.last5);
    }
}

TEST_CASE("who crashes, stands still or leaves on the way takes nothing back that was done ahead") {
    sim::Hands three(3);
    const std::string text = training("kind = \"gossip\"\nperiod = \"50ms\"", R"(
[[event]]
at = "333ms"
kind = "crash"
nodes = "lan:2"
[[event]]
at = "401ms"
kind = "pause"
nodes = "lan:3"
for = "222ms"
[[event]]
at = "555ms"
kind = "leave"
nodes = "lan:1"
[[event]]
at = "700ms"
kind = "join"
group = "lan"
[[event]]
at = "900ms"
kind = "restart"
nodes = "lan:2"
)");
    const record::Summary one = run(text, nullptr), many = run(text, &three);
    CHECK(one.trace_hash == many.trace_hash);
    CHECK(one.model_hash == many.model_hash);
    CHECK(one.final == many.final);
}

TEST_CASE("a law's model in float64 is measured alike by one thread and by three") {
    sim::Hands three(3);
    const std::string text = "until = \"3s\"\n[model]\nkind = \"average\"\ndimension = 5000\ninitial = \"normal\"\n[exchange]\nkind = \"gossip\"\n[[group]]\nname = \"lan\"\ncount = 40\n";
    const record::Summary one = run(text, nullptr), many = run(text, &three);
    CHECK(*one.final.consensus_distance > 0);
    CHECK(one.final == many.final);
}
