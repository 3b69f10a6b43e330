#pragma once

#include "grapevine/record/run.hpp"

namespace grapevine::record {

// A mean with its 95 % interval by Student's t. One value has a mean and no interval, none has neither.
struct Interval {
    std::optional<double> mean, low, high;
    bool operator==(const Interval&) const = default;
};

Interval interval_of(const std::vector<double>& values);

// Of a time that some runs never reached: how many did, and the median, which is null if half did not. The
// mean only if all did: the mean of those that arrived flatters who seldom arrives.
struct Censored {
    std::optional<double> median;
    Interval mean;
    bool operator==(const Censored&) const = default;
};

Censored censored(const std::vector<std::optional<double>>& values);

struct MethodResult {
    std::string method;
    std::vector<Summary> runs;  // one a seed
    bool operator==(const MethodResult&) const = default;
};

struct MethodStatistics {
    std::uint32_t seeds = 0, reached = 0;
    Censored seconds_to_target, samples_to_target, bytes_to_target;
    Interval merged_accuracy, mean_accuracy, worst_accuracy, merged_loss, idle_share;
};

MethodStatistics statistics_of(const MethodResult& method);

// The same machines and data under each method. The scene as it was written, and always the calm one beside
// it (no events, no churn, no loss), which favours those who wait for each other.
struct Scene {
    std::string name;  // "as written", "calm", or a severity
    std::vector<MethodResult> methods;
    bool operator==(const Scene&) const = default;
};

struct Comparison {
    std::string name;
    std::string target_metric;
    std::optional<double> target_value;
    std::vector<Scene> scenes;
    std::vector<std::string> notes;  // what a reader must know: rates, which gradient is averaged, ...
    bool operator==(const Comparison&) const = default;
};

std::string to_json(const Comparison& comparison);
std::string table_of(const Comparison& comparison);  // for a terminal

// DIR/comparison.json, DIR/<scene>/<method>/seed-<N>/ with the files of a run each.
std::optional<Error> write_comparison(const std::string& directory, const Comparison& comparison);
std::string run_directory(const std::string& directory, const std::string& scene, const std::string& method, std::uint64_t seed);
std::variant<Comparison, Error> parse_comparison(const std::string& text, const std::string& file);
std::variant<Comparison, Error> load_comparison(const std::string& directory);
std::vector<Run> load_runs(const std::string& directory, const Comparison& comparison);  // those whose files are there

// What `report DIR` finds there.
enum class Holds { nothing, run, comparison };
Holds what_is_in(const std::string& directory);

}  // namespace grapevine::record
