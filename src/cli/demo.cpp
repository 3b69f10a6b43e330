// grapevine demo: four peers on real data; the first is killed, another joins; then the comparison.
#include <csignal>
#include <cstdio>

#include "grapevine/learn/task.hpp"
#include "grapevine/record/comparison.hpp"
#include "grapevine/record/format.hpp"
#include "grapevine/record/run_files.hpp"
#include "grapevine/report/report.hpp"
#include "grapevine/sim/run/compare.hpp"
#include "interrupt.hpp"
#include "local_cluster.hpp"
#include "models.hpp"
#include "terminal.hpp"
#include "verb.hpp"

namespace grapevine::cli {

namespace {

constexpr const char* training = R"(name = "demo"
seed = 1
until = "40s"
[model]
kind = "mlp"
hidden = [128, 64]
[data]
set = "fashion-mnist"
batch = 64
[train]
optimizer = "momentum"
learning_rate = 0.01
momentum = 0.9
pace = "2ms"
[exchange]
kind = "gossip"
period = "250ms"
)";

// Six like machines on a home network and two that are four times slower, one of which dies; small enough to take
// half a minute on two cores.
constexpr const char* comparison_scenario = R"(name = "demo-comparison"
seed = 1
until = "24s"
[model]
kind = "mlp"
hidden = [64]
[data]
set = "fashion-mnist"
batch = 32
[train]
optimizer = "sgd"
learning_rate = 0.1
target = { metric = "accuracy", at_least = 0.82 }
[exchange]
kind = "gossip"
period = "250ms"
[metrics]
every = "500ms"
evaluate_every = "500ms"
evaluate_peers = 8
evaluate_samples = 2000
[[group]]
name = "fast"
count = 6
step_time = { dist = "lognormal", median = "20ms", sigma = 0.2 }
uplink = "100Mbit"
downlink = "100Mbit"
[[group]]
name = "slow"
count = 2
step_time = { dist = "lognormal", median = "80ms", sigma = 0.2 }
uplink = "100Mbit"
downlink = "100Mbit"
[[link]]
between = ["*", "*"]
latency = { dist = "uniform", min = "1ms", max = "5ms" }
[[event]]
at = "8s"
kind = "crash"
nodes = "slow[1]"
)";

struct Demo {
    LocalCluster cluster;
    std::string directory;
    const std::atomic<bool>& stop;
    double began = steady_seconds();
    double shown = -10;

    void say(const std::string& text) const { std::printf("%6.1f s  %s\n", steady_seconds() - began, text.c_str()); std::fflush(stdout); }

    std::optional<Error> start(const std::string& name, int part, const std::string& join, const std::string& file) {
        std::vector<std::string> words;
        if (join.empty()) words.push_back(file);
        else words = {"--join", join};
        words.insert(words.end(), {"--shard", std::to_string(part) + "/5"});
        if (const auto error = cluster.start(name, words)) return error;
        return cluster.wait_until_up(name, 20);
    }

    void show(const std::vector<std::string>& names) {
        std::string line;
        for (const auto& name : names) {
            const auto s = cluster.status(name);
            char cell[64];
            if (s) std::snprintf(cell, sizeof cell, "  %s %5.1f %% (%.0f steps)", name.c_str(), 100 * s->accuracy.value_or(0), s->steps);
            else std::snprintf(cell, sizeof cell, "  %s      -", name.c_str());
            line += cell;
        }
        say("accuracy" + line);
    }

    // Shows how they are doing, until `at` seconds after `from`; false if told to stop or one ended that should not have.
    std::optional<Error> watch(double from, double at, std::vector<std::string> names, double every = 3) {
        while (steady_seconds() - from < at) {
            if (stop) return Error{"interrupted", ""};
            for (const auto& n : names)
                if (!cluster.running(n)) return Error{n + " ended before its time", "its log is in " + directory};
            if (steady_seconds() - shown >= every) {
                shown = steady_seconds();
                show(names);
            }
            sleep_for(0.05);
        }
        return std::nullopt;
    }
};

