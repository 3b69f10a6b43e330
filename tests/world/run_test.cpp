// Whole scenarios as their files say them: what happens when, and what is counted of it.
#include <doctest/doctest.h>

#include "grapevine/sim/run/expects.hpp"
#include "scenario.hpp"

using namespace grapevine;
using namespace grapevine::test;

namespace {

constexpr const char* lan = R"(
until = "60s"
[model]
kind = "average"
[exchange]
kind = "local"
[[group]]
name = "lan"
count = 32
[[link]]
between = ["*", "*"]
latency = { dist = "uniform", min = "1ms", max = "3ms" }
)";

record::Summary run(const std::string& more, const std::string& base = lan) {
    return sim::run(request_of(config_of(base + more))).summary;
}

}  // namespace

TEST_CASE("nothing happens: nobody is accused, and every figure of a death is null") {
    const record::MembershipResult m = run("").membership;
    CHECK(m.false_positives == 0);
    CHECK(m.false_detections == 0);
    CHECK(m.leave_suspicions == 0);
    CHECK(m.refutations_max == 0);
    CHECK(!m.first_ping_seconds.mean);
    CHECK(!m.leave_dissemination_seconds.median);
}

TEST_CASE("deaths are pinged, suspected and buried in this order") {
    const record::MembershipResult m = run(event("5s", "kind = \"crash\"\nnodes = \"lan:4\"")).membership;
    REQUIRE(m.first_ping_seconds.mean);
    CHECK(*m.first_ping_seconds.mean > 0);
    CHECK(*m.first_ping_seconds.mean < 3);
    CHECK(*m.first_suspicion_seconds.mean > *m.first_ping_seconds.mean);
    CHECK(*m.first_detection_seconds.mean > *m.first_suspicion_seconds.mean);
    CHECK(*m.full_dissemination_seconds.mean >= *m.first_detection_seconds.mean);
    CHECK(*m.first_ping_seconds.max >= *m.first_ping_seconds.median);
    CHECK(m.false_positives == 0);
    CHECK(m.false_detections == 0);  // a probe of the dead fails rightly
}

TEST_CASE("a leave is heard by all 31 others, soon, and nobody is suspected for it") {
    const record::MembershipResult m = run(event("5s", "kind = \"leave\"\nnodes = \"lan[3]\"")).membership;
    REQUIRE(m.leave_dissemination_seconds.max);
    CHECK(*m.leave_dissemination_seconds.max < 2.6);
    CHECK(*m.leave_dissemination_seconds.median > 0);
    CHECK(m.leave_suspicions == 0);
    CHECK(m.false_positives == 0);
    // Two that hear nothing until the end: 31 of 1000 would be few, 2 of 31 are beyond every tail but the median.
    const record::MembershipResult cut = run(event("4s", "kind = \"one-way\"\nfrom = \"*\"\nto = [\"lan[7]\", \"lan[8]\"]\nfor = \"2h\"") +
                                             event("5s", "kind = \"leave\"\nnodes = \"lan[3]\"")).membership;
    CHECK(cut.leave_dissemination_seconds.median);
    CHECK(!cut.leave_dissemination_seconds.p99);
    CHECK(!cut.leave_dissemination_seconds.max);
    CHECK(!cut.leave_dissemination_seconds.mean);
}

TEST_CASE("verdicts about the paused are true while they are paused, and false about those they accuse") {
    // Stopped for good: each of the 31 others is right to bury it.
    const record::MembershipResult stopped = run(event("5s", "kind = \"pause\"\nnodes = \"lan[3]\"")).membership;
    CHECK(stopped.false_positives == 0);
    CHECK(stopped.false_detections == 0);
    CHECK(!stopped.first_detection_seconds.median);  // it did not crash
    // Deaf and for long: it buries everybody, and only it does.
    const record::MembershipResult deaf = run("[membership]\nlifeguard = false\n" +
                                              event("5s", "kind = \"one-way\"\nfrom = \"*\"\nto = \"lan[3]\"\nfor = \"50s\"")).membership;
    CHECK(*deaf.false_positives > 0);
    CHECK(*deaf.false_positives_about_healthy > 0);
    CHECK(*deaf.false_detections > 20);
    CHECK(*deaf.refutations > 0);
    CHECK(*deaf.refutations_max >= 1);
    CHECK(deaf.false_positives_at_healthy.value() <= deaf.false_positives.value());
}

