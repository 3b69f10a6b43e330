// Data that change hands as peers come and go.
#include <doctest/doctest.h>

#include "grapevine/sim/run/hands.hpp"
#include "scenario.hpp"

using namespace grapevine;
using namespace grapevine::test;

namespace {

constexpr const char* shared = R"(
until = "60s"
[model]
kind = "logistic"
[data]
set = "blobs"
shards = "auto"
batch = 4
[train]
learning_rate = 0.02
[exchange]
kind = "gossip"
period = "500ms"
[metrics]
evaluate_every = "30s"
[[link]]
between = ["*", "*"]
latency = { dist = "uniform", min = "1ms", max = "3ms" }
)";
constexpr const char* eight = "[[group]]\nname = \"lan\"\ncount = 8\nstep_time = { dist = \"constant\", value = \"50ms\" }\n";

sim::RunResult run(const std::string& more, const std::string& base = shared) { return sim::run(request_of(config_of(base + more))); }

}  // namespace

TEST_CASE("calm peers have each row once, and nothing moves") {
    const auto result = run(eight);
    for (const auto& sample : result.samples) {
        if (sample.t < 2) continue;
        CHECK(*sample.shard_rows == 1000);  // of 8,000, a mean over peers: so every row is somebody's, and one's
        CHECK(*sample.samples_per_epoch == doctest::Approx(1).epsilon(1e-9));
    }
    CHECK(*result.samples.back().epochs == doctest::Approx(*result.samples.back().samples / 8000));
}

TEST_CASE("under churn a pass uses a row once, within 2 %") {
    // Two seeds of ten minutes each, in which each of eight goes every three minutes, half of them without a word: a dead one's rows are
    // nobody's for the three seconds until it is missed, so 1 - 3 / 360 or so.
    const std::string churn = "[churn]\nsession = { dist = \"exponential\", mean = \"3min\" }\ndowntime = { dist = \"exponential\", mean = \"15s\" }\nleaves = 0.5\n";
    double uses = 0, worst = 0;
    for (const char* seed : {"seed = 1\n", "seed = 2\n"}) {
        const auto result = run(std::string(eight) + churn, seed + [] {
            std::string longer = shared;
            return longer.replace(longer.find("60s"), 3, "10min");
        }());
        uses += *result.samples.back().samples_per_epoch / 2;
        worst = std::max(worst, std::abs(*result.samples.back().samples_per_epoch - 1));
        CHECK(result.summary.membership.first_detection_seconds.median);
    }
    MESSAGE("uses of a row: " << uses << ", worst seed off by " << worst);
    CHECK(std::abs(uses - 1) <= 0.02);
}

TEST_CASE("who joins has its part a second later, and what who leaves had is the others'") {
    const auto result = run(std::string(eight) + event("20s", "kind = \"join\"\ngroup = \"lan\"\ncount = 2") + event("40s", "kind = \"leave\"\nnodes = \"lan:5\""));
    const auto rows_at = [&](double t) {
        for (const auto& sample : result.samples)
            if (sample.t == t) return *sample.shard_rows * *sample.peers_alive;
        return 0.0;
    };
    CHECK(rows_at(15) == doctest::Approx(8000));
    CHECK(rows_at(30) == doctest::Approx(8000));
    CHECK(rows_at(60) == doctest::Approx(8000));
}

TEST_CASE("faster peers have more rows, and all pass over theirs at about one rate") {
    const std::string speeds = "[[group]]\nname = \"slow\"\ncount = 2\nstep_time = { dist = \"constant\", value = \"80ms\" }\n[[group]]\nname = \"fast\"\ncount = 2\nstep_time = { dist = \"constant\", value = \"10ms\" }\n";
    const auto unlike = run(speeds);
    CHECK(*unlike.samples.back().samples_per_epoch == doctest::Approx(1).epsilon(0.01));
    // In a pass each row is used as often, whoever has it: all samples over all rows.
    CHECK(*unlike.samples.back().epochs == doctest::Approx(*unlike.samples.back().samples / 8000).epsilon(0.01));
}

TEST_CASE("everybody with everything: a pass of all uses a row as often as there are peers") {
    std::string all = shared;
    all.replace(all.find("\"auto\""), 6, "\"all\"");
    const auto result = run(eight, all);
    CHECK(*result.samples.back().shard_rows == 8000);
    CHECK(*result.samples.back().samples_per_epoch == doctest::Approx(8));
}

TEST_CASE("by who deals a run is the same, however many threads it has") {
    const auto config = config_of(std::string(shared) + eight + event("20s", "kind = \"crash\"\nnodes = \"lan:3\""));
    auto alone = request_of(config), together = alone;
    sim::Hands hands(3);
    together.crew = &hands;
    together.threads = 3;
    const auto one = sim::run(alone).summary, three = sim::run(together).summary;
    CHECK(one.trace_hash == three.trace_hash);
    CHECK(one.model_hash == three.model_hash);
    CHECK(!one.model_hash.empty());
}
