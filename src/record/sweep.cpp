#include "grapevine/record/sweep.hpp"

#include <algorithm>
#include <cstdio>

#include "grapevine/record/comparison.hpp"
#include "grapevine/record/format.hpp"
#include "grapevine/record/run_files.hpp"
#include "json.hpp"
#include "summary_json.hpp"

namespace grapevine::record {
namespace {

struct Column {
    const char* head;
    const char* path;
    bool adds = false;  // a count: the sum over runs means something
};
constexpr Column columns[] = {
    {"false+", "membership.false_positives", true},
    {"at well", "membership.false_positives_at_healthy", true},
    {"of well", "membership.false_positives_about_healthy", true},
    {"failed", "membership.false_detections", true},
    {"refuted", "membership.refutations", true},
    {"ping s", "membership.first_ping_seconds.mean"},
    {"dead s", "membership.first_detection_seconds.median"},
    {"all s", "membership.full_dissemination_seconds.max"},
    {"left s", "membership.leave_dissemination_seconds.max"},
    {"messages", "membership.messages_per_member_period"},
};

std::string cell(const std::string& text) {
    char padded[64];
    std::snprintf(padded, sizeof padded, " %9s", text.c_str());
    return padded;
}

std::string name_cell(std::string name, std::size_t width) {
    name.resize(std::max(width, name.size()), ' ');
    return "  " + name;
}

// As a spreadsheet reads it.
std::string csv_text(const std::string& text) {
    if (text.find_first_of(",\"\n") == std::string::npos) return text;
    std::string out = "\"";
    for (const char c : text) out += c == '"' ? "\"\"" : std::string(1, c);
    return out + "\"";
}

struct Total {
    std::size_t known = 0;
    double sum = 0;
};

Total total_of(const Sweep& sweep, const std::string& variant, const char* path) {
    Total total;
    for (const SweepRun& run : sweep.runs)
        if (run.variant == variant)
            if (const auto value = value_of(run.summary, path)) ++total.known, total.sum += *value;
    return total;
}

std::vector<std::string> variants_of(const Sweep& sweep) {
    std::vector<std::string> names;
    for (const SweepRun& run : sweep.runs)
        if (std::find(names.begin(), names.end(), run.variant) == names.end()) names.push_back(run.variant);
    return names;
}

}  // namespace

std::string heading(std::size_t width) {
    std::string line = name_cell("run", width);
    for (const Column& column : columns) line += cell(column.head);
    return line + "\n";
}

std::string line_of(const SweepRun& run, std::size_t width) {
    std::string line = name_cell(run.name, width);
    for (const Column& column : columns) line += cell(format_short(value_of(run.summary, column.path)));
    return line + "\n";
}

std::string totals_of(const Sweep& sweep, std::size_t width) {
    std::string text;
    for (const std::string& variant : variants_of(sweep))
        for (const bool mean : {false, true}) {
            text += name_cell((mean ? "mean" : "sum") + (variant.empty() ? "" : " of " + variant), width);
            for (const Column& column : columns) {
                const Total total = total_of(sweep, variant, column.path);
                text += cell(format_short(total.known == 0 || !(mean || column.adds) ? std::nullopt : std::optional(mean ? total.sum / static_cast<double>(total.known) : total.sum)));
            }
            text += "\n";
        }
    return text;
}

std::string figures_of(const Sweep& sweep) {
    struct Figure {
        const char* name;
        const char* path;
        std::string (*format)(std::optional<double>);
    };
    static constexpr Figure figures[] = {{"merged accuracy", "last5.merged_accuracy", format_percent}, {"mean accuracy", "last5.accuracy", format_percent},
                                         {"worst accuracy", "last5.worst_accuracy", format_percent}, {"merged loss", "last5.merged_loss", format_short},
                                         {"distance", "final.consensus_distance", format_short}, {"steps", "final.steps", format_count},
                                         {"parameters sent", "final.bytes_payload", format_bytes}, {"besides", "final.bytes_control", format_bytes},
                                         {"energy (J)", "final.energy_joules", format_count}};
    std::string text = "over " + std::to_string(sweep.runs.size()) + " seeds: mean, and its 95 % interval\n";
    const auto row = [&](const std::string& name, const std::string& value) {
        std::string padded = name;
        padded.resize(std::max<std::size_t>(18, padded.size() + 1), ' ');
        text += "  " + padded + value + "\n";
    };
    std::vector<std::optional<double>> reached;
    for (const SweepRun& run : sweep.runs)
        if (run.summary.target) reached.push_back(run.summary.target->reached_at_seconds);
    if (!reached.empty()) {  // one that never arrives is infinitely late: it has no mean
        const auto arrived = static_cast<std::size_t>(std::count_if(reached.begin(), reached.end(), [](const auto& t) { return t.has_value(); }));
        const Censored times = censored(reached);
        std::string value = times.median ? "median " + format_seconds(times.median) : "-";
        if (times.mean.low) value += ", mean " + format_seconds(times.mean.mean) + "  (" + format_seconds(times.mean.low) + " .. " + format_seconds(times.mean.high) + ")";
        row("time to target", value + "; reached by " + std::to_string(arrived) + " of " + std::to_string(reached.size()));
    }
    for (const Figure& figure : figures) {
        std::vector<double> values;
        for (const SweepRun& run : sweep.runs)
            if (const auto value = value_of(run.summary, figure.path)) values.push_back(*value);
        if (values.size() < sweep.runs.size()) continue;  // unknown in some
        const Interval all = interval_of(values);
        row(figure.name, figure.format(all.mean) + (all.low ? "  (" + figure.format(all.low) + " .. " + figure.format(all.high) + ")" : ""));
    }
    return text;
}

std::string to_json(const Sweep& sweep, const std::vector<std::string>& paths) {
    Json::List runs, expects;
    for (const SweepRun& run : sweep.runs) {
        Json::Object set, numbers;
        for (const auto& [path, value] : run.values) set.emplace_back(path, value);
        const Json summary = json_of(run.summary);
        for (const std::string& path : paths) numbers.emplace_back(path, number_at(summary, path));
        runs.push_back(Json::Object{{"name", run.name}, {"variant", null_if_empty(run.variant)}, {"seed", run.summary.seed},
                                    {"set", std::move(set)}, {"numbers", std::move(numbers)}});
    }
    for (const ExpectResult& expect : sweep.expects) expects.push_back(json_of(expect));
    return dump_indented(Json::Object{{"name", sweep.name}, {"runs", std::move(runs)}, {"expects", std::move(expects)}});
}

std::string to_csv(const Sweep& sweep, const std::vector<std::string>& paths) {
    std::string text = "name,variant,seed";
    if (!sweep.runs.empty())
        for (const auto& [path, value] : sweep.runs.front().values) text += "," + csv_text(path);
    for (const std::string& path : paths) text += "," + csv_text(path);
    text += "\n";
    for (const SweepRun& run : sweep.runs) {
        text += csv_text(run.name) + "," + csv_text(run.variant) + "," + std::to_string(run.summary.seed);
        for (const auto& [path, value] : run.values) text += "," + csv_text(value);
        const Json summary = json_of(run.summary);
        for (const std::string& path : paths) {
            const auto number = number_at(summary, path);
            text += "," + (number ? dump(Json(*number)) : "");
        }
        text += "\n";
    }
    return text;
}

std::optional<Error> write_sweep(const std::string& directory, const Sweep& sweep, const std::vector<std::string>& paths) {
    auto error = make_directory(directory);
    if (!error) error = replace_file(directory + "/sweep.json", to_json(sweep, paths));
    if (!error) error = replace_file(directory + "/sweep.csv", to_csv(sweep, paths));
    return error;
}

}  // namespace grapevine::record
