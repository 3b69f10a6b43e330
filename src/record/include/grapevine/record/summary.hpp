#pragma once

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

// summary.json: what is left of a run when it has ended.
struct Summary {
    std::string name;
    std::uint64_t seed = 0;                // < 2^53
    std::string exchange;
    std::uint64_t peers = 0, peers_max = 0;
    std::optional<double> simulated_seconds;  // null: a real run
    std::optional<double> wall_seconds, cpu_seconds;
    std::optional<double> events, events_per_cpu_second;  // inputs handed to peers
    std::optional<double> peak_bytes, bytes_per_peer;
    Sample final;
    std::optional<TargetResult> target;
    TimeShares time;
    MembershipResult membership;
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
