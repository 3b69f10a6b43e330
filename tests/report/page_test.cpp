#include <doctest/doctest.h>

#include <cmath>
#include <random>

#include "grapevine/report/report.hpp"

using namespace grapevine;
using namespace grapevine::record;
using report::page_of_comparison;
using report::page_of_run;

namespace {

std::size_t times(const std::string& text, const std::string& part) {
    std::size_t n = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++n;
    return n;
}

// Every page: whole, quiet, and with tags that close.
void check_page(const std::string& page) {
    CHECK(page.starts_with("<!doctype html>"));
    CHECK(page.ends_with("</html>\n"));
    for (const char* tag : {"svg", "figure", "table", "tr", "td", "g", "p", "div", "span", "pre", "details", "title", "figcaption"}) {
        CAPTURE(tag);
        CHECK(times(page, "<" + std::string(tag) + ">") + times(page, "<" + std::string(tag) + " ") == times(page, "</" + std::string(tag) + ">"));
    }
    for (const char* never : {"<script", "http://", "https://", "src=", "@import", "url(", "nan,", "inf", "NaN"}) {
        CAPTURE(never);
        CHECK(times(page, never) == 0);
    }
}

Run some_run(int samples) {
    Run run;
    for (int i = 0; i < samples; ++i) {
        Sample s;
        s.t = i;
        s.accuracy = 1 - std::exp(-i / 20.0), s.merged_accuracy = s.accuracy, s.worst_accuracy = *s.accuracy * 0.9, s.loss = std::exp(-i / 20.0);
        s.consensus_distance = std::exp(-i / 5.0), s.peers_alive = 64, s.bytes_payload = i * 1e9, s.bytes_control = i * 1e4, s.samples = i * 1e5;
        run.samples.push_back(s);
    }
    return run;
}

}  // namespace

