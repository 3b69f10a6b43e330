#include <algorithm>
#include <cmath>

#include "support.hpp"

using namespace grapevine::record;

namespace {

Summary run_of(std::uint64_t seed, std::optional<double> seconds, double accuracy) {
    Summary s = full_summary();
    s.seed = seed;
    s.final.merged_accuracy = accuracy - 0.01;
    s.last5.merged_accuracy = accuracy;
    s.target = TargetResult{"merged_accuracy", 0.86, seconds, seconds ? std::optional(*seconds * 1000) : std::nullopt, seconds ? std::optional(*seconds * 1e6) : std::nullopt};
    return s;
}

Comparison some_comparison() {
    Comparison c;
    c.name = "flaky-edge";
    c.target_metric = "merged_accuracy";
    c.target_value = 0.86;
    const MethodResult gossip{"gossip", {run_of(1, 40, 0.88), run_of(2, 42, 0.89), run_of(3, 44, 0.87)}};
    const MethodResult allreduce{"allreduce", {run_of(1, 80, 0.88), run_of(2, {}, 0.85), run_of(3, {}, 0.84)}};
    c.scenes = {{"as written", {gossip, allreduce}}, {"calm", {gossip, allreduce}}};
    c.scenes[0].methods[0].learning_rate = 0.3;
    c.scenes[0].methods[0].exchange = "kind = \"gossip\"";
    c.scenes[0].methods[0].grid = {{0.1, 2, 0, {}, {}}, {0.3, 2, 2, 40.5, 0.88}};
    c.tuning = TuningResult{1001, 2, 1.0 / 12, "time to target"};
    c.first_seed = 1;
    c.notes = {"allreduce averages gradients"};
    return c;
}

}  // namespace

TEST_CASE("intervals are Student's") {
    CHECK_FALSE(interval_of({}).mean);
    CHECK(interval_of({3}).mean == 3);
    CHECK_FALSE(interval_of({3}).low);
    // 1, 2, 3: mean 2, standard error 1/sqrt(3), t(2) = 4.303
    const Interval three = interval_of({1, 2, 3});
    CHECK(*three.mean == doctest::Approx(2));
    CHECK(*three.high - 2 == doctest::Approx(4.303 / std::sqrt(3.0)).epsilon(1e-6));
    CHECK(2 - *three.low == doctest::Approx(4.303 / std::sqrt(3.0)).epsilon(1e-6));
    CHECK(*interval_of({5, 5, 5, 5}).low == 5);
    std::vector<double> many;
    for (int i = 0; i < 61; ++i) many.push_back(i % 2 ? 1 : -1);  // t(60) = 2.0003
    const Interval wide = interval_of(many);
    CHECK((*wide.high - *wide.mean) / std::sqrt((61 - 1.0 / 61) / 60 / 61) == doctest::Approx(2.0003).epsilon(2e-3));
}

TEST_CASE("a time that some never reached has a median and no mean") {
    CHECK(censored({1.0, 3.0, std::nullopt}).median == 3.0);
    CHECK_FALSE(censored({1.0, 3.0, std::nullopt}).mean.mean);
    CHECK_FALSE(censored({1.0, std::nullopt, std::nullopt}).median);
    CHECK_FALSE(censored({1.0, std::nullopt}).median);
    CHECK(censored({1.0, 2.0, 4.0, std::nullopt}).median == 3.0);
    CHECK(censored({1.0, 2.0}).mean.mean == 1.5);
    CHECK_FALSE(censored({}).median);
}

