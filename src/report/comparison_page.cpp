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

std::string scene_table(const Scene& scene) {
    std::vector<std::vector<std::string>> rows;
    for (const auto& method : scene.methods) {
        const MethodStatistics s = record::statistics_of(method);
        rows.push_back({escape(method.method, 60), std::to_string(s.reached) + " of " + std::to_string(s.seeds),
                        record::format_seconds(s.seconds_to_target.median), record::format_count(s.samples_to_target.median),
                        record::format_bytes(s.bytes_to_target.median), record::format_percent(s.idle_share.mean),
                        percent_with_interval(s.merged_accuracy), percent_with_interval(s.mean_accuracy),
                        percent_with_interval(s.worst_accuracy)});
    }
    return table({{"method"},
                  {"reached", true},
                  {"time", true},
                  {"samples", true},
                  {"bytes", true},
                  {"idle", true},
                  {"merged", true},
                  {"mean", true},
                  {"worst", true}},
                 rows);
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
        accuracy.push_back({method.method, colour, s.merged_accuracy.mean, s.merged_accuracy.low, s.merged_accuracy.high,
                            percent_with_interval(s.merged_accuracy)});
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
        "reached it; \u00b1 is half a 95 % interval.</p>\n";

    if (comparison.scenes.empty()) body += "<p class=\"soft\">No method has finished a run: there is nothing to compare.</p>\n";
    body += "<h2>All methods together</h2>\n";
    for (const Scene& scene : comparison.scenes) body += "<h3>" + escape(scene.name) + "</h3>\n" + scene_table(scene);
    for (const std::string& note : comparison.notes) body += "<p class=\"note\">" + escape(note) + "</p>\n";

    body += drawings(comparison, runs, colours);

    for (const Run& run : runs)
        if (!run.config.empty()) {
            body += "<details><summary>Configuration</summary><pre>" + escape(run.config, 200'000) + "</pre></details>\n";
            break;
        }
    return page((comparison.name.empty() ? "comparison" : comparison.name) + " \u2013 grapevine", body);
}

}  // namespace grapevine::report
