#pragma once

#include <array>

#include "grapevine/record/sample.hpp"

namespace grapevine::record {

struct Quantiles {
    std::optional<double> median, p99, p9999, max, mean;
    bool operator==(const Quantiles&) const = default;
};

struct TargetResult {
    std::string metric;
    double value = 0;
    std::optional<double> reached_at_seconds, reached_at_samples, reached_at_bytes;  // null: it was not
    bool operator==(const TargetResult&) const = default;
};

// Shares of the learners' time, sum 1; evaluation does not count.
struct TimeShares {
    std::optional<double> computing, mixing, waiting;
    bool operator==(const TimeShares&) const = default;
};

// Means over the last five evaluations of a run, which jitter by a per cent each. Null where there were fewer than five.
struct LastFive {
    std::optional<double> loss, accuracy, worst_accuracy, merged_loss, merged_accuracy;
    bool operator==(const LastFive&) const = default;
};

LastFive last_five(const std::vector<Sample>& samples);  // those that were evaluated count

// What became of the exchanges, over all peers that ever lived. Each side of one counts what it saw of it.
struct ExchangeCounts {
    std::optional<double> started;    // offers made; null: rounds have none, and a node does not count them
    std::optional<double> mixed, declined, overdue, undelivered, partner_gone, other_layout, no_graph, clipped;
    std::optional<double> skipped;    // due while one was out
    bool operator==(const ExchangeCounts&) const = default;
};

// How many local steps a peer took between sending its parameters and mixing, over all mixes.
struct Staleness {
    static constexpr std::size_t bins = 12;  // 0, 1, 2-3, 4-7, ..., 512-1023, 1024 and more
    std::array<std::optional<double>, bins> counts{};
    std::optional<double> mean, max;
    bool operator==(const Staleness&) const = default;
};

const char* staleness_bin(std::size_t i);  // "0", "1", "2-3", ...; i < Staleness::bins

// Counts both, an event at a time.
class ExchangeTally {
public:
    enum class Failure { declined, overdue, undelivered, partner_gone, other_layout, no_graph, clipped };  // as gossip::Failure
    void mixed(std::uint64_t staleness);
    void failed(Failure why) { ++failed_[static_cast<std::size_t>(why)]; }
    void skipped() { ++skipped_; }
    ExchangeTally& operator+=(const ExchangeTally& other);

    ExchangeCounts counts() const;
    Staleness staleness() const;

private:
    std::array<std::uint64_t, 7> failed_{};
    std::array<std::uint64_t, Staleness::bins> bins_{};
    std::uint64_t mixed_ = 0, skipped_ = 0, most_ = 0;
    double sum_ = 0;
};

struct MembershipResult {
    Quantiles first_ping_seconds, first_suspicion_seconds, first_detection_seconds, full_dissemination_seconds;
    Quantiles leave_dissemination_seconds;
    std::optional<double> leave_suspicions;
    std::optional<double> false_positives, false_positives_at_healthy, false_positives_about_healthy, false_positives_among_healthy;
    std::optional<double> false_detections, false_detections_per_member_period;
    std::optional<double> refutations, refutations_max;
    std::optional<double> views_full_at_seconds;
    std::optional<double> probe_messages_per_member_period, messages_per_member_period;
    bool operator==(const MembershipResult&) const = default;
};

// What became of messages on their way in a simulated network; null from a node.
struct NetworkCounts {
    std::optional<double> lost;               // to links and faults
    std::optional<double> garbled, misread;   // of those whose bytes were changed: could not be read, read as another message
    std::optional<double> shut_out;           // stopped at a router that lets nobody in
    bool operator==(const NetworkCounts&) const = default;
};

struct ExpectResult {
    std::string metric;
    std::string when = "end";              // at | by | from | end
    std::optional<double> instant;         // s
    std::string what;                      // at_least | at_most | equals
    double value = 0;
    std::optional<double> within;          // equals
    std::optional<double> measured;        // null: never
    bool holds = false;
    std::string over{};                    // of several runs: mean | median | max | sum; empty: it is of one
    std::string variant{}, relative_to{};  // of a sweep; empty: null
    std::optional<double> low{}, high{};   // 95 % interval, of a mean over several runs
    bool operator==(const ExpectResult&) const = default;
};

// What training and evaluating were to cost, reckoned before the run.
struct Estimate {
    double steps = 0;                      // of all peers, at most
    double training_flops = 0, evaluation_flops = 0;
    double seconds = 0;                    // of one processor
    double model_bytes = 0;                // of all peers' models
    bool operator==(const Estimate&) const = default;
};

// summary.json: what is left of a run when it has ended.
struct Summary {
    std::string name;
    std::uint64_t seed = 0;                // < 2^53
    std::string exchange;
    std::string measure;                   // what its loss is usually told as: quality(); empty: null
    std::string compute;                   // real | surrogate | none; empty: null
    std::optional<Estimate> estimate;      // of a simulation that trains
    std::uint64_t peers = 0, peers_max = 0;
    std::optional<double> simulated_seconds;  // null: a real run
    bool interrupted = false;              // it ended before its end, because somebody said so
    std::optional<double> wall_seconds, cpu_seconds;
    std::optional<double> events, events_per_cpu_second;  // inputs handed to peers
    std::optional<double> peak_bytes, bytes_per_peer;
    Sample final;
    LastFive last5;
    std::optional<double> ema_loss, ema_accuracy;  // of the moving average of what all agreed on; null: nobody agrees
    std::optional<TargetResult> target;
    TimeShares time;
    ExchangeCounts exchange_counts;
    Staleness staleness;
    MembershipResult membership;
    NetworkCounts network;
    std::optional<double> split_rounds;    // of groups: some members mixed and others gave up; null: a real run, or no groups
    std::string trace_hash, model_hash;    // 16 hex digits; empty: null
    std::vector<ExpectResult> expects;
    std::string version, command;          // empty: null
    bool operator==(const Summary&) const = default;
};

std::string to_json(const Summary& summary);  // indented, with its end of line

// "membership.false_positives", "final.loss", "time.waiting": a number of it by its path, for [[expect]].
std::optional<double> value_of(const Summary& summary, const std::string& path);

}  // namespace grapevine::record