TEST_CASE("how many reached it, and what they needed") {
    const auto statistics = statistics_of(some_comparison().scenes[0].methods[1]);
    CHECK(statistics.seeds == 3);
    CHECK(statistics.reached == 1);
    CHECK_FALSE(statistics.seconds_to_target.median);
    const auto gossip = statistics_of(some_comparison().scenes[0].methods[0]);
    CHECK(gossip.reached == 3);
    CHECK(gossip.seconds_to_target.median == 42);
    CHECK(*gossip.seconds_to_target.mean.mean == doctest::Approx(42));
    CHECK(gossip.bytes_to_target.median == 42e6);
    CHECK(*gossip.merged_accuracy.mean == doctest::Approx(0.87));
    CHECK(*gossip.last5_merged_accuracy.mean == doctest::Approx(0.88));
    CHECK(*gossip.idle_share.mean == doctest::Approx(0.01));
}

TEST_CASE("a comparison reads as it was written, with its runs beside it") {
    Scratch dir("comparison");
    const Comparison comparison = some_comparison();
    REQUIRE_FALSE(write_comparison(dir.path.string(), comparison));
    CHECK(what_is_in(dir.path.string()) == Holds::comparison);
    const auto read = load_comparison(dir.path.string());
    REQUIRE(std::holds_alternative<Comparison>(read));
    CHECK(std::get<Comparison>(read) == comparison);

    auto files = RunFiles::create(run_directory(dir.path.string(), "as written", "gossip", 2), "");
    REQUIRE(std::holds_alternative<RunFiles>(files));
    std::get<RunFiles>(files).sample(full_sample());
    const auto runs = load_runs(dir.path.string(), comparison);
    REQUIRE(runs.size() == 1);
    CHECK(runs[0].method == "gossip");
    CHECK(runs[0].scene == "as written");
    CHECK(contains(runs[0].directory, "as-written/gossip/seed-2"));
}

TEST_CASE("no name leads out of the directory") {
    CHECK(run_directory("d", "../..", "/etc/passwd", 1) == "d/-----/-etc-passwd/seed-1");
    CHECK(run_directory("d", "", "..", 1) == "d/-/--/seed-1");
}

TEST_CASE("the table shows all methods and both scenes together") {
    const std::string table = table_of(some_comparison());
    CHECK(contains(table, "flaky-edge, as written: to merged_accuracy 0.86"));
    CHECK(contains(table, "flaky-edge, calm"));
    CHECK(contains(table, "3 of 3"));
    CHECK(contains(table, "1 of 3"));
    CHECK(contains(table, "42.0 s"));
    CHECK(contains(table, "88.00 +-2.48"));
    CHECK(contains(table, "gossip: 0.1 -, [0.3 2 of 2 in 40.5 s 88.00 %]  (at the end of the grid)"));
    CHECK(contains(table, "- allreduce"));
    CHECK(contains(table, "+2.33 +-"));
    CHECK(contains(table, "note: allreduce averages gradients"));
    CHECK(table_of(Comparison{}).empty());
    Comparison hostile;
    hostile.scenes = {{"\x1b[2J", {{"\x1b[31m", {}}}}};
    CHECK_FALSE(contains(table_of(hostile), "\x1b"));
}

TEST_CASE("differences are taken seed by seed, to allreduce where it is there") {
    Comparison c = some_comparison();
    const Scene& scene = c.scenes[0];
    REQUIRE(reference_of(scene)->method == "allreduce");
    // 0, 4, 3 per cent: mean 7/3, standard error sqrt(13/3 / 3) per cent, t(2) = 4.303
    const Interval d = paired_difference(scene.methods[0], *reference_of(scene));
    CHECK(*d.mean == doctest::Approx(0.07 / 3));
    CHECK(*d.high - *d.mean == doctest::Approx(0.01 * 4.303 * std::sqrt(13.0 / 9)).epsilon(1e-6));
    std::reverse(c.scenes[0].methods[0].runs.begin(), c.scenes[0].methods[0].runs.end());
    CHECK(*paired_difference(c.scenes[0].methods[0], *reference_of(c.scenes[0])).mean == doctest::Approx(*d.mean));  // paired by seed, not by place
    c.scenes[0].methods.pop_back();
    CHECK(reference_of(c.scenes[0])->method == "gossip");
    CHECK(reference_of(Scene{}) == nullptr);
}
