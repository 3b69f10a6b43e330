#include "grapevine/record/sweep.hpp"
#include "support.hpp"

using namespace grapevine::record;

namespace {

SweepRun run(const char* name, const char* variant, double false_positives) {
    SweepRun r{name, variant, {{"event.0.nodes", "lan:4"}, {"membership.suspicion", "{ alpha = 4, beta = \"x\" }"}}, full_summary()};
    r.summary.seed = 3;
    r.summary.membership.false_positives = false_positives;
    return r;
}

}  // namespace

TEST_CASE("a sweep is a row a run, and unknown is null or empty") {
    const Sweep sweep{"rig", {run("plain-1", "plain", 40), run("lifeguard-1", "lifeguard", 2)}, full_summary().expects};
    const std::vector<std::string> paths{"membership.false_positives", "membership.leave_suspicions", "peers"};
    CHECK(to_csv(sweep, paths) ==
          "name,variant,seed,event.0.nodes,membership.suspicion,membership.false_positives,membership.leave_suspicions,peers\n"
          "plain-1,plain,3,lan:4,\"{ alpha = 4, beta = \"\"x\"\" }\",40,,64\n"
          "lifeguard-1,lifeguard,3,lan:4,\"{ alpha = 4, beta = \"\"x\"\" }\",2,,64\n");
    const std::string json = to_json(sweep, paths);
    CHECK(contains(json, "\"variant\": \"lifeguard\""));
    CHECK(contains(json, "\"membership.leave_suspicions\": null"));
    CHECK(contains(json, "\"relative_to\": \"plain\""));
    Scratch dir("sweep");
    CHECK_FALSE(write_sweep(dir / "a/b", sweep, paths));
    CHECK(dir.read("a/b/sweep.json") == json);
    dir.write("file", "");
    CHECK(write_sweep(dir / "file", sweep, paths));
}

TEST_CASE("totals are of each variant, and sums only of what is counted") {
    const Sweep sweep{"rig", {run("a", "plain", 40), run("b", "plain", 2), run("c", "lifeguard", 1)}, {}};
    const std::string totals = totals_of(sweep, 10);
    CHECK(contains(totals, "sum of plain        42"));
    CHECK(contains(totals, "mean of plain        21"));
    CHECK(contains(totals, "sum of lifeguard         1"));
}

TEST_CASE("over seeds there is a mean with its interval, and a time that some never reached has a median at most") {
    Sweep sweep{"rig", {run("seed-1", "", 1), run("seed-2", "", 1), run("seed-3", "", 1)}, {}};
    double accuracy = 0.8;
    for (SweepRun& r : sweep.runs) r.summary.last5.merged_accuracy = accuracy += 0.01;
    const std::string all = figures_of(sweep);
    CHECK(contains(all, "over 3 seeds"));
    CHECK(contains(all, "reached by 3 of 3"));
    CHECK(contains(all, "merged accuracy   82.00 %  (79.52 % .. 84.48 %)"));  // Student's t: 4.303 * 0.01 / sqrt(3)
    sweep.runs[0].summary.target->reached_at_seconds.reset();
    const std::string some = figures_of(sweep);
    CHECK(contains(some, "reached by 2 of 3"));
    CHECK(contains(some, "median 41.0 s;"));
    CHECK_FALSE(contains(some, "mean 4"));
    sweep.runs[1].summary.final.energy_joules.reset();
    CHECK_FALSE(contains(figures_of(sweep), "energy"));
}
