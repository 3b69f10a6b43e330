#pragma once

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <unistd.h>

#include "grapevine/record/comparison.hpp"
#include "grapevine/record/run_files.hpp"

namespace grapevine::record {

struct Scratch {
    std::filesystem::path path;
    explicit Scratch(const std::string& name) : path(std::filesystem::temp_directory_path() / ("grapevine-record-" + name + "-" + std::to_string(::getpid()))) {
        std::filesystem::remove_all(path);
        std::filesystem::create_directories(path);
    }
    ~Scratch() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
    std::string operator/(const std::string& name) const { return (path / name).string(); }
    void write(const std::string& name, const std::string& text) const {
        std::filesystem::create_directories((path / name).parent_path());
        std::ofstream(path / name) << text;
    }
    std::string read(const std::string& name) const {
        std::ifstream in(path / name);
        return {std::istreambuf_iterator<char>(in), {}};
    }
};

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

inline Sample full_sample() {
    Sample s;
    s.t = 1.5;
    s.unix_time = 1700000000.25;
    s.peers_alive = 64, s.consensus_distance = 1.25e-9, s.consensus_relative = 0.0021;
    s.loss = 0.284, s.accuracy = 0.889, s.worst_accuracy = 0.87, s.merged_loss = 0.27, s.merged_accuracy = 0.8931, s.evaluated_peers = 64;
    s.steps = 12400, s.samples = 793600, s.bytes_payload = 9007199254740991.0, s.bytes_control = 123456, s.messages = 4321;
    s.refused_mixes = 4, s.views_full = 0.75, s.disagreements = 2, s.suspects = 3, s.largest_component = 1;
    s.energy_joules = 1.5e6;
    s.shard_rows = 7500, s.epochs = 13.25, s.samples_per_epoch = 0.9975;
    s.mass = 63.5, s.mass_lost = 0.5, s.push_sum_potential = 1e-12;
    s.cluster_loss = 0.5, s.cluster_accuracy = 0.75, s.cluster_worst_accuracy = 0.25, s.tally_error = 0.125;
    s.cluster_consensus_distance = 0.5, s.cluster_consensus_relative = 0.25;
    s.mean = std::vector<double>{7.5, -0.1};
    return s;
}

inline Summary full_summary() {
    Summary s;
    s.name = "flaky-edge";
    s.seed = 9007199254740991;
    s.exchange = "gossip";
    s.measure = "rmse";
    s.compute = "surrogate";
    s.estimate = Estimate{1e6, 3e12, 2e11, 41.5, 3.14e8};
    s.peers = 64, s.peers_max = 66;
    s.interrupted = true;
    s.simulated_seconds = 90, s.wall_seconds = 12.5, s.cpu_seconds = 20.25;
    s.events = 1e7, s.events_per_cpu_second = 493827, s.peak_bytes = 1e8, s.bytes_per_peer = 5000;
    s.final = full_sample();
    s.last5 = {0.29, 0.885, 0.86, 0.28, 0.8925};
    s.ema_loss = 0.27, s.ema_accuracy = 0.9;
    s.exchange_counts = {1000, 950, 20, 3, 2, 1, 0, 5, 6, 24};
    s.staleness.mean = 1.5, s.staleness.max = 9, s.staleness.counts[0] = 400, s.staleness.counts[11] = 1;
    s.target = TargetResult{"merged_accuracy", 0.86, 41.0, 1e6, {}};
    s.time = {0.97, 0.02, 0.01};
    s.membership.first_detection_seconds = {4.1, 6.0, 6.4, 6.5, 4.3};
    s.membership.first_ping_seconds.mean = 1.02;
    s.membership.refutations_max = 3, s.membership.views_full_at_seconds = 12;
    s.network = {17, 2, 1, 4};
    s.membership.false_positives = 2;
    s.trace_hash = "0123456789abcdef", s.model_hash = "fedcba9876543210";
    ExpectResult expect;
    expect.metric = "merged_accuracy", expect.when = "by", expect.instant = 90.0, expect.what = "at_least", expect.value = 0.86, expect.measured = 0.8931, expect.holds = true;
    s.expects.push_back(expect);
    expect.over = "mean", expect.variant = "lifeguard", expect.relative_to = "plain", expect.low = 0.88, expect.high = 0.9;
    s.expects.push_back(expect);
    s.version = "0.1.0", s.command = "grapevine sim x.toml";
    return s;
}

}  // namespace grapevine::record