TEST_CASE("pauses in cycles are of the same peers each time, so often as it says") {
    const std::string cycles = event("5s", "kind = \"pause\"\nnodes = \"lan:4\"\nfor = \"2500ms\"\nevery = \"8s\"\ntimes = 3\ntimers = \"run\"");
    const record::Summary once = run(cycles), again = run(cycles);
    CHECK(once.trace_hash == again.trace_hash);
    CHECK(*once.membership.false_detections > 0);
    const record::Summary fewer = run(event("5s", "kind = \"pause\"\nnodes = \"lan:4\"\nfor = \"2500ms\"\nevery = \"8s\"\ntimes = 1\ntimers = \"run\""));
    CHECK(*fewer.membership.false_detections < *once.membership.false_detections);
    const record::Summary always = run(event("5s", "kind = \"pause\"\nnodes = \"lan:4\"\nfor = \"2500ms\"\nevery = \"8s\"\ntimers = \"run\""));
    CHECK(*always.membership.false_detections > *once.membership.false_detections);
}

TEST_CASE("a restarted peer has its name again; its old self is dead, and nobody is wrong to say so") {
    const record::Summary s = run(event("5s", "kind = \"restart\"\nnodes = \"lan[3]\"") + event("40s", "kind = \"crash\"\nnodes = \"lan[3]\""));
    CHECK(s.final.peers_alive == 31);  // lan[3] was found again at 40 s
    CHECK(s.peers_max == 32);
    CHECK(s.membership.false_positives == 0);
}

TEST_CASE("loss of a few nodes costs probes, and is no reason to doubt the others") {
    const record::MembershipResult m = run(event("1s", "kind = \"loss\"\nnodes = \"lan:2\"\nloss = 0.4")).membership;
    CHECK(*m.false_detections > 0);
    CHECK(m.false_positives_about_healthy == 0);
    const record::MembershipResult between = run(event("1s", "kind = \"loss\"\nbetween = [\"lan:2\", \"lan:2\"]\nloss = 0.4")).membership;
    CHECK(*between.false_detections < *m.false_detections);
}

TEST_CASE("of several runs an expectation takes the mean, the median, the most or the sum, of all or of a variant") {
    using Over = config::Expect::Over;
    config::Expect e;
    e.metric = "membership.false_positives";
    e.what = config::Expect::What::at_most;
    e.value = 3;
    const auto over = [&](Over over, std::vector<sim::MeasuredRun> runs) {
        e.over = over;
        return sim::judge(e, runs);
    };
    const std::vector<sim::MeasuredRun> runs{{"a", 1}, {"a", 2}, {"a", 6}, {"b", 10}, {"b", 20}};
    CHECK(over(Over::mean, runs).measured == doctest::Approx(7.8));
    CHECK(over(Over::mean, runs).low);
    CHECK(over(Over::median, runs).measured == doctest::Approx(6));
    CHECK(over(Over::max, runs).measured == doctest::Approx(20));
    CHECK(over(Over::sum, runs).measured == doctest::Approx(39));
    CHECK(!over(Over::sum, runs).holds);
    e.variant = "a";
    CHECK(over(Over::mean, runs).measured == doctest::Approx(3));
    CHECK(over(Over::mean, runs).holds);
    e.relative_to = "b";
    CHECK(over(Over::mean, runs).measured == doctest::Approx(0.2));
    CHECK(over(Over::sum, runs).measured == doctest::Approx(0.3));
    CHECK(!over(Over::sum, {{"a", 0}, {"b", 0}}).measured);  // nothing to be measured by
    CHECK(!over(Over::sum, {{"a", 0}, {"b", 0}}).holds);
    CHECK(over(Over::sum, {{"a", 0}, {"b", 1}}).holds);
    e.variant = e.relative_to = "";
    const std::vector<sim::MeasuredRun> some{{"", 1}, {"", {}}, {"", 2}};  // one never came
    CHECK(!over(Over::mean, some).measured);
    CHECK(!over(Over::sum, some).measured);
    CHECK(over(Over::median, some).measured == doctest::Approx(2));
    CHECK(!over(Over::median, {{"", 1}, {"", {}}, {"", {}}}).measured);
    CHECK(!over(Over::median, {{"", 1}, {"", {}}}).measured);
    CHECK(!over(Over::max, {}).holds);
}

