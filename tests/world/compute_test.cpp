// Runs that do not train, or train something small in the model's place; and what training was to cost.
#include <doctest/doctest.h>

#include "grapevine/sim/run/estimate.hpp"
#include "scenario.hpp"

using namespace grapevine;

namespace {

sim::RunRequest request_of(const std::string& compute, const std::string& more = "") {
    const std::string text = R"(
until = "2s"
[model]
kind = "logistic"
[data]
set = "blobs"
batch = 16
[train]
learning_rate = 0.05
compute = ")" + compute + R"("
[[group]]
name = "lan"
count = 10
step_time = { dist = "lognormal", median = "10ms", sigma = 0.3 }
uplink = "10MB"
downlink = "10MB"
mix_rate = "10MB"
[[link]]
between = ["*", "*"]
latency = { dist = "uniform", min = "1ms", max = "9ms" }
)" + more;
    return test::request_of(test::config_of(text));
}

}  // namespace

TEST_CASE("real, surrogate and none: the same events to the bit, and the same bytes") {
    for (const char* exchange : {"[exchange]\nkind = \"gossip\"\nperiod = \"50ms\"", "[exchange]\nkind = \"allreduce\"", "[exchange]\nkind = \"push-sum\"\nperiod = \"50ms\"",
                                 "[exchange]\nkind = \"gossip\"\nperiod = \"50ms\"\nencoding = \"int8\"", "[exchange]\nkind = \"parameter-server\""}) {
        CAPTURE(exchange);
        const record::Summary real = sim::run(request_of("real", exchange)).summary;
        for (const char* compute : {"surrogate", "none"}) {
            CAPTURE(compute);
            const record::Summary s = sim::run(request_of(compute, exchange)).summary;
            CHECK(s.compute == compute);
            CHECK(s.trace_hash == real.trace_hash);
            CHECK(s.final.bytes_payload == real.final.bytes_payload);
            CHECK(s.final.steps == real.final.steps);
            CHECK(s.final.samples == real.final.samples);
            CHECK(*s.final.bytes_payload > 0);
        }
        CHECK(real.compute == "real");
    }
}

TEST_CASE("nothing is said of models that there are not; a surrogate's come together") {
    const record::Summary none = sim::run(request_of("none")).summary;
    CHECK_FALSE(none.final.loss);
    CHECK_FALSE(none.final.consensus_distance);
    CHECK_FALSE(none.final.consensus_relative);
    CHECK_FALSE(none.final.merged_accuracy);
    CHECK(none.model_hash.empty());
    const auto result = sim::run(request_of("surrogate"));
    CHECK_FALSE(result.summary.final.accuracy);
    CHECK(result.summary.model_hash.size() == 16);
    CHECK(result.summary.model_hash == sim::run(request_of("surrogate")).summary.model_hash);
    REQUIRE(result.samples.size() == 3);
    CHECK(*result.samples[2].loss < *result.samples[0].loss);
    CHECK(*result.samples[2].consensus_relative < 0.5);
}

TEST_CASE("the estimate counts steps and operations as one does by hand") {
    auto request = request_of("real");
    request.config.groups[0].step_time = {};
    request.config.groups[0].step_time.a = 0.01;
    const auto e = sim::estimate(request.config, request.task);
    REQUIRE(e);
    CHECK(e->steps == doctest::Approx(10 * 200));
    // 20 features, 4 classes: a product forward and one for the gradient, of 16 rows.
    CHECK(e->training_flops == doctest::Approx(2000 * 16 * 2 * 2.0 * 20 * 4));
    // At 0, 1 and 2 s each of 10 peers and the merged model, and once more in the end, on 2,000 rows.
    CHECK(e->evaluation_flops == doctest::Approx(4 * 11 * 2000 * 2.0 * 20 * 4));
    CHECK(e->model_bytes == 10 * 4.0 * static_cast<double>(request.task->table.size()));
    CHECK(e->seconds > 0);
    request.config.until_steps = 50;
    CHECK(sim::estimate(request.config, request.task)->steps == doctest::Approx(500));
    CHECK_FALSE(sim::estimate(request_of("none").config, request_of("none").task));
}
