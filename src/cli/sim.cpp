// grapevine sim: a cluster in one process.
#include <cmath>
#include <cstdio>
#include <fstream>
#include <functional>
#include <unistd.h>

#include "grapevine/record/comparison.hpp"
#include "grapevine/record/format.hpp"
#include "grapevine/report/report.hpp"
#include "grapevine/setup/peer_config.hpp"
#include "grapevine/sim/run/run.hpp"
#include "interrupt.hpp"
#include "scenario.hpp"
#include "terminal.hpp"
#include "verb.hpp"

namespace grapevine::cli {

namespace {

void print(const record::Summary& s) {
    using namespace record;
    const Sample& f = s.final;
    std::printf("%s: %llu peers, exchange %s, seed %llu\n", s.name.c_str(), static_cast<unsigned long long>(s.peers), s.exchange.c_str(),
                static_cast<unsigned long long>(s.seed));
    std::printf("  time         %s simulated in %s (%s of CPU); %s events, %s a CPU second\n", format_seconds(s.simulated_seconds).c_str(),
                format_seconds(s.wall_seconds).c_str(), format_seconds(s.cpu_seconds).c_str(), format_count(s.events).c_str(),
                format_count(s.events_per_cpu_second).c_str());
    if (f.merged_accuracy)
        std::printf("  accuracy     merged %s, mean of peers %s, worst %s\n", format_percent(f.merged_accuracy).c_str(),
                    format_percent(f.accuracy).c_str(), format_percent(f.worst_accuracy).c_str());
    if (f.loss) std::printf("  loss         mean of peers %s, merged %s\n", format_short(f.loss).c_str(), format_short(f.merged_loss).c_str());
    if (f.mean && !f.mean->empty()) std::printf("  mean         %s%s\n", format_short(f.mean->front()).c_str(), f.mean->size() > 1 ? " (first coordinate)" : "");
    std::printf("  consensus    distance %s, relative %s\n", format_short(f.consensus_distance).c_str(), format_short(f.consensus_relative).c_str());
    std::printf("  work         %s steps, %s samples; computing %s, mixing %s, waiting %s\n", format_count(f.steps).c_str(),
                format_count(f.samples).c_str(), format_percent(s.time.computing).c_str(), format_percent(s.time.mixing).c_str(),
                format_percent(s.time.waiting).c_str());
    std::printf("  traffic      %s of parameters, %s besides, %s messages\n", format_bytes(f.bytes_payload).c_str(),
                format_bytes(f.bytes_control).c_str(), format_count(f.messages).c_str());
    const auto& m = s.membership;
    if (m.first_detection_seconds.median)
        std::printf("  membership   deaths seen after %s (median; longest %s), known to all after %s; %s false\n",
                    format_seconds(m.first_detection_seconds.median).c_str(), format_seconds(m.first_detection_seconds.max).c_str(),
                    format_seconds(m.full_dissemination_seconds.max).c_str(), format_count(m.false_positives).c_str());
    std::printf("  memory       %s at the most; %s a peer besides its model\n", format_bytes(s.peak_bytes).c_str(), format_bytes(s.bytes_per_peer).c_str());
    if (s.target)
        std::printf("  target       %s %s: %s\n", s.target->metric.c_str(), format_short(s.target->value).c_str(),
                    s.target->reached_at_seconds ? ("reached after " + format_seconds(s.target->reached_at_seconds) + ", " +
                                                    format_count(s.target->reached_at_samples) + " samples, " + format_bytes(s.target->reached_at_bytes)).c_str()
                                                 : "not reached");
    std::printf("  trace %s  model %s\n", s.trace_hash.c_str(), s.model_hash.c_str());
}

void print(const record::ExpectResult& e) {
    std::string bound = std::string(e.what == "equals" ? "equals" : e.what == "at_least" ? "at least" : "at most") + " " + record::format_short(e.value);
    if (e.within && *e.within > 0) bound += " within " + record::format_percent(*e.within);
    const std::string when = e.instant ? " " + e.when + " " + record::format_seconds(e.instant) : "";
    std::printf("  %s  %s %s%s: %s\n", e.holds ? "holds" : "FAILS", e.metric.c_str(), bound.c_str(), when.c_str(),
                e.measured ? record::format_short(e.measured).c_str() : "never known");
}

// Over several seeds an expectation is held against the mean of what was measured.
std::vector<record::ExpectResult> over_seeds(const std::vector<record::Summary>& runs) {
    std::vector<record::ExpectResult> results;
    for (std::size_t i = 0; i < runs.front().expects.size(); ++i) {
        record::ExpectResult e = runs.front().expects[i];
        std::vector<double> values;
        for (const auto& r : runs)
            if (r.expects[i].measured) values.push_back(*r.expects[i].measured);
        const auto interval = record::interval_of(values);
        e.measured = interval.mean;
        const double v = e.measured.value_or(std::nan(""));
        e.holds = values.size() == runs.size() &&
                  (e.what == "at_least" ? v >= e.value : e.what == "at_most" ? v <= e.value : std::abs(v - e.value) <= e.within.value_or(0) * std::abs(e.value));
        print(e);
        if (interval.low) std::printf("         95 %% interval of the mean over %zu seeds: %s .. %s\n", values.size(),
                                      record::format_short(interval.low).c_str(), record::format_short(interval.high).c_str());
        results.push_back(std::move(e));
    }
    return results;
}

// Full views are n^2 records, and every peer has its model: said before the memory is gone.
std::optional<Error> too_large(const config::Config& config) {
    double peers = 0;
    for (const auto& g : config.groups) peers += g.count;
    const double needed = peers * peers * 16 + peers * 4096;
    const double there = static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
    if (needed < 0.8 * there) return std::nullopt;
    return Error{"the full views of " + record::format_count(peers) + " peers need about " + record::format_bytes(needed) + ", this machine has " + record::format_bytes(there),
                 "fewer peers (--nodes); partial views for very large clusters are not in this version"};
}

int run(const Arguments& a) {
    if (a.positional.empty()) return complain({"sim wants a scenario file", "for example: grapevine sim examples/quickstart.toml"}, usage);
    auto read = read_run(a.positional[0], a);
    if (const auto* error = std::get_if<Error>(&read)) return complain(*error, usage);
    config::Config config = std::get<config::Config>(std::move(read));
    std::uint32_t seeds = 1;
    for (const auto& [name, put] : std::vector<std::pair<const char*, std::function<void(double)>>>{
             {"nodes", [&](double n) { scale_groups(config, static_cast<std::uint32_t>(n)); }}, {"seeds", [&](double k) { seeds = static_cast<std::uint32_t>(k); }}}) {
        auto n = a.number(name, 1, 1e7);
        if (const auto* error = std::get_if<Error>(&n)) return complain(*error, usage);
        if (const auto& value = std::get<std::optional<double>>(n)) put(*value);
    }
    if (const std::string why = setup::refused(config, true); !why.empty()) return complain({a.positional[0] + ": " + why, ""}, usage);

    if (const auto error = too_large(config)) return complain(*error, usage);
    for (const auto& e : config.events)
        if (config.until && e.at > Instant{*config.until})
            std::fprintf(stderr, "note: the %s at %s lies after the end of the run, so it will not happen\n", config::to_string(e.kind),
                         config::format_duration(e.at.time_since_epoch()).c_str());

    std::ofstream story;
    if (const auto path = a.get("story")) {
        story.open(*path);
        if (!story) return complain({"cannot write the story to " + *path, "is the directory there, and may you write to it?"}, usage);
    }
    const bool quiet = a.has("quiet"), json = a.has("json");
    const auto& stop = stop_on_interrupt();
    std::vector<record::Summary> runs;
    bool interrupted = false;
    for (std::uint32_t k = 0; k < seeds && !interrupted; ++k) {
        sim::RunRequest request;
        request.config = config;
        request.config.seed = config.seed + k;
        auto prepared = learn::prepare(request.config);
        if (const auto* error = std::get_if<learn::Error>(&prepared)) return complain(*error, usage);
        request.task = std::get<std::shared_ptr<const learn::Task>>(prepared);
        std::optional<record::RunFiles> files;
        if (const auto out = a.get("out")) {
            const std::string directory = seeds == 1 ? *out : *out + "/seed-" + std::to_string(request.config.seed);
            auto created = record::RunFiles::create(directory, config::to_toml(request.config), a.has("overwrite"));
            if (const auto* error = std::get_if<record::Error>(&created)) return complain({error->what, error->hint}, usage);
            files.emplace(std::move(std::get<record::RunFiles>(created)));
            request.files = &*files;
        }
        ProgressLine line;
        if (!quiet)
            request.progress = [&](const sim::Progress& p) {
                char text[256];
                const auto accuracy = p.last ? (p.last->merged_accuracy ? p.last->merged_accuracy : p.last->accuracy) : std::nullopt;
                std::snprintf(text, sizeof text, "%7.1f s of %s  %5.2fx real time  %s events/s  %zu up  accuracy %s  distance %s", p.simulated_seconds,
                              p.of_seconds > 0 ? record::format_seconds(p.of_seconds).c_str() : "?", p.simulated_seconds / std::max(p.wall_seconds, 1e-3),
                              record::format_count(p.events_per_second).c_str(), p.peers_up, record::format_percent(accuracy).c_str(),
                              p.last ? record::format_short(p.last->consensus_relative).c_str() : "-");
                line.show(text);
            };
        request.stop = &stop;
        request.version = version();
        request.command = command_line();
        request.story = story.is_open() ? &story : nullptr;
        sim::RunResult result = sim::run(request);
        line.clear();
        interrupted = result.stopped;
        if (files) {
            files->summary(result.summary);
            const auto loaded = record::load_run(files->directory());
            if (const auto* whole = std::get_if<record::Run>(&loaded)) files->report(report::page_of_run(*whole));
            if (const auto error = files->fault()) {
                complain({error->what, error->hint}, failed);
                if (!json) print(result.summary);  // what was found out is not lost with the disk
                return failed;
            }
        }
        if (json) std::fputs(record::to_json(result.summary).c_str(), stdout);
        else print(result.summary);
        if (files && !json) std::printf("  files        %s\n", files->directory().c_str());
        runs.push_back(std::move(result.summary));
    }
    for (const auto& r : runs)
        if (config.model.needs_data() && r.final.evaluated_peers.value_or(0) > 0 && !std::isfinite(r.final.loss.value_or(std::nan(""))))
            return complain({"training has diverged: the parameters are no longer numbers", "a smaller learning_rate may help"}, failed);
    if (interrupted) return complain({"interrupted", "what had happened until then is above"}, failed);

    bool holds = true;
    if (json) {
        for (const auto& r : runs)
            for (const auto& e : r.expects) holds = holds && e.holds;
    } else {
        for (const auto& e : over_seeds(runs)) holds = holds && e.holds;
    }
    if (!holds) return complain({"what the scenario expects of itself did not come true", ""}, unexpected);
    if (config.train.target && config.train.target->stop)
        for (const auto& r : runs)
            if (!r.target || !r.target->reached_at_seconds) return complain({"the target was not reached", "it may need longer (--until)"}, missed_target);
    return finished;
}

}  // namespace

Verb sim_verb() {
    Verb v{"sim", "SCENARIO.toml [--nodes N] [--seeds K] [--out DIR]", "simulate a cluster in one process",
           "Runs the peers of a scenario in simulated time, with real training, on links and machines as the file says.\n"
           "The code that decides is the one a node runs. Same seed, same run, to the bit.",
           run_options(), 1, run};
    v.options.insert(v.options.end(), {{"nodes", "N", "scale the groups to N peers in all"},
                                       {"seeds", "K", "run seeds seed .. seed+K-1; expectations are held against the mean"},
                                       {"out", "DIR", "write config.toml, metrics.jsonl, events.jsonl, summary.json, report.html there"},
                                       {"overwrite", "", "also where a run is already"},
                                       {"story", "FILE", "every message and event as a line of text"},
                                       {"json", "", "print summary.json"},
                                       {"quiet", "", "no progress"}});
    return v;
}

}  // namespace grapevine::cli