TEST_CASE("views are full, disagree while a death is told, and are full again") {
    const std::string crash = event("5s", "kind = \"crash\"\nnodes = \"lan:1\"");
    const record::Summary s = run(crash);
    REQUIRE(s.membership.views_full_at_seconds);
    CHECK(*s.membership.views_full_at_seconds > 5);
    CHECK(*s.membership.views_full_at_seconds < 30);
    CHECK(s.final.views_full == 1.0);
    CHECK(s.final.disagreements == 0);
    CHECK(s.final.suspects == 0);
    CHECK(s.final.largest_component == 1.0);
    CHECK(run("").membership.views_full_at_seconds == 0);
    const record::Summary early = run("[[expect]]\nmetric = \"suspects\"\nby = \"12s\"\nat_least = 5\n[[expect]]\nmetric = \"views_full\"\nat = \"6s\"\nequals = 0\n" + crash);
    for (const auto& e : early.expects) CHECK(e.holds);
    CHECK(!run("[metrics]\nviews = false\n").final.views_full);
    CHECK(!run("[metrics]\nviews = false\n").membership.views_full_at_seconds);
}

TEST_CASE("two halves are two components, and healthy peers disagree about everybody") {
    const record::Summary halves = run(event("5s", "kind = \"partition\"\nsides = [[\"lan\"], [\"b\"]]") + "[[group]]\nname = \"b\"\ncount = 8\n",
                                      std::string(lan).replace(std::string(lan).find("60s"), 3, "3min"));
    CHECK(halves.final.views_full == 0.0);
    CHECK(halves.final.largest_component == doctest::Approx(0.8));
    CHECK(halves.final.disagreements == 40);
    CHECK(!halves.membership.views_full_at_seconds);
}

TEST_CASE("large clusters are compared when somebody asks") {
    const std::string large = std::string(lan).replace(std::string(lan).find("count = 32"), 10, "count = 300").replace(std::string(lan).find("60s"), 3, "2s");
    CHECK(!run("", large).final.views_full);
    CHECK(run("[metrics]\nviews = true\n", large).final.views_full == 1.0);
    CHECK(run("[[expect]]\nmetric = \"membership.views_full_at_seconds\"\nat_most = 1\n", large).expects[0].holds);
}

TEST_CASE("what became of exchanges is counted, and every path of it can be expected") {
    constexpr const char* small = R"(
until_steps = 200
[model]
kind = "logistic"
[data]
set = "blobs"
[metrics]
every = "200ms"
evaluate_every = "200ms"
[[group]]
count = 4
)";
    const record::Summary gossip = run("[exchange]\nkind = \"gossip\"\nperiod = \"100ms\"\n", small);
    for (const std::string& path : config::summary_paths()) {
        CAPTURE(path);
        if (path.starts_with("exchange_counts.") || path.starts_with("staleness.") || path.starts_with("last5.")) CHECK(record::value_of(gossip, path));
    }
    CHECK(*gossip.exchange_counts.started >= *gossip.exchange_counts.mixed / 2);
    double mixes = 0;
    for (const auto& count : gossip.staleness.counts) mixes += *count;
    CHECK(mixes == *gossip.exchange_counts.mixed);
    CHECK_FALSE(gossip.ema_accuracy);

    const record::Summary allreduce = run("[exchange]\nkind = \"allreduce\"\n", small);
    CHECK_FALSE(allreduce.exchange_counts.started);
    CHECK(allreduce.exchange_counts.mixed > 0);
    REQUIRE(allreduce.ema_accuracy);
    CHECK(*allreduce.ema_accuracy == doctest::Approx(*allreduce.final.merged_accuracy).epsilon(0.05));
    CHECK(allreduce.final.worst_accuracy == allreduce.final.accuracy);  // all have the one model
}