TEST_CASE("a run of nothing, of one sample, of nulls and of very many has a page") {
    check_page(page_of_run(Run{}));
    CHECK(times(page_of_run(Run{}), "<svg") == 0);
    CHECK(times(page_of_run(Run{}), "nothing to draw") == 1);

    Run nulls;
    for (int i = 0; i < 10; ++i) nulls.samples.emplace_back();
    check_page(page_of_run(nulls));

    check_page(page_of_run(some_run(1)));
    CHECK(times(page_of_run(some_run(1)), "<circle") > 0);
    check_page(page_of_run(some_run(2)));
    const std::string longest = page_of_run(some_run(50'000));
    check_page(longest);
    CHECK(longest.size() < 300'000);
    CHECK(times(longest, "<svg") == 7);
}

TEST_CASE("a page says bits per character or RMSE where the summary says what a loss is told as") {
    Run run = some_run(3);
    for (Sample& s : run.samples) s.loss = 2.25;
    CHECK(times(page_of_run(run), "RMSE") == 0);
    run.summary.emplace();
    CHECK(times(page_of_run(run), "RMSE") == 0);
    run.summary->final = run.samples.back();
    run.summary->measure = "rmse";
    const std::string page = page_of_run(run);
    check_page(page);
    CHECK(times(page, "RMSE") >= 2);
    CHECK(times(page, "1.5") >= 2);
    run.summary->measure = "bits_per_character";
    CHECK(times(page_of_run(run), "bits per character") >= 2);
}

TEST_CASE("values that no run has, and samples out of order, are drawn or left out") {
    Run run = some_run(20);
    run.samples[3].loss = INFINITY, run.samples[4].loss = NAN, run.samples[5].accuracy = -1e308, run.samples[6].accuracy = 1e308;
    run.samples[7].t = -5, run.samples[8].t = NAN, run.samples[9].t = 1e308, run.samples[10].consensus_distance = 0, run.samples[11].consensus_distance = -1;
    run.samples[12].bytes_payload = 5e-324, run.samples[13].mean = std::vector<double>{};
    run.events.push_back({NAN, "", "dead", "x", {{"a", NAN}}});
    run.events.push_back({-1, "", "dead", "y", {}});
    run.events.push_back({1e300, "", "dead", "z", {}});
    run.events_in_file = 3;
    check_page(page_of_run(run));
}

TEST_CASE("names are text wherever they stand") {
    const std::string evil = "</title></svg><script>alert('x')</script><img src=x onerror=\"y\">";
    Run run = some_run(30);
    run.config = evil;
    for (const char* kind : {"dead", "joined", "mixed"}) run.events.push_back({5, evil, kind, evil, {{evil, evil}}});
    run.events.push_back({6, evil, evil, evil, {}});
    run.events_in_file = 4;
    Summary summary;
    summary.name = summary.exchange = summary.trace_hash = summary.model_hash = summary.version = summary.command = evil;
    summary.final = run.samples.back();
    summary.target = TargetResult{evil, 0.5, 1.0, {}, {}};
    summary.expects.push_back({evil, evil, 1.0, evil, 1, {}, {}, false, evil, evil, evil});
    run.summary = summary;
    run.method = run.scene = evil;
    const std::string page = page_of_run(run);
    CHECK(times(page, "<script") == 0);
    CHECK(times(page, "<img") == 0);
    Comparison comparison;
    comparison.name = comparison.target_metric = evil;
    comparison.target_value = 0.5;
    comparison.notes = {evil};
    comparison.scenes = {{evil, {{evil, {summary}}}}};
    const std::string both = page_of_comparison(comparison, {run});
    CHECK(times(both, "<script") == 0);
    CHECK(times(both, "<img") == 0);
}

TEST_CASE("a death heard by all is one row and one mark, and many events stay few") {
    Run run = some_run(100);
    for (int i = 0; i < 63; ++i) run.events.push_back({40 + i * 0.01, "p" + std::to_string(i), "dead", "cpu-7", {}});
    std::string page = page_of_run(run);
    check_page(page);
    CHECK(times(page, "63 peers") == 1);
    CHECK(times(page, "class=\"mark") == times(page, "<svg"));
    for (int i = 0; i < 20'000; ++i) run.events.push_back({i * 0.005, "a", "joined", "q" + std::to_string(i), {}});
    for (int i = 0; i < 20'000; ++i) run.events.push_back({i * 0.005, "a", "mixed", "b", {}});
    run.events_in_file = run.events.size();
    page = page_of_run(run);
    check_page(page);
    CHECK(page.size() < 800'000);
    CHECK(times(page, "The first 300 of") == 1);
    CHECK(times(page, ">20000<") == 2);  // mixed and joined, counted
}

TEST_CASE("what goes over the links is drawn by the second, and how learners spend their time as bars") {
    Run run = some_run(50);
    CHECK(times(page_of_run(run), "Time of the learners") == 0);
    run.summary.emplace();
    run.summary->name = "busy";
    run.summary->time = {0.7, 0.2, 0.1};
    const std::string page = page_of_run(run);
    check_page(page);
    CHECK(times(page, "<b>Traffic</b>") == 1);
    CHECK(times(page, "<b>Time of the learners</b>") == 1);
    CHECK(times(page, ">70.00 %</text>") == 1);
    CHECK(times(page, "<b>Suspicions</b>") == 0);  // nobody looked
    for (Sample& s : run.samples) s.suspects = 3;
    CHECK(times(page_of_run(run), "<b>Suspicions</b>") == 1);
}

TEST_CASE("a run of a million peers with half a million events has a page that a mail can hold") {
    Run run = some_run(3600);
    std::mt19937 random(1);
    for (int i = 0; i < 100'000; ++i) {  // as many as are read of a file
        static const char* kinds[] = {"mixed", "suspected", "dead", "joined", "crashed", "left", "refuted"};
        run.events.push_back({i * 0.036, "peer-" + std::to_string(random() % 1'000'000), kinds[random() % 7], "peer-" + std::to_string(random() % 1'000'000), {{"relative", 0.5}}});
    }
    run.events_in_file = 500'000;
    const std::string page = page_of_run(run);
    check_page(page);
    CHECK(page.size() < 400'000);
    CHECK(times(page, "events.jsonl holds them all") == 1);
    CHECK(times(page, "of 500000 events") == 1);
}

TEST_CASE("a comparison shows every method and every scene, also without curves") {
    Comparison comparison;
    comparison.name = "flaky-edge";
    comparison.target_metric = "merged_accuracy";
    comparison.target_value = 0.86;
    std::vector<Run> runs;
    for (const char* scene : {"as written", "calm"}) {
        Scene s{scene, {}};
        for (const char* method : {"gossip", "allreduce", "local"}) {
            MethodResult result{method, {}};
            for (std::uint64_t seed = 1; seed <= 3; ++seed) {
                Run run = some_run(60);
                run.scene = scene, run.method = method;
                Summary summary;
                summary.seed = seed;
                summary.final = run.samples.back();
                const bool reached = std::string(method) != "local";
                summary.target = TargetResult{"merged_accuracy", 0.86, reached ? std::optional(40.0 + static_cast<double>(seed)) : std::nullopt, {}, {}};
                summary.time.waiting = 0.1;
                run.summary = summary;
                result.runs.push_back(summary);
                runs.push_back(std::move(run));
            }
            s.methods.push_back(std::move(result));
        }
        comparison.scenes.push_back(std::move(s));
    }
    const std::string page = page_of_comparison(comparison, runs);
    check_page(page);
    CHECK(times(page, "<svg") == 2 * (3 + 4));  // a scene: three kinds of curves, four kinds of bars
    CHECK(times(page, "<polyline") == 2 * 3 * 3);
    CHECK(times(page, "3 of 3") == 4);
    CHECK(times(page, "reached by 0 of 3") == 4);
    check_page(page_of_comparison(comparison, {}));
    check_page(page_of_comparison(Comparison{}, {}));
}
