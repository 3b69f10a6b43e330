#pragma once

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include <unistd.h>

#include "grapevine/config/config.hpp"

namespace grapevine::config {

// What is said about a text that is no configuration; "accepted" if it is one.
inline Error refusal(const std::string& text) {
    const auto read = read_text(text, "run.toml");
    if (const auto* error = std::get_if<Error>(&read)) return *error;
    return {"accepted", ""};
}

inline Config accepted(const std::string& text) {
    const auto read = read_text(text, "run.toml");
    if (const auto* error = std::get_if<Error>(&read)) {
        FAIL_CHECK(error->what << "\n" << error->hint);
        return {};
    }
    return std::get<Config>(read);
}

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// A directory of one test, gone when it ends.
struct Scratch {
    std::filesystem::path path;
    explicit Scratch(const std::string& name) : path(std::filesystem::temp_directory_path() / ("grapevine-" + name + "-" + std::to_string(::getpid()))) {
        std::filesystem::remove_all(path);
        std::filesystem::create_directories(path);
    }
    ~Scratch() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
    std::string write(const std::string& name, const std::string& text) const {
        std::filesystem::create_directories((path / name).parent_path());
        std::ofstream(path / name) << text;
        return (path / name).string();
    }
};

// Every key of every kind is in it somewhere.
inline const char* const everything = R"(
name = "flaky-edge"
seed = 42
until = "90s"
until_steps = 100000

[model]
kind = "mlp"
hidden = [256, 128]

[data]
set = "blobs"
features = 12
classes = 3
train_samples = 900
test_samples = 90
spread = 1.5
split = { kind = "dirichlet-per-class", alpha = 0.3 }
batch = 16

[train]
optimizer = "momentum"
learning_rate = 0.05
momentum = 0.8
weight_decay = 1e-4
order = "30ms"
pace = "2ms"
target = { metric = "merged_accuracy", at_least = 0.86, stop = true }

[exchange]
kind = "gossip"
period = "100ms"
clock = "poisson"
patience = "3s"
donors = 3

[membership]
period = "500ms"
probe_timeout = "200ms"
indirect = 2
suspicion = { alpha = 3, beta = 2.5 }
lifeguard = { local_health = true, dogpile = false }
start = "join"
over = "10s"

[metrics]
every = "500ms"
evaluate_every = "2s"
evaluate_peers = 8
evaluate_samples = 50
views = true

[[group]]
name = "gpu"
count = 8
step_time = { dist = "lognormal", median = "2ms", sigma = 0.1 }
uplink = "10Gbit"
downlink = "1.25GB/s"
mix_rate = "10GB/s"

[[group]]
name = "cpu"
count = 56
step_time = "40ms"

[[link]]
between = ["cpu", "*"]
latency = { dist = "pareto", min = "5ms", alpha = 2.5 }
loss = 0.005
duplicate = 0.001

[[link]]
from = "gpu"
to = "cpu"
latency = { dist = "uniform", min = "1ms", max = "2ms" }

[[event]]
at = "35s"
kind = "partition"
sides = [["gpu"], ["cpu:10", "cpu[3]"]]
for = "10s"

[[event]]
at = "40s"
kind = "crash"
nodes = "gpu:2"

[[event]]
at = "45s"
kind = "restart"
nodes = "gpu"

[[event]]
at = "50s"
kind = "slow"
nodes = "cpu:7%"
factor = 4
for = "5s"

[[event]]
at = "55s"
kind = "leave"
nodes = "cpu[60]"

[[event]]
at = "56s"
kind = "join"
group = "cpu"
count = 5
over = "2s"

[[event]]
at = "57s"
kind = "pause"
nodes = "cpu:2"
for = "2s"
every = "5s"
times = 4
timers = "run"

[[event]]
at = "58s"
kind = "one-way"
from = "gpu"
to = ["cpu:1", "cpu[3]"]
for = "2s"

[[event]]
at = "59s"
kind = "cut"
between = ["gpu", ["cpu:1", "cpu[3]"]]

[[event]]
at = "60s"
kind = "loss"
nodes = "cpu:10%"
loss = 0.3

[[event]]
at = "61s"
kind = "loss"
between = ["cpu", "*"]
loss = 0.1
for = "5s"

[sweep]
"event.6.nodes" = ["cpu:4", "cpu:8"]
"event.9.loss" = [0.1, 0.5]

[[sweep.variant]]
name = "plain"
set = { "membership.lifeguard" = false, "membership.suspicion" = { alpha = 5, beta = 1 } }

[[sweep.variant]]
name = "lifeguard"

[[expect]]
metric = "merged_accuracy"
by = "90s"
at_least = 0.86

[[expect]]
metric = "membership.false_positives"
at_most = 0

[[expect]]
metric = "consensus_distance"
from = "10s"
equals = 0.3
within = 0.02
ratio_over = "1s"

[[expect]]
metric = "membership.false_positives"
over = "sum"
variant = "lifeguard"
relative_to = "plain"
at_most = 0.02
)";

}  // namespace grapevine::config
