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

// One learning rate of several that were tried, on validation data.
struct TriedRate {
    double learning_rate = 0;
    std::uint32_t seeds = 0, reached = 0;
    std::optional<double> seconds_to_target;  // median
    std::optional<double> accuracy;           // mean of the last five evaluations and over seeds; null: it diverged, or has none
    bool operator==(const TriedRate&) const = default;
};

struct TuningResult {
    std::uint64_t first_seed = 0;
    std::uint32_t seeds = 0;
    double validation = 0;  // share of the training set
    std::string by;         // time to target | accuracy
    bool operator==(const TuningResult&) const = default;
};

struct MethodResult {
    std::string method;
    std::vector<Summary> runs;              // one a seed
    std::string exchange{};                 // its keys, for people
    std::optional<double> learning_rate{};  // with which it ran
    std::vector<TriedRate> grid{};          // out of which that was chosen
    bool operator==(const MethodResult&) const = default;
};

struct MethodStatistics {
    std::uint32_t seeds = 0, reached = 0;
    Censored seconds_to_target, samples_to_target, bytes_to_target;
    Interval merged_accuracy, mean_accuracy, worst_accuracy, merged_loss;  // at the end
    Interval last5_merged_accuracy, last5_mean_accuracy, last5_worst_accuracy, last5_merged_loss;
    Interval ema_accuracy, idle_share;
    Interval bytes;  // sent in the whole run, by all
};

MethodStatistics statistics_of(const MethodResult& method);

// The same machines and data under each method. The scene as it was written, and always the calm one beside
// it (no events, no churn, no loss), which favours those who wait for each other.
struct Scene {
    std::string name;  // "as written", "calm", or a severity
    std::vector<MethodResult> methods;
    bool operator==(const Scene&) const = default;
};

// What differences are taken to: allreduce where it takes part, else the first.
const MethodResult* reference_of(const Scene& scene);
// Of last5.merged_accuracy, run by run of the same seed: what all methods had in common of a seed does not blur it.
Interval paired_difference(const MethodResult& method, const MethodResult& reference);

struct Comparison {
    std::string name;
    std::uint64_t first_seed = 0;
    std::optional<TuningResult> tuning{};
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
