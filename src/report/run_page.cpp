#include <algorithm>
#include <cmath>
#include <utility>

#include "bars.hpp"
#include "curves.hpp"
#include "events.hpp"
#include "grapevine/record/format.hpp"
#include "grapevine/record/quality.hpp"
#include "grapevine/report/report.hpp"
#include "html.hpp"

namespace grapevine::report {
namespace {

using record::format_bytes;
using record::format_count;
using record::format_percent;
using record::format_seconds;
using record::format_short;

Series series(const record::Run& run, const std::string& name, const std::string& metric, int colour, bool dashed = false) {
    Series out;
    out.name = name;
    out.colour = colour;
    out.points = points_of(run, metric);
    out.dashed = dashed;
    return out;
}

// By how much a count grows a second, from one sample to the next.
Series rate(const record::Run& run, const std::string& name, const std::string& metric, int colour) {
    Series out = series(run, name, metric, colour);
    std::vector<Point> points;
    for (std::size_t i = 1; i < out.points.size(); ++i) {
        const Point &before = out.points[i - 1], &now = out.points[i];
        if (now.x > before.x && now.y >= before.y) points.push_back({now.x, (now.y - before.y) / (now.x - before.x)});
    }
    out.points = std::move(points);
    return out;
}

// When the largest curve would press the others flat against the floor.
bool far_apart(const std::vector<Series>& all) {
    double least = HUGE_VAL, most = 0;
    for (const Series& s : all) {
        double peak = 0;
        for (const Point& p : s.points) peak = std::max(peak, p.y);
        if (peak > 0) least = std::min(least, peak), most = std::max(most, peak);
    }
    return most > 50 * least;
}

std::string charts(const record::Run& run) {
    const auto marks = marks_of(run);
    std::vector<Chart> all;
    const auto chart = [&](std::string title, Unit unit, std::vector<Series> series) -> Chart& {
        Chart c;
        c.title = std::move(title);
        c.y = unit;
        c.series = std::move(series);
        c.marks = marks;
        return all.emplace_back(std::move(c));
    };
    Chart& accuracy = chart("Accuracy", Unit::share,
                            {series(run, "merged model", "merged_accuracy", 0), series(run, "mean of peers", "accuracy", 2),
                             series(run, "worst peer", "worst_accuracy", 1, true)});
    accuracy.note = "on held-out data";
    if (run.summary && run.summary->target && run.summary->target->metric.ends_with("accuracy")) accuracy.target = run.summary->target->value;
    chart("Loss", Unit::plain, {series(run, "merged model", "merged_loss", 0), series(run, "mean of peers", "loss", 2)}).from_zero = true;
    Chart& distance = chart("Distance between the peers", Unit::plain, {series(run, "mean of |x\u1d62 \u2212 mean|\u00b2", "consensus_distance", 3)});
    distance.log = true;
    chart("Mean over the peers", Unit::plain, {series(run, "first coordinate", "mean", 2)});
    chart("Peers alive", Unit::count, {series(run, "alive", "peers_alive", 2)}).from_zero = true;
    Chart& bytes = chart("Bytes sent", Unit::bytes, {series(run, "parameters", "bytes_payload", 0), series(run, "control", "bytes_control", 1)});
    bytes.log = far_apart(bytes.series);
    bytes.from_zero = true;
    bytes.note = "all peers together, since the start";
    Chart& traffic = chart("Traffic", Unit::bytes, {rate(run, "parameters", "bytes_payload", 0), rate(run, "control", "bytes_control", 1)});
    traffic.log = far_apart(traffic.series);
    traffic.from_zero = true;
    traffic.note = "bytes a second, all peers together";
    chart("Suspicions", Unit::count, {series(run, "members suspected", "suspects", 1)}).from_zero = true;
    Chart& energy = chart("Energy", Unit::plain, {series(run, "joules", "energy_joules", 5)});
    energy.from_zero = true;
    energy.note = "all peers together, since the start";
    chart("Samples learnt from", Unit::count, {series(run, "samples", "samples", 4)}).from_zero = true;

    std::string out;
    for (const Chart& c : all) out += figure(c);
    if (run.summary && run.summary->time.computing) {
        const record::TimeShares& time = run.summary->time;
        out += bars("Time of the learners", "shares, all peers together",
                    {{"computing", 2, time.computing, {}, {}, format_percent(time.computing)}, {"mixing", 3, time.mixing, {}, {}, format_percent(time.mixing)},
                     {"waiting", 6, time.waiting, {}, {}, format_percent(time.waiting)}}, 1);
    }
    if (out.empty()) return "<p class=\"soft\">No samples were written yet: there is nothing to draw.</p>\n";
    out = "<div class=\"charts\">\n" + out + "</div>\n";
    if (marks.empty()) return out;
    return out + "<p class=\"note\">Vertical lines are events: red who fell out, green who came; rest the pointer on one to read it.</p>\n";
}

std::string head(const record::Run& run, const record::Sample& last) {
    const std::string name = run.summary ? run.summary->name : run.directory;
    std::string out = "<h1>" + escape(name.empty() ? "a run" : name) + "</h1>\n<p class=\"soft\">";
    if (run.summary) {
        const record::Summary& s = *run.summary;
        out += escape(s.exchange) + ", seed " + std::to_string(s.seed) + ", " + std::to_string(s.peers) + " peers" +
               (s.peers_max > s.peers ? " (at most " + std::to_string(s.peers_max) + ")" : "");
        if (s.compute == "surrogate" || s.compute == "none") out += ", compute " + escape(s.compute) + ": it shows what the exchange costs, never convergence";
        if (s.simulated_seconds) out += ", simulated " + format_seconds(s.simulated_seconds);
        if (s.interrupted) out += ", interrupted before its end";
        if (s.wall_seconds) out += ", took " + format_seconds(s.wall_seconds);
        if (!s.version.empty()) out += ", grapevine " + escape(s.version, 40);
    } else {
        out += "not finished: there is no summary, this shows what was written until " + format_seconds(last.t);
    }
    out += "</p>\n";

    std::vector<Tile> all;
    const auto add = [&](const char* name_of, const std::string& value, const std::string& note = "") {
        if (value != "-") all.push_back({value, name_of, note});
    };
    add("merged model", format_percent(last.merged_accuracy), "accuracy at the end");
    add("mean of peers", format_percent(last.accuracy), last.worst_accuracy ? "worst " + format_percent(last.worst_accuracy) : "");
    if (run.summary) {
        const bool merged = last.merged_loss.has_value();
        if (const auto quality = record::quality(run.summary->measure, merged ? last.merged_loss : last.loss)) add(quality->name, format_short(quality->value), merged ? "merged model" : "of the mean loss");
    }
    if (!last.merged_accuracy) add("consensus distance", format_short(last.consensus_distance));
    if (run.summary && run.summary->target) {
        const auto& target = *run.summary->target;
        all.push_back({target.reached_at_seconds ? format_seconds(target.reached_at_seconds) : "not reached", "target",
                       target.metric + " " + format_short(target.value)});
    }
    add("peers alive", format_count(last.peers_alive), "at the end");
    if (last.bytes_payload || last.bytes_control) add("sent", format_bytes(bytes_of(last)), "control " + format_bytes(last.bytes_control));
    if (run.summary)
        add("waiting", format_percent(run.summary->time.waiting),
            run.summary->time.mixing ? "mixing " + format_percent(run.summary->time.mixing) : "");
    return out + tiles(all);
}

void row(std::vector<std::vector<std::string>>& rows, const std::string& name, const std::string& value) {
    if (value != "-" && !value.empty()) rows.push_back({escape(name), value});
}

std::string numbers(const record::Run& run, const record::Sample& last) {
    std::vector<std::vector<std::string>> learning, world;
    row(learning, "loss, mean of peers", format_short(last.loss));
    row(learning, "loss, merged model", format_short(last.merged_loss));
    if (run.summary)
        for (const auto& [whose, loss] : {std::pair{", of the mean loss", last.loss}, {", merged model", last.merged_loss}})
            if (const auto quality = record::quality(run.summary->measure, loss)) row(learning, std::string(quality->name) + whose, format_short(quality->value));
    row(learning, "accuracy, mean of peers", format_percent(last.accuracy));
    row(learning, "accuracy, worst peer", format_percent(last.worst_accuracy));
    row(learning, "accuracy, merged model", format_percent(last.merged_accuracy));
    row(learning, "peers evaluated", format_count(last.evaluated_peers));
    row(learning, "consensus distance", format_short(last.consensus_distance));
    row(learning, "the same, relative", format_percent(last.consensus_relative));
    row(learning, "local steps", format_count(last.steps));
    row(learning, "samples", format_count(last.samples));
    row(world, "parameters sent", format_bytes(last.bytes_payload));
    row(world, "control sent", format_bytes(last.bytes_control));
    row(world, "messages", format_count(last.messages));
    if (last.energy_joules) row(world, "energy", format_count(last.energy_joules) + " J");
    if (run.summary) {
        const record::Summary& s = *run.summary;
        if (s.target) {
            row(learning, "samples to target", s.target->reached_at_samples ? format_count(s.target->reached_at_samples) : "not reached");
            row(learning, "bytes to target", s.target->reached_at_bytes ? format_bytes(s.target->reached_at_bytes) : "not reached");
        }
        row(learning, "last five evaluations, mean of peers", format_percent(s.last5.accuracy));
        row(learning, "last five, worst peer", format_percent(s.last5.worst_accuracy));
        row(learning, "last five, merged model", format_percent(s.last5.merged_accuracy));
        row(learning, "moving average of the agreed model", format_percent(s.ema_accuracy));
        row(learning, "time computing", format_percent(s.time.computing));
        row(learning, "time mixing", format_percent(s.time.mixing));
        row(learning, "time waiting", format_percent(s.time.waiting));
        const record::ExchangeCounts& c = s.exchange_counts;
        row(world, "exchanges started", format_count(c.started));
        row(world, "mixed", format_count(c.mixed));
        row(world, "declined", format_count(c.declined));
        row(world, "overdue", format_count(c.overdue));
        row(world, "undelivered", format_count(c.undelivered));
        row(world, "skipped", format_count(c.skipped));
        row(world, "inputs handled", format_count(s.events));
        row(world, "inputs per CPU second", format_count(s.events_per_cpu_second));
        row(world, "CPU time", format_seconds(s.cpu_seconds));
        row(world, "memory at most", format_bytes(s.peak_bytes));
        row(world, "memory a peer", format_bytes(s.bytes_per_peer));
        row(world, "trace hash", s.trace_hash.empty() ? "-" : escape(s.trace_hash, 32));
        row(world, "model hash", s.model_hash.empty() ? "-" : escape(s.model_hash, 32));
    }
    std::string stale;
    if (run.summary && run.summary->staleness.mean) {
        std::vector<std::vector<std::string>> bins;
        for (std::size_t i = 0; i < record::Staleness::bins; ++i) row(bins, record::staleness_bin(i), format_count(run.summary->staleness.counts[i]));
        stale = "<details><summary>Staleness of mixes: " + format_short(run.summary->staleness.mean) + " steps on average, " +
                format_short(run.summary->staleness.max) + " at most</summary>\n" + table({{"local steps since ours were sent"}, {"mixes", true}}, bins) + "</details>\n";
    }
    if (learning.empty() && world.empty()) return "";
    return "<h2>Numbers at the end</h2>\n<div class=\"two\">" + table({{"learning"}, {"", true}}, learning) +
           table({{"world"}, {"", true}}, world) + "</div>\n" + stale;
}

std::string membership(const record::Summary& s) {
    std::vector<std::vector<std::string>> rows, counts;
    const auto quantiles = [&](const char* name, const record::Quantiles& q) {
        if (q.median || q.p99 || q.max) rows.push_back({name, format_seconds(q.median), format_seconds(q.p99), format_seconds(q.max)});
    };
    quantiles("crash to first suspicion", s.membership.first_suspicion_seconds);
    quantiles("crash to first verdict", s.membership.first_detection_seconds);
    quantiles("crash to all know", s.membership.full_dissemination_seconds);
    row(counts, "false verdicts", format_count(s.membership.false_positives));
    row(counts, "of them by healthy peers", format_count(s.membership.false_positives_at_healthy));
    row(counts, "of them about healthy peers", format_count(s.membership.false_positives_about_healthy));
    row(counts, "probes that failed wrongly", format_count(s.membership.false_detections));
    row(counts, "refutations", format_count(s.membership.refutations));
    row(counts, "probe messages a member and period", format_short(s.membership.probe_messages_per_member_period));
    row(counts, "control messages a member and period", format_short(s.membership.messages_per_member_period));
    if (rows.empty() && counts.empty()) return "";
    std::string out = "<h2>Membership</h2>\n<div class=\"two\">";
    if (!rows.empty()) out += table({{"a crash"}, {"median", true}, {"p99", true}, {"longest", true}}, rows);
    if (!counts.empty()) out += table({{"count"}, {"", true}}, counts);
    return out + "</div>\n";
}

std::string expects(const record::Summary& s) {
    if (s.expects.empty()) return "";
    std::vector<std::vector<std::string>> rows;
    for (const record::ExpectResult& e : s.expects) {
        if (rows.size() == 200) break;
        std::string bound = e.what + " " + format_short(e.value);
        if (e.within) bound += " within " + format_percent(e.within);
        rows.push_back({escape(e.metric), escape(e.when, 20) + (e.instant ? " " + format_seconds(e.instant) : ""), escape(bound),
                        format_short(e.measured),
                        e.holds ? "<span class=\"good\">holds</span>" : "<span class=\"bad\">does not hold</span>"});
    }
    return "<h2>Expectations</h2>\n" + table({{"metric"}, {"when"}, {"expected"}, {"measured", true}, {"verdict"}}, rows);
}

}  // namespace

std::string page_of_run(const record::Run& run) {
    const record::Sample last = run.summary ? run.summary->final : run.samples.empty() ? record::Sample{} : run.samples.back();
    std::string body = head(run, last) + charts(run) + numbers(run, last);
    if (run.summary) body += expects(*run.summary) + membership(*run.summary);
    body += "<h2>Events</h2>\n" + event_table(run);
    if (const std::string counts = event_counts(run); !counts.empty()) body += "<h3>How often each happened</h3>\n" + counts;
    if (!run.config.empty()) body += "<details><summary>Configuration</summary><pre>" + escape(run.config, 200'000) + "</pre></details>\n";
    const std::string name = run.summary && !run.summary->name.empty() ? run.summary->name : "run";
    return page(name + " \u2013 grapevine", body);
}

}  // namespace grapevine::report
