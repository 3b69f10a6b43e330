// grapevine sim: a cluster in one process.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <unistd.h>

#include "grapevine/record/format.hpp"
#include "grapevine/record/quality.hpp"
#include "grapevine/record/run.hpp"
#include "grapevine/record/sweep.hpp"
#include "grapevine/report/report.hpp"
#include "grapevine/setup/peer_config.hpp"
#include "grapevine/sim/run/estimate.hpp"
#include "grapevine/sim/run/expects.hpp"
#include "grapevine/sim/run/hands.hpp"
#include "grapevine/sim/run/memory.hpp"
#include "grapevine/sim/run/run.hpp"
#include "grapevine/sim/story.hpp"
#include "interrupt.hpp"
#include "onlookers.hpp"
#include "scenario.hpp"
#include "terminal.hpp"
#include "tensorboard.hpp"
#include "verb.hpp"

namespace grapevine::cli {

namespace {

void print(const record::Summary& s) {
    using namespace record;
    const Sample& f = s.final;
    std::printf("%s: %llu peers, exchange %s, seed %llu%s\n", s.name.c_str(), static_cast<unsigned long long>(s.peers), s.exchange.c_str(),
                static_cast<unsigned long long>(s.seed), s.interrupted ? ", interrupted before its end" : "");
    std::printf("  time         %s simulated in %s (%s of CPU); %s events, %s a CPU second\n", format_seconds(s.simulated_seconds).c_str(),
                format_seconds(s.wall_seconds).c_str(), format_seconds(s.cpu_seconds).c_str(), format_count(s.events).c_str(),
                format_count(s.events_per_cpu_second).c_str());
    if (f.merged_accuracy)
        std::printf("  accuracy     merged %s, mean of peers %s, worst %s\n", format_percent(f.merged_accuracy).c_str(),
                    format_percent(f.accuracy).c_str(), format_percent(f.worst_accuracy).c_str());
    if (f.loss) std::printf("  loss         mean of peers %s, merged %s\n", format_short(f.loss).c_str(), format_short(f.merged_loss).c_str());
    if (const auto mean = quality(s.measure, f.loss)) {
        const auto merged = quality(s.measure, f.merged_loss);
        std::printf("  %-12s of the mean loss %s, merged %s\n", mean->name, format_short(mean->value).c_str(), merged ? format_short(merged->value).c_str() : "-");
    }
    if (f.mean && !f.mean->empty()) std::printf("  mean         %s%s\n", format_short(f.mean->front()).c_str(), f.mean->size() > 1 ? " (first coordinate)" : "");
    std::printf("  consensus    distance %s, relative %s\n", format_short(f.consensus_distance).c_str(), format_short(f.consensus_relative).c_str());
    if (s.compute == "surrogate" || s.compute == "none")
        std::printf("  compute      %s: what the exchange costs, never how well anything is learnt\n", s.compute.c_str());
    std::printf("  work         %s steps, %s samples; computing %s, mixing %s, waiting %s\n", format_count(f.steps).c_str(),
                format_count(f.samples).c_str(), format_percent(s.time.computing).c_str(), format_percent(s.time.mixing).c_str(),
                format_percent(s.time.waiting).c_str());
    std::printf("  traffic      %s of parameters, %s besides, %s messages\n", format_bytes(f.bytes_payload).c_str(),
                format_bytes(f.bytes_control).c_str(), format_count(f.messages).c_str());
    if (f.energy_joules) std::printf("  energy       %s J\n", format_count(f.energy_joules).c_str());
    if (const auto& n = s.network; n.shut_out.value_or(0) + n.garbled.value_or(0) + n.misread.value_or(0) > 0)
        std::printf("  network      %s messages lost; %s stopped at a router; %s garbled, of which %s were read as something else\n", format_count(n.lost).c_str(),
                    format_count(n.shut_out).c_str(), format_count(*n.garbled + *n.misread).c_str(), format_count(n.misread).c_str());
    if (s.last5.merged_accuracy)
        std::printf("  last five    merged %s, mean of peers %s, worst %s%s\n", format_percent(s.last5.merged_accuracy).c_str(),
                    format_percent(s.last5.accuracy).c_str(), format_percent(s.last5.worst_accuracy).c_str(),
                    s.ema_accuracy ? ("; moving average of the agreed model " + format_percent(s.ema_accuracy)).c_str() : "");
    const auto& x = s.exchange_counts;
    if (x.mixed.value_or(0) + x.skipped.value_or(0) + x.overdue.value_or(0) > 0)
        std::printf("  exchanges    %s%s mixed (%s steps stale on average, %s at most), %s declined, %s overdue, %s undelivered, %s skipped\n",
                    x.started ? (format_count(x.started) + " started, ").c_str() : "", format_count(x.mixed).c_str(), format_short(s.staleness.mean).c_str(),
                    format_short(s.staleness.max).c_str(), format_count(x.declined).c_str(), format_count(x.overdue).c_str(), format_count(x.undelivered).c_str(),
                    format_count(x.skipped).c_str());
    const auto& m = s.membership;
    if (m.first_detection_seconds.median)
        std::printf("  membership   deaths seen after %s (median; longest %s), known to all after %s; %s false\n",
                    format_seconds(m.first_detection_seconds.median).c_str(), format_seconds(m.first_detection_seconds.max).c_str(),
                    format_seconds(m.full_dissemination_seconds.max).c_str(), format_count(m.false_positives).c_str());
    if (m.false_detections.value_or(0) + m.false_positives.value_or(0) > 0)
        std::printf("  in error     %s verdicts (%s about healthy members, %s by healthy ones), %s probes; refuted %s times\n", format_count(m.false_positives).c_str(),
                    format_count(m.false_positives_about_healthy).c_str(), format_count(m.false_positives_at_healthy).c_str(),
                    format_count(m.false_detections).c_str(), format_count(m.refutations).c_str());
    if (f.views_full)
        std::printf("  views        %s full%s\n", format_percent(f.views_full).c_str(),
                    m.views_full_at_seconds ? (", all of them since " + format_seconds(m.views_full_at_seconds)).c_str() : "");
    std::printf("  memory       %s at the most; %s a peer besides its model\n", format_bytes(s.peak_bytes).c_str(), format_bytes(s.bytes_per_peer).c_str());
    if (s.target)
        std::printf("  target       %s %s: %s\n", s.target->metric.c_str(), format_short(s.target->value).c_str(),
                    s.target->reached_at_seconds ? ("reached after " + format_seconds(s.target->reached_at_seconds) + ", " +
                                                    format_count(s.target->reached_at_samples) + " samples, " + format_bytes(s.target->reached_at_bytes)).c_str()
                                                 : "not reached");
    std::printf("  trace %s  model %s\n", s.trace_hash.c_str(), s.model_hash.c_str());
}

// One run of those that were asked for.
struct Job {
    std::string name;  // of its directory, where there are several
    const Scenario* scenario;
    std::uint64_t seed;
    record::Summary summary;
    std::vector<std::optional<double>> measured;  // for each [[expect]] of the file
    bool ran = false;
};

record::SweepRun row_of(const Job& job) {
    record::SweepRun row{job.name, job.scenario->point.variant, {}, job.summary};
    for (const config::Setting& s : job.scenario->point.values) {
        const bool text = s.value.size() > 1 && s.value.front() == '"' && s.value.back() == '"';
        row.values.emplace_back(s.path, text ? s.value.substr(1, s.value.size() - 2) : s.value);
    }
    return row;
}

std::string out_of(const Arguments& a, const char* option, const Job& job, std::size_t jobs) {
    const auto out = a.get(option);
    return !out ? "" : jobs == 1 ? *out : *out + "/" + job.name;
}

std::string text_of(const sim::Progress& p) {
    char text[256];
    const auto accuracy = p.last ? (p.last->merged_accuracy ? p.last->merged_accuracy : p.last->accuracy) : std::nullopt;
    std::snprintf(text, sizeof text, "%7.1f s of %s in %s  %5.2fx real time  %s events/s  %zu up  accuracy %s  distance %s", p.simulated_seconds,
                  p.of_seconds > 0 ? record::format_seconds(p.of_seconds).c_str() : "?", record::format_seconds(p.wall_seconds).c_str(),
                  p.simulated_seconds / std::max(p.wall_seconds, 1e-3),
                  record::format_count(p.events_per_second).c_str(), p.peers_up, record::format_percent(accuracy).c_str(),
                  p.last ? record::format_short(p.last->consensus_relative).c_str() : "-");
    return text;
}

constexpr double worth_saying = 3;  // seconds of computing

std::string text_of(const record::Estimate& e, std::size_t hands) {
    const auto flops = [](double x) { return record::format_short(x >= 1e12 ? x / 1e12 : x / 1e9) + (x >= 1e12 ? " TFLOP" : " GFLOP"); };
    return "estimate: at most " + record::format_count(e.steps) + " steps, " + flops(e.training_flops) + " to train and " + flops(e.evaluation_flops) +
           " to evaluate: " + record::format_seconds(e.seconds) + " of CPU" +
           (hands > 1 ? ", " + record::format_seconds(e.seconds / static_cast<double>(hands)) + " on " + std::to_string(hands) + " threads" : "") +
           ", besides messages; models take " + record::format_bytes(e.model_bytes);
}

std::string for_a_shell(const std::string& word) {
    if (!word.empty() && word.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=,") == std::string::npos) return word;
    std::string out = "'";
    for (const char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return out + "'";
}

// What to type to see this run again up to an instant.
std::string replay(const Job& job, const Arguments& a, Duration until) {
    std::string line = "grapevine sim " + for_a_shell(a.positional[0]);
    for (const Option& option : run_options())
        if (const auto value = a.get(option.name); value && option.name != "seed" && option.name != "until") line += " --" + option.name + " " + for_a_shell(*value);
    for (const char* option : {"nodes", "compute"})
        if (const auto value = a.get(option)) line += " --" + std::string(option) + " " + *value;
    for (const char* option : {"set", "sweep"})
        for (const std::string& typed : a.all(option)) line += " --" + std::string(option) + " " + for_a_shell(typed);
    if (!job.scenario->point.name.empty()) line += " --only " + job.scenario->point.name;
    return line + " --seed " + std::to_string(job.seed) + " --until " + config::format_duration(until) + " --story story.txt";
}

// Runs it; `whole` has the expectations of all runs together. What goes wrong, with the exit status for it.
std::optional<std::pair<Error, int>> run_one(Job& job, const config::Config& whole, const Arguments& a, sim::RunRequest& request, const std::string& out, const std::string& events) {
    request.config = job.scenario->config;
    request.config.seed = job.seed;
    auto prepared = learn::prepare(request.config);
    if (const auto* error = std::get_if<learn::Error>(&prepared)) return std::pair(*error, usage);
    request.task = std::get<std::shared_ptr<const learn::Task>>(prepared);
    std::optional<record::RunFiles> files;
    if (!out.empty()) {
        auto created = record::RunFiles::create(out, config::to_toml(request.config), a.has("overwrite"));
        if (const auto* error = std::get_if<record::Error>(&created)) return std::pair(Error{error->what, error->hint}, usage);
        files.emplace(std::move(std::get<record::RunFiles>(created)));
        request.files = &*files;
    }
    request.version = version();
    request.command = command_line();
    request.estimate = sim::estimate(request.config, request.task);
    if (request.estimate && request.estimate->seconds > worth_saying && !a.has("quiet"))
        std::fprintf(stderr, "%s\n", text_of(*request.estimate, request.crew ? request.crew->hands() : 1).c_str());
    sim::RunResult result = sim::run(request);
    for (const config::Expect& e : whole.expects) job.measured.push_back(sim::judge(e, result.samples, result.summary).measured);
    job.summary = std::move(result.summary);
    job.ran = true;
    if (!events.empty())
        if (const auto error = write_event_file(events, result.samples)) return std::pair(*error, failed);
    if (files) {
        files->summary(job.summary);
        const auto loaded = record::load_run(files->directory());
        if (const auto* run = std::get_if<record::Run>(&loaded)) files->report(report::page_of_run(*run));
        if (const auto error = files->fault()) return std::pair(Error{error->what, error->hint}, failed);  // what was found out is not lost with the disk
    }
    if (result.violation) {
        const sim::Violation& v = *result.violation;
        const Duration at = v.at.time_since_epoch();
        return std::pair(Error{"what must never be has happened: at " + config::format_duration(at) + " under seed " + std::to_string(job.seed) + " p" +
                                   std::to_string(v.peer + 1) + " " + v.what,
                               "this is an error of the program; to see what led to it: " + replay(job, a, at)},
                         failed);
    }
    if (request.config.model.needs_data() && job.summary.final.evaluated_peers.value_or(0) > 0 &&
        !std::isfinite(job.summary.final.loss.value_or(std::nan(""))))
        return std::pair(Error{"training has diverged: the parameters are no longer numbers", "a smaller learning_rate may help"}, failed);
    return std::nullopt;
}

void print(const record::ExpectResult& e, std::size_t runs) {
    std::string bound = std::string(e.what == "equals" ? "equals" : e.what == "at_least" ? "at least" : "at most") + " " + record::format_short(e.value);
    if (e.within && *e.within > 0) bound += " within " + record::format_percent(*e.within);
    const std::string when = e.instant ? " " + e.when + " " + record::format_seconds(e.instant) : "";
    std::string of = runs > 1 ? e.over + " of " : "";
    if (!e.variant.empty()) of += e.variant + (e.relative_to.empty() ? "" : " over " + e.relative_to) + ": ";
    std::printf("  %s  %s%s %s%s: %s\n", e.holds ? "holds" : "FAILS", of.c_str(), e.metric.c_str(), bound.c_str(), when.c_str(),
                e.measured ? record::format_short(e.measured).c_str() : "never known");
    if (e.low) std::printf("         95 %% interval of the mean: %s .. %s\n", record::format_short(e.low).c_str(), record::format_short(e.high).c_str());
}

// Over several runs an expectation is held against one figure of them all.
std::vector<record::ExpectResult> over_runs(const config::Config& whole, const std::vector<Job>& jobs) {
    std::vector<record::ExpectResult> results;
    for (std::size_t i = 0; i < whole.expects.size(); ++i) {
        std::vector<sim::MeasuredRun> measured;
        for (const Job& job : jobs) measured.push_back({job.scenario->point.variant, job.measured[i]});
        results.push_back(sim::judge(whole.expects[i], measured));
    }
    return results;
}

// Full views are n^2 records, and every peer has its model: said before the memory is gone.
std::optional<Error> too_large(const config::Config& config, const std::string& file) {
    double peers = 0;
    const config::Group* largest = &config.groups.front();
    for (const auto& g : config.groups) {
        peers += g.count;
        if (g.count > largest->count) largest = &g;
    }
    const sim::Memory needed = sim::memory_needed(config);
    const double there = static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
    if (needed.all() < 0.8 * there) return std::nullopt;
    std::string parts;
    for (const auto& [bytes, of] : {std::pair(needed.models, "models"), std::pair(needed.views, "views"), std::pair(needed.engine, "the peers besides"), std::pair(needed.data, "data")})
        if (bytes > 0.01 * needed.all()) parts += (parts.empty() ? "" : ", ") + record::format_bytes(bytes) + " for " + of;
    const bool views = needed.views > needed.models && config.membership.kind != config::MembershipKind::partial;
    return Error{(largest->count_at.text.empty() ? file : largest->count_at.text) + ": " + record::format_count(peers) + " peers need about " +
                     record::format_bytes(needed.all()) + " of memory (" + parts + "), and this machine has " + record::format_bytes(there),
                 views ? "fewer peers (--nodes), or [membership] kind = \"partial\"" : "fewer peers (--nodes), or a smaller model"};
}

// What is written must not lie where the scenario does, nor two of them at one place.
std::optional<Error> writes_over(const Arguments& a) {
    std::vector<std::pair<std::string, std::string>> files{{"the scenario", a.positional[0]}};
    for (const char* flag : {"trace", "spacetime", "story"})
        if (const auto path = a.get(flag)) files.emplace_back("--" + std::string(flag), *path);
    for (const std::string& typed : a.all("record"))
        if (const auto equals = typed.find('='); equals != std::string::npos) files.emplace_back("--record " + typed.substr(0, equals), typed.substr(equals + 1));
    std::map<std::filesystem::path, std::string> taken;
    for (const auto& [what, path] : files) {
        std::error_code unknown;
        const auto [at, fresh] = taken.emplace(std::filesystem::weakly_canonical(path, unknown), what);
        if (!fresh && path != "/dev/null") return Error{what + " would be written over " + at->second + ", " + path, "choose another file"};
    }
    return std::nullopt;
}

int run(const Arguments& a) {
    if (a.positional.empty()) return complain({"sim wants a scenario file", "for example: grapevine sim examples/quickstart.toml"}, usage);
    auto read = read_run(a.positional[0], a);
    if (const auto* error = std::get_if<Error>(&read)) return complain(*error, usage);
    config::Config config = std::get<config::Config>(std::move(read));
    std::uint32_t seeds = 1;
    std::optional<std::uint32_t> typed_threads;
    std::optional<std::uint32_t> nodes;
    for (const auto& [name, put] : std::vector<std::pair<const char*, std::function<void(double)>>>{
             {"nodes", [&](double n) { nodes = static_cast<std::uint32_t>(n); }},
             {"seeds", [&](double k) { seeds = static_cast<std::uint32_t>(k); }},
             {"threads", [&](double n) { typed_threads = static_cast<std::uint32_t>(n); }}}) {
        auto n = a.number(name, 1, name == std::string("threads") ? 1024 : 1e7);
        if (const auto* error = std::get_if<Error>(&n)) return complain(*error, usage);
        if (const auto& value = std::get<std::optional<double>>(n)) put(*value);
    }
    auto points = scenarios(a.positional[0], a, config);
    if (const auto* error = std::get_if<Error>(&points)) return complain(*error, usage);
    if (a.has("only")) config = std::get<std::vector<Scenario>>(points).front().config;
    std::vector<Job> jobs;
    for (Scenario& scenario : std::get<std::vector<Scenario>>(points)) {
        config::Config& c = scenario.config;
        const std::string what = a.positional[0] + (scenario.point.name.empty() ? "" : " (" + scenario.point.name + ")");
        if (nodes && *nodes < c.groups.size())
            return complain({"--nodes " + std::to_string(*nodes) + ": " + what + " has " + std::to_string(c.groups.size()) + " groups, and each keeps one peer at least",
                             "at least --nodes " + std::to_string(c.groups.size())}, usage);
        if (nodes) {
            scale_groups(c, *nodes);
            if (const auto error = config::check(c, what + " with --nodes " + std::to_string(*nodes))) return complain(*error, usage);
        }
        if (const std::string why = setup::refused(c, true); !why.empty()) return complain({what + ": " + why, ""}, usage);
        if (c.train.precision == config::TrainOptions::Precision::bf16)
            return complain({what + ": [train] precision = \"bf16\" needs a GPU, and the simulator reckons on CPUs", "take it out, or run it with 'grapevine node --device cuda:N'"}, usage);
        if (const auto error = too_large(c, what)) return complain(*error, usage);
        if (const std::string why = setup::doubtful(c); !why.empty()) std::fprintf(stderr, "warning: %s: %s\n", what.c_str(), why.c_str());
        if (jobs.empty())
            for (const auto& e : c.events)
                if (c.until && e.at > Instant{*c.until})
                    std::fprintf(stderr, "note: the %s at %s lies after the end of the run, so it will not happen\n", config::to_string(e.kind),
                                 config::format_duration(e.at.time_since_epoch()).c_str());
        for (std::uint32_t k = 0; k < seeds; ++k)
            jobs.push_back({(scenario.point.name.empty() ? "" : scenario.point.name + "-") + "seed-" + std::to_string(c.seed + k), &scenario, c.seed + k, {}, {}, false});
    }

    const std::uint32_t threads = typed_threads.value_or(jobs.size() == 1 ? std::max(1u, std::thread::hardware_concurrency()) : 1);

    if (const auto error = writes_over(a)) return complain(*error, usage);
    std::ofstream story;
    if (const auto path = a.get("story")) {
        story.open(*path);
        if (!story) return complain({"cannot write the story to " + *path, "is the directory there, and may you write to it?"}, usage);
    }
    const bool quiet = a.has("quiet"), json = a.has("json"), swept = !config.sweep.empty();
    if (story.is_open() && jobs.size() > 1 && threads > 1) return complain({"--story tells one run after the other", "leave --threads out"}, usage);
    auto created = Onlookers::create(a, jobs.front().scenario->config);
    if (const auto* error = std::get_if<Error>(&created)) return complain(*error, usage);
    const Onlookers onlookers = std::get<Onlookers>(std::move(created));
    if (!onlookers.empty() && (jobs.size() > 1 || typed_threads.value_or(1) > 1))
        return complain({"--trace, --spacetime and --record listen to one run on one thread", jobs.size() > 1 ? "leave --seeds and --sweep out, or choose a run with --only and --seed" : "leave --threads out"}, usage);
    std::size_t width = 3;
    for (const Job& job : jobs) width = std::max(width, job.name.size());
    if (swept && !json) std::printf("%s: %zu runs\n%s", config.name.c_str(), jobs.size(), record::heading(width).c_str());

    const auto& stop = stop_on_interrupt();
    std::mutex mutex;
    std::size_t next = 0, done = 0;
    std::optional<std::pair<Error, int>> fault;  // the first; the runs that have begun go on to their end
    ProgressLine line;
    std::optional<sim::Hands> hands;  // one run has all threads, of several each has one
    if (jobs.size() == 1 && threads > 1) hands.emplace(threads);
    const auto work = [&] {
        for (;;) {
            Job* job = nullptr;
            {
                const std::lock_guard lock(mutex);
                if (next == jobs.size() || fault || stop.load()) return;
                job = &jobs[next++];
            }
            sim::RunRequest request;
            if (!quiet && (threads == 1 || hands))
                request.progress = [&](const sim::Progress& p) {
                    line.show((jobs.size() > 1 ? std::to_string(done + 1) + " of " + std::to_string(jobs.size()) + "  " : "") + text_of(p));
                };
            request.stop = &stop;
            if (hands) request.crew = &*hands, request.threads = threads;
            sim::Story told(story);
            request.tap = story.is_open() ? &told : nullptr;
            request.onlookers = onlookers.pointers();
            auto failure = run_one(*job, config, a, request, out_of(a, "out", *job, jobs.size()), out_of(a, "tensorboard", *job, jobs.size()));
            const std::lock_guard lock(mutex);
            line.clear();
            if (const auto error = onlookers.conclude(); error && !failure) failure = std::pair(*error, failed);
            ++done;
            if (job->ran) {
                if (json && !swept) std::fputs(record::to_json(job->summary).c_str(), stdout);
                else if (!json && swept) std::fputs(record::line_of(row_of(*job), width).c_str(), stdout);
                else if (!json) print(job->summary);
                if (!json && !swept && a.has("out") && !failure) std::printf("  files        %s\n", out_of(a, "out", *job, jobs.size()).c_str());
                std::fflush(stdout);
            }
            if (failure && !fault) fault = std::move(failure);
            if (!quiet && threads > 1 && !hands) line.show(std::to_string(done) + " of " + std::to_string(jobs.size()) + " runs done");
        }
    };
    std::vector<std::thread> crew;
    for (unsigned i = 1; i < std::min<std::size_t>(threads, jobs.size()); ++i) crew.emplace_back(work);
    work();
    for (std::thread& t : crew) t.join();
    line.clear();
    if (fault) return complain(fault->first, fault->second);
    if (story.is_open() && !story.flush()) return complain({"the story could not be written in full to " + *a.get("story"), "is there room on that disk?"}, failed);
    if (stop.load()) {
        const auto ran = static_cast<std::size_t>(std::count_if(jobs.begin(), jobs.end(), [](const Job& job) { return job.ran; }));
        const std::string until = jobs.size() == 1 ? " at " + record::format_seconds(jobs[0].summary.simulated_seconds) + " of the simulated time"
                                                   : ": " + std::to_string(ran) + " of " + std::to_string(jobs.size()) + " runs had begun";
        const auto out = a.get("out");
        record::Sweep some{config.name, {}, {}};
        for (const Job& job : jobs)
            if (job.ran) some.runs.push_back(row_of(job));
        if (out && jobs.size() > 1)
            if (const auto error = record::write_sweep(*out, some, config::summary_paths())) return complain({error->what, error->hint}, failed);
        return complain({"interrupted" + until, "what had happened until then is above" + (out ? " and in " + *out : "")}, failed);
    }

    record::Sweep all{config.name, {}, over_runs(config, jobs)};
    for (const Job& job : jobs) all.runs.push_back(row_of(job));
    if (swept && json) std::fputs(record::to_json(all, config::summary_paths()).c_str(), stdout);
    else if (swept) std::fputs(record::totals_of(all, width).c_str(), stdout);
    else if (!json && jobs.size() > 1) std::fputs(record::figures_of(all).c_str(), stdout);
    if (const auto out = a.get("out"); out && jobs.size() > 1)
        if (const auto error = record::write_sweep(*out, all, config::summary_paths())) return complain({error->what, error->hint}, failed);
    bool holds = true;
    for (const record::ExpectResult& e : all.expects) {
        if (!json) print(e, jobs.size());
        holds = holds && e.holds;
    }
    if (!holds) return complain({"what the scenario expects of itself did not come true", ""}, unexpected);
    for (const Job& job : jobs)
        if (job.scenario->config.train.target && job.scenario->config.train.target->stop && !(job.summary.target && job.summary.target->reached_at_seconds))
            return complain({"the target was not reached", "it may need longer (--until)"}, missed_target);
    return finished;
}

}  // namespace

Verb sim_verb() {
    Verb v{"sim", "SCENARIO.toml [--nodes N] [--seeds K] [--sweep KEY=A,B] [--out DIR]", "simulate a cluster in one process",
           "Runs the peers of a scenario in simulated time, with real training, on links and machines as the file says.\n"
           "The code that decides is the one a node runs. Same seed, same run, to the bit.",
           run_options(), 1, run};
    const auto sweeping = sweep_options();
    v.options.insert(v.options.end(), sweeping.begin(), sweeping.end());
    const auto watching = onlooker_options();
    v.options.insert(v.options.end(), {{"nodes", "N", "scale the groups to N peers in all"},
                                       {"seeds", "K", "run seeds seed .. seed+K-1; expectations are held against all of them together"},
                                       {"threads", "N", "hands for a run, by default one for each processor; of several runs so many at a time, by default one. No result depends on it"},
                                       {"compute", "HOW", "real, surrogate (something small of the model's size on the links) or none: to see what an exchange costs"},
                                       {"tensorboard", "DIR", "write an event file for TensorBoard there, of several runs each in a directory of its own", false, true},
                                       {"out", "DIR", "write config.toml, metrics.jsonl, events.jsonl, summary.json, report.html there"},
                                       {"overwrite", "", "also where a run is already"},
                                       {"story", "FILE", "every message and event as a line of text"},
                                       {"json", "", "print summary.json"},
                                       {"quiet", "", "no progress"}});
    v.options.insert(v.options.end() - 2, watching.begin(), watching.end());
    return v;
}

}  // namespace grapevine::cli
