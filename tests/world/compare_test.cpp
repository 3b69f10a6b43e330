// Comparisons: who takes part, in which scenes, and how a rate is chosen.
#include <doctest/doctest.h>

#include "grapevine/sim/run/compare.hpp"

using namespace grapevine;

namespace {

constexpr const char* small = R"(
until_steps = 60
[model]
kind = "logistic"
[data]
set = "blobs"
train_samples = 1200
test_samples = 300
batch = 8
[train]
learning_rate = 0.1
order = "10ms"
[exchange]
kind = "gossip"
period = "50ms"
[membership]
kind = "static"
[metrics]
every = "100ms"
evaluate_every = "100ms"
[[group]]
count = 3
)";

sim::CompareRequest request_of(const std::string& more) {
    auto read = config::read_text(small + more, "test.toml");
    if (const auto* error = std::get_if<config::Error>(&read)) FAIL(error->what << ": " << error->hint);
    sim::CompareRequest request;
    request.config = std::get<config::Config>(read);
    return request;
}

record::Comparison compared(const sim::CompareRequest& request) {
    auto result = sim::compare(request);
    if (const auto* error = std::get_if<record::Error>(&result)) FAIL(error->what);
    return std::get<record::Comparison>(std::move(result));
}

}  // namespace

TEST_CASE("methods are the file's own, its tables and what was asked for, each name once") {
    auto request = request_of("[compare.allreduce]\nlearning_rate = 0.3\n[compare.seldom]\nkind = \"allreduce\"\nevery_steps = 20\n");
    request.against = {config::ExchangeKind::allreduce, config::ExchangeKind::local};
    const auto methods = sim::methods_of(request);
    REQUIRE(methods.size() == 4);
    CHECK(methods[0].name == "gossip");
    CHECK(methods[1].name == "allreduce");
    CHECK(methods[1].learning_rate == 0.3);
    CHECK(methods[2].exchange.every_steps == 20);
    CHECK(methods[3].name == "local");
    request.only = {"seldom"};
    REQUIRE(sim::methods_of(request).size() == 1);
    // A table of the file's own kind takes its place.
    const auto own = sim::methods_of(request_of("[compare.gossip]\nperiod = \"1s\"\n"));
    REQUIRE(own.size() == 1);
    CHECK(own[0].exchange.period == Duration(std::chrono::seconds(1)));
}

TEST_CASE("a scenario in which nothing goes wrong has one scene, others have two") {
    CHECK(sim::scenes_of(request_of("")).size() == 1);
    CHECK(sim::scenes_of(request_of("[[link]]\nbetween = [\"*\", \"*\"]\nlatency = \"1ms\"\n")).size() == 1);
    const auto lossy = sim::scenes_of(request_of("[[link]]\nbetween = [\"*\", \"*\"]\nlatency = \"1ms\"\nloss = 0.1\n"));
    REQUIRE(lossy.size() == 2);
    CHECK(lossy[1].first == "calm");
    CHECK(lossy[1].second.links[0].loss == 0);
    auto swept = request_of("[[link]]\nbetween = [\"*\", \"*\"]\nlatency = \"1ms\"\nloss = 0.1\n");
    swept.points = {{"one", swept.config}, {"two", sim::calm(swept.config)}};
    const auto scenes = sim::scenes_of(swept);
    REQUIRE(scenes.size() == 3);
    CHECK(scenes[1].first == "one calm");
    CHECK(scenes[2].first == "two");
}

TEST_CASE("a rate is chosen without the test set, under other seeds, and the table runs with it") {
    auto request = request_of("[compare.allreduce]\n[compare.local]\nlearning_rate = 0.2\n");
    request.seeds = 2;
    request.tuning = sim::Tuning{{1e-6, 0.1}, 2};
    const record::Comparison c = compared(request);
    REQUIRE(c.tuning);
    CHECK(c.tuning->first_seed == 1001);
    CHECK(c.tuning->by == "accuracy");
    REQUIRE(c.scenes.size() == 1);
    for (const record::MethodResult& m : c.scenes[0].methods) {
        CAPTURE(m.method);
        REQUIRE(m.grid.size() == 2);
        CHECK(m.learning_rate == 0.1);  // a millionth learns nothing
        CHECK(*m.grid[1].accuracy > *m.grid[0].accuracy);
        REQUIRE(m.runs.size() == 2);
        CHECK(m.runs[0].seed == 1);
        CHECK(m.runs[1].seed == 2);
        CHECK(m.runs[0].last5.merged_accuracy);
    }
    // Two threads, or one: the same numbers.
    request.threads = 2;
    const record::Comparison again = compared(request);
    for (std::size_t i = 0; i < 3; ++i) {
        CHECK(again.scenes[0].methods[i].grid == c.scenes[0].methods[i].grid);
        CHECK(again.scenes[0].methods[i].runs[1].model_hash == c.scenes[0].methods[i].runs[1].model_hash);
    }
    // Untuned, each has its own.
    request.tuning.reset();
    request.seeds = 1;
    const record::Comparison plain = compared(request);
    CHECK(plain.scenes[0].methods[1].learning_rate == 0.1);
    CHECK(plain.scenes[0].methods[2].learning_rate == 0.2);
    CHECK(plain.scenes[0].methods[0].grid.empty());
}
