#include <algorithm>
#include <cmath>
#include <map>

#include "bars.hpp"
#include "curves.hpp"
#include "grapevine/record/format.hpp"
#include "grapevine/report/report.hpp"
#include "html.hpp"

namespace grapevine::report {
namespace {

using record::Comparison;
using record::Interval;
using record::MethodStatistics;
using record::Run;
using record::Scene;

// A method has the same colour on the whole page.
std::map<std::string, int> colours_of(const Comparison& comparison) {
    std::map<std::string, int> colours;
    for (const Scene& scene : comparison.scenes)
        for (const auto& method : scene.methods) colours.try_emplace(method.method, static_cast<int>(colours.size()));
    return colours;
}

std::string percent_with_interval(const Interval& interval) {
    if (!interval.mean) return "-";
    std::string text = record::format_percent(interval.mean);
    if (!interval.low) return text;
    char half[32];
    std::snprintf(half, sizeof half, " \u00b1 %.2f", (*interval.high - *interval.mean) * 100);
    return text + half;
}

// Of the last five evaluations; with a star of the last one, where there were fewer.
std::string of_last_five(const Interval& five, const Interval& last) {
    return five.mean || !last.mean ? percent_with_interval(five) : percent_with_interval(last) + "*";
}

std::string difference(const record::MethodResult& method, const Scene& scene) {
    if (&method == record::reference_of(scene)) return "";
    const Interval d = record::paired_difference(method, *record::reference_of(scene));
    if (!d.mean) return "-";
    char text[64];
    const int n = std::snprintf(text, sizeof text, "%+.2f", *d.mean * 100);
    if (d.low) std::snprintf(text + n, sizeof text - static_cast<std::size_t>(n), " \u00b1 %.2f", (*d.high - *d.mean) * 100);
    return text;
}

std::string scene_table(const Scene& scene) {
    std::vector<std::vector<std::string>> rows;
    if (scene.methods.empty()) return "";
    for (const auto& method : scene.methods) {
        const MethodStatistics s = record::statistics_of(method);
        rows.push_back({escape(method.method, 60), std::to_string(s.reached) + " of " + std::to_string(s.seeds),
                        record::format_seconds(s.seconds_to_target.median), record::format_count(s.samples_to_target.median),
                        record::format_bytes(s.bytes_to_target.median), record::format_bytes(s.bytes.mean), record::format_percent(s.idle_share.mean),
                        of_last_five(s.last5_merged_accuracy, s.merged_accuracy), of_last_five(s.last5_mean_accuracy, s.mean_accuracy),
                        of_last_five(s.last5_worst_accuracy, s.worst_accuracy), difference(method, scene), percent_with_interval(s.ema_accuracy),
                        record::format_short(method.learning_rate)});
    }
    return table({{"method"},
                  {"reached", true},
                  {"time", true},
                  {"samples", true},
                  {"bytes", true},
                  {"sent in all", true},
                  {"idle", true},
                  {"merged", true},
                  {"mean", true},
                  {"worst", true},
                  {"\u2212 " + escape(record::reference_of(scene)->method, 60), true},
                  {"EMA", true},
                  {"rate", true}},
                 rows);
}

// What became of the exchanges, the mean over runs, and how stale they were.
std::string exchange_table(const Scene& scene) {
    std::vector<std::vector<std::string>> rows;
    for (const auto& method : scene.methods) {
        const auto mean = [&](auto&& value) {
            std::vector<double> values;
            for (const auto& run : method.runs)
                if (const std::optional<double> v = value(run)) values.push_back(*v);
            return record::format_count(record::interval_of(values).mean);
        };
        using Counts = record::ExchangeCounts;
        std::vector<std::string> row{escape(method.method, 60)};
        for (const auto fate : {&Counts::started, &Counts::mixed, &Counts::declined, &Counts::overdue, &Counts::undelivered, &Counts::skipped})
            row.push_back(mean([&](const record::Summary& s) { return s.exchange_counts.*fate; }));
        row.push_back(mean([](const record::Summary& s) { return s.staleness.mean; }));
        row.push_back(mean([](const record::Summary& s) { return s.staleness.max; }));
        row.push_back(mean([](const record::Summary& s) { return s.final.bytes_payload; }));
        row.push_back(mean([](const record::Summary& s) { return s.final.bytes_control; }));
        row.push_back(mean([](const record::Summary& s) { return s.final.consensus_distance; }));
        rows.push_back(std::move(row));
    }
    return table({{"method"}, {"started", true}, {"mixed", true}, {"declined", true}, {"overdue", true}, {"undelivered", true}, {"skipped", true},
                  {"staleness, steps", true}, {"at most", true}, {"bytes of parameters", true}, {"besides", true}, {"consensus distance", true}},
                 rows);
}

// The rates that were tried on validation data.
std::string grids(const Scene& scene) {
    std::vector<std::vector<std::string>> rows;
    for (const auto& method : scene.methods)
        for (const record::TriedRate& t : method.grid)
            rows.push_back({escape(method.method, 60), record::format_short(t.learning_rate) + (t.learning_rate == method.learning_rate ? " (chosen)" : ""),
                            std::to_string(t.reached) + " of " + std::to_string(t.seeds), record::format_seconds(t.seconds_to_target), record::format_percent(t.accuracy)});
    if (rows.empty()) return "";
    return "<details><summary>Rates tried on validation data</summary>\n" +
           table({{"method"}, {"rate", true}, {"reached", true}, {"time", true}, {"accuracy", true}}, rows) + "</details>\n";
}

struct Kind {
    Against against;
    const char* title;
    const char* x_name;
    Unit unit;
};

// One chart of one kind for each scene, on the same axes, so that they can be laid beside each other.
std::string curves(const Kind& kind, const Comparison& comparison, const std::vector<Run>& runs, const std::map<std::string, int>& colours) {
    const std::string metric = comparison.target_metric.empty() ? "merged_accuracy" : comparison.target_metric;
    std::vector<Chart> charts;
    std::vector<Point> extremes;
    for (const Scene& scene : comparison.scenes) {
        Chart& chart = charts.emplace_back();
        chart.title = scene.name;
        chart.note = (metric == "merged_accuracy" ? std::string("accuracy of the merged model") : metric) + " " + kind.title;
        chart.x_name = kind.x_name;
        chart.x = kind.unit;
        chart.y = metric.ends_with("accuracy") ? Unit::share : Unit::plain;
        chart.log = metric.starts_with("consensus");
        chart.target = comparison.target_value;
        for (const auto& method : scene.methods) {
            std::vector<const Run*> its;
            for (const Run& run : runs)
                if (run.scene == scene.name && run.method == method.method) its.push_back(&run);
            Series series = mean_of(its, metric, kind.against);
            series.name = method.method;
            series.colour = colours.at(method.method);
            extremes.insert(extremes.end(), series.points.begin(), series.points.end());
            chart.series.push_back(std::move(series));
        }
    }
    std::string out;
    for (Chart& chart : charts) {
        chart.also = extremes;
        out += figure(chart);
    }
    return out;
}

// The same four bars for each scene, beside each other.
std::vector<std::string> scene_bars(const Scene& scene, const std::map<std::string, int>& colours, double longest, double heaviest) {
    std::vector<Bar> time, bytes, idle, accuracy;
    for (const auto& method : scene.methods) {
        const MethodStatistics s = record::statistics_of(method);
        const int colour = colours.at(method.method);
        const std::string reached = std::to_string(s.reached) + " of " + std::to_string(s.seeds);
        const auto censored = [&](const record::Censored& c, std::string (*format)(std::optional<double>)) {
            return Bar{method.method,
                       colour,
                       c.median,
                       c.mean.low,
                       c.mean.high,
                       c.median                  ? format(c.median) + (s.reached < s.seeds ? " (" + reached + ")" : "")
                       : s.reached * 2 > s.seeds ? "not known"
                                                 : "reached by " + reached};
        };
        time.push_back(censored(s.seconds_to_target, record::format_seconds));
        bytes.push_back(censored(s.bytes_to_target, record::format_bytes));
        idle.push_back({method.method, colour, s.idle_share.mean, s.idle_share.low, s.idle_share.high, record::format_percent(s.idle_share.mean)});
        const Interval& merged = s.last5_merged_accuracy.mean ? s.last5_merged_accuracy : s.merged_accuracy;
        accuracy.push_back({method.method, colour, merged.mean, merged.low, merged.high, percent_with_interval(merged)});
    }
    const bool targets = std::any_of(scene.methods.begin(), scene.methods.end(), [](const auto& m) {
        return std::any_of(m.runs.begin(), m.runs.end(), [](const auto& r) { return r.target.has_value(); });
    });
    return {targets ? bars(scene.name, "time to target, median; shorter is better", time, longest) : "",
            targets ? bars(scene.name, "bytes to target, median; shorter is better", bytes, heaviest) : "",
            bars(scene.name, "accuracy of the merged model at the end", accuracy, 1),
            bars(scene.name, "share of the time spent waiting", idle, 1)};
}

std::string drawings(const Comparison& comparison, const std::vector<Run>& runs, const std::map<std::string, int>& colours) {
    const Kind kinds[] = {{Against::time, "against time", "time", Unit::seconds},
                          {Against::samples, "against samples learnt from", "samples", Unit::count},
                          {Against::bytes, "against bytes sent", "bytes", Unit::bytes}};
    const auto section = [](const std::string& title, const std::string& figures) {
        return figures.empty() ? "" : "<h2>" + title + "</h2>\n<div class=\"charts\">\n" + figures + "</div>\n";
    };
    std::string out, lines;
    for (const Kind& kind : kinds) lines += curves(kind, comparison, runs, colours);
    out += section("Curves", lines);
    if (!lines.empty())
        out += "<p class=\"note\">A line is the mean over seeds, the shade around it reaches from the lowest to the highest of them.</p>\n";

    double longest = 0, heaviest = 0;
    for (const Scene& scene : comparison.scenes)
        for (const auto& method : scene.methods) {
            const MethodStatistics s = record::statistics_of(method);
            for (const auto& value : {s.seconds_to_target.median, s.seconds_to_target.mean.high}) longest = std::max(longest, value.value_or(0));
            for (const auto& value : {s.bytes_to_target.median, s.bytes_to_target.mean.high}) heaviest = std::max(heaviest, value.value_or(0));
        }
    std::vector<std::vector<std::string>> rows;
    for (const Scene& scene : comparison.scenes) rows.push_back(scene_bars(scene, colours, longest, heaviest));
    std::string figures;
    for (std::size_t kind = 0; !rows.empty() && kind < rows.front().size(); ++kind)
        for (const auto& row : rows) figures += row[kind];
    return out + section("What it took, and what came out", figures);
}

}  // namespace

std::string page_of_comparison(const Comparison& comparison, const std::vector<Run>& runs) {
    const auto colours = colours_of(comparison);
    std::string body = "<h1>" + escape(comparison.name.empty() ? "a comparison" : comparison.name) +
                       "</h1>\n<p class=\"soft\">The same data, initial weights, machines, links and failures under each method";
    if (comparison.target_value) body += "; target: " + escape(comparison.target_metric) + " " + record::format_short(comparison.target_value);
    body +=
        ".</p>\n<p class=\"soft\">Times, samples and bytes to target are medians over seeds and empty where half of the seeds never "
        "reached it; \u00b1 is half a 95 % interval. Accuracies are means of the last five evaluations (* of the last one, where there "
        "were fewer); differences of merged are taken seed by seed; EMA is the moving average of the model that all agree on.</p>\n";

    if (comparison.scenes.empty()) body += "<p class=\"soft\">No method has finished a run: there is nothing to compare.</p>\n";
    body += "<h2>All methods together</h2>\n";
    for (const Scene& scene : comparison.scenes) body += "<h3>" + escape(scene.name) + "</h3>\n" + scene_table(scene) + grids(scene);
    for (const std::string& note : comparison.notes) body += "<p class=\"note\">" + escape(note) + "</p>\n";

    body += drawings(comparison, runs, colours);

    if (!comparison.scenes.empty()) body += "<h2>Exchanges</h2>\n";
    for (const Scene& scene : comparison.scenes) body += "<h3>" + escape(scene.name) + "</h3>\n" + exchange_table(scene);

    for (const Run& run : runs)
        if (!run.config.empty()) {
            body += "<details><summary>Configuration</summary><pre>" + escape(run.config, 200'000) + "</pre></details>\n";
            break;
        }
    return page((comparison.name.empty() ? "comparison" : comparison.name) + " \u2013 grapevine", body);
}

}  // namespace grapevine::report