std::optional<Error> show_training(Demo& d, double& accuracy) {
    const std::string file = d.directory + "/demo.toml";
    if (const auto e = record::make_directory(d.directory)) return Error{e->what, e->hint};
    if (const auto e = record::replace_file(file, training)) return Error{e->what, e->hint};

    d.say("four equal peers, each with a fifth of Fashion-MNIST; nobody coordinates");
    if (const auto e = d.start("peer-1", 1, "", file)) return e;
    const double from = steady_seconds();
    const std::string first = d.cluster.address("peer-1");
    for (int i = 2; i <= 4; ++i)
        if (const auto e = d.start("peer-" + std::to_string(i), i, first, file)) return e;
    d.say("they know each other's address through peer-1 (" + first + "): `grapevine node --join " + first + "`");
    if (const auto e = d.watch(from, 10, {"peer-1", "peer-2", "peer-3", "peer-4"})) return e;

    d.cluster.signal("peer-1", SIGKILL);
    d.say("peer-1, through which all came, is killed (SIGKILL): the others train on");
    if (const auto e = d.watch(from, 20, {"peer-2", "peer-3", "peer-4"})) return e;
    const auto seen = d.cluster.status("peer-2");
    d.say("peer-2 now sees " + std::to_string(seen ? static_cast<int>(seen->peers_alive) : 0) + " peers");

    if (const auto e = d.start("peer-5", 5, d.cluster.address("peer-3"), file)) return e;
    d.say("peer-5 joins through peer-3 and takes what they have learnt");
    const double joined = steady_seconds();
    for (;;) {  // until it has been evaluated once after it caught up
        const auto s = d.cluster.status("peer-5");
        if (s && s->mixes >= 1 && s->accuracy && *s->accuracy > 0.5) {
            char text[120];
            std::snprintf(text, sizeof text, "peer-5 has caught up: accuracy %.1f %% after %.1f s and %.0f steps of its own", 100 * *s->accuracy,
                          steady_seconds() - joined, s->steps);
            d.say(text);
            break;
        }
        if (steady_seconds() - joined > 12) return Error{"peer-5 did not catch up", "its log is in " + d.directory};
        if (d.stop) return Error{"interrupted", ""};
        sleep_for(0.05);
    }
    const std::vector<std::string> survivors{"peer-2", "peer-3", "peer-4", "peer-5"};
    if (const auto e = d.watch(from, 38.5, survivors)) return e;
    d.say("the run is over: they merge what they have, and leave");
    std::vector<std::string> models;
    for (const auto& name : survivors) {
        const auto status = d.cluster.wait(name, 20);
        if (!status) return Error{name + " does not end", "its log is in " + d.directory};
        if (*status != 0) return Error{name + " ended with status " + std::to_string(*status), "its log is in " + d.directory};
        models.push_back(d.cluster.directory_of(name) + "/final.safetensors");
    }
    auto loaded = load_models(models, "", "");
    if (const auto* e = std::get_if<Error>(&loaded)) return *e;
    auto& m = std::get<Models>(loaded);
    const auto merged = m.learner->evaluate(averaged(m.models));
    accuracy = merged.accuracy.value_or(0);
    char text[160];
    std::snprintf(text, sizeof text, "merged model: accuracy %.2f %% on 10,000 pictures nobody trained on", 100 * accuracy);
    d.say(text);
    return std::nullopt;
}

std::optional<Error> show_comparison(Demo& d) {
    d.say("the same protocol code, simulated: 8 peers, two of them four times slower, one dies");
    auto read = config::read_text(comparison_scenario, "the demo's comparison");
    if (const auto* e = std::get_if<config::Error>(&read)) return *e;
    sim::CompareRequest request;
    request.config = std::get<config::Config>(std::move(read));
    request.against = {config::ExchangeKind::allreduce, config::ExchangeKind::local};
    request.out = d.directory + "/comparison";
    request.overwrite = true;
    request.version = version();
    request.command = command_line();
    request.stop = &d.stop;
    ProgressLine line;
    request.progress = [&](const std::string& what, std::size_t done, std::size_t of) { line.show(std::to_string(done) + " of " + std::to_string(of) + " (" + what + ")"); };
    auto compared = sim::compare(request);
    line.clear();
    if (const auto* e = std::get_if<record::Error>(&compared)) return Error{e->what, e->hint};
    const auto& comparison = std::get<record::Comparison>(compared);
    auto error = record::write_comparison(request.out, comparison);
    const std::string page = request.out + "/report.html";
    if (!error) error = record::replace_file(page, report::page_of_comparison(comparison, record::load_runs(request.out, comparison)));
    std::printf("\n%s\n", record::table_of(comparison).c_str());
    if (error) return Error{error->what, error->hint};
    std::printf("report: %s\n", page.c_str());
    return std::nullopt;
}

int run(const Arguments& a) {
    // Before anything is started: is there what to train on, and where to write?
    auto read = config::read_text(training, "the demo's run");
    if (const auto* e = std::get_if<config::Error>(&read)) return complain(*e, failed);
    const auto prepared = learn::prepare(std::get<config::Config>(read));
    if (const auto* e = std::get_if<learn::Error>(&prepared)) return complain(*e, usage);

    Demo d{LocalCluster(a.get("out").value_or("runs/demo")), a.get("out").value_or("runs/demo"), stop_on_interrupt()};
    double accuracy = 0;
    if (const auto error = show_training(d, accuracy)) return complain(*error, failed);
    if (const auto error = show_comparison(d)) return complain(*error, failed);
    char text[120];
    std::snprintf(text, sizeof text, "done; files in %s", d.directory.c_str());
    d.say(text);
    if (accuracy < 0.88) return complain({"the merged model reached less than 88 %", "a busy machine trains less in the same time"}, missed_target);
    return finished;
}

}  // namespace

Verb demo_verb() {
    return {"demo", "[--out DIR]", "four local peers on real data; one is killed, one joins; then the comparison",
            "Trains an MLP on Fashion-MNIST with four processes that find each other through one address. The first is killed\n"
            "with SIGKILL, a fifth joins later and catches up. Then gossip is compared with ring allreduce and with no mixing\n"
            "at all, in simulated time. Takes about a minute.",
            {{"out", "DIR", "where everything is written; default runs/demo"}}, 0, run};
}

}  // namespace grapevine::cli
