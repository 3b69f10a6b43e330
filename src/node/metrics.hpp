#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "status_pages.hpp"

namespace grapevine::node {

// How long exchanges took, as a Prometheus histogram wants it.
class Durations {
public:
    static constexpr std::array<double, 11> bounds{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};  // seconds
    void add(double seconds);
    const std::array<std::uint64_t, bounds.size() + 1>& counts() const { return counts_; }  // of each stretch by itself; the last is what took longer
    double sum() const { return sum_; }

private:
    std::array<std::uint64_t, bounds.size() + 1> counts_{};
    double sum_ = 0;
};

// What happened to members, as this node saw it.
struct MemberEvents {
    std::uint64_t joined = 0, suspected = 0, refuted = 0, dead = 0, left = 0;
};

// What /metrics says besides what the other pages do.
struct MetricFacts {
    Durations took;
    record::Staleness staleness;
    MemberEvents happened;
    std::optional<double> checkpoint_age;  // seconds; none: none was written yet, or none is asked for
    std::uint64_t checkpoints_failed = 0;
    bool ready = false;
};

// Text exposition format 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats/): base units, _total for what only grows, no label that
// names a peer. Every name is declared whether its value is known or not; what is not known has no value. Names and meanings: docs/metrics.md.
std::string prometheus_text(const StatusFacts& facts, const MetricFacts& more, const record::Sample& sample, const net::Counters& traffic,
                            const membership::Membership& members, const membership::Book& book);

}  // namespace grapevine::node
