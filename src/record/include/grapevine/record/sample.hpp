#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

// What a run writes down while it goes on. Names and meanings: docs/metrics.md.
namespace grapevine::record {

// What went wrong with a file, and what to do about it.
struct Error {
    std::string what;
    std::string hint;
};

// One line of metrics.jsonl. What is not known is null, never 0 and never absent; so are NaN and infinity.
struct Sample {
    double t = 0;                     // s since the start
    std::optional<double> unix_time;  // a node's; simulated time has none
    std::optional<double> peers_alive;
    std::optional<double> consensus_distance;  // mean over peers of |x_i - mean|^2
    std::optional<double> consensus_relative;  // its square root over |mean|
    std::optional<std::vector<double>> mean;   // average and quadratic models
    std::optional<double> loss, accuracy, worst_accuracy, merged_loss, merged_accuracy;
    std::optional<double> evaluated_peers;
    // Since the start, over all peers that ever lived. Whole numbers; a double holds them up to 2^53.
    std::optional<double> steps, samples, bytes_payload, bytes_control, messages, refused_mixes;
    std::optional<double> shard_rows, epochs, samples_per_epoch;  // rows that a peer trains on, its passes over them, how often a pass of all uses a row
    std::optional<double> energy_joules;  // drawn by all machines since the start; null: nobody says what they draw
    // What all views come to together, where somebody asked for it.
    std::optional<double> views_full, disagreements, suspects, largest_component;
    // Push-sum: of the peers that run; known to be lost; and sum over peers of |s_i - w_i mean|^2.
    std::optional<double> mass, mass_lost, push_sum_potential;
    // What peers believe of the whole cluster (a simulation: the mean over those that say anything), and the most by which
    // one of them errs, relative to `loss`: null while anybody says nothing.
    std::optional<double> cluster_loss, cluster_accuracy, cluster_worst_accuracy, tally_error;
    std::optional<double> cluster_consensus_distance, cluster_consensus_relative;  // sim: as peers believe; a node's are the two above
    bool operator==(const Sample&) const = default;
};

// "merged_accuracy" -> sample.merged_accuracy. `mean` is a list: its first coordinate.
std::optional<double> value_of(const Sample& sample, const std::string& metric);

// One line of events.jsonl: who saw what, about whom, and what else belongs to that kind.
struct RunEvent {
    using Field = std::pair<std::string, std::variant<double, bool, std::string>>;
    double t = 0;
    std::string peer;  // empty: the world's
    std::string kind;  // joined | suspected | refuted | dead | left | mixed | declined | timed_out | started | ...
    std::string about;
    std::vector<Field> fields;
    bool operator==(const RunEvent&) const = default;
};

std::string to_json(const Sample& sample);   // one line, without its end
std::string to_json(const RunEvent& event);

}  // namespace grapevine::record
