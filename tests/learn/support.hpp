#pragma once

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "grapevine/kernels/cpu.hpp"
#include "grapevine/learn/split.hpp"
#include "grapevine/learn/task.hpp"

namespace grapevine::learn {

using TaskPointer = std::shared_ptr<const Task>;

inline TaskPointer task_of(const config::Config& config) {
    auto prepared = prepare(config);
    REQUIRE(std::holds_alternative<TaskPointer>(prepared));
    return std::get<TaskPointer>(prepared);
}

// A small run on generated data.
inline config::Config blobs(config::ModelKind kind = config::ModelKind::logistic) {
    config::Config config;
    config.seed = 7;
    config.model.kind = kind;
    config.model.hidden = {16, 8};
    config.data.set = "blobs";
    config.data.train_samples = 2000;
    config.data.test_samples = 500;
    config.data.batch = 32;
    config.train.learning_rate = 0.05;
    return config;
}

// A run of one of the laws' models.
inline config::Config law(config::ModelKind kind, std::uint32_t dimension = 1) {
    config::Config config;
    config.seed = 7;
    config.model.kind = kind;
    config.model.dimension = dimension;
    return config;
}

inline std::unique_ptr<Learner> learner_of(const config::Config& config, const TaskPointer& task, std::size_t peer = 0,
                                           std::size_t peers = 1) {
    if (!config.model.needs_data()) return make_learner(config, peer, peers, task);
    return make_learner(config, peer, peers, task,
                        split(*task->sets.train, config.data.split, peers, config.seed)[peer],
                        kernels::make_cpu_backend());
}

inline Snapshot publish(Learner& learner, Slot slot, Range range) {
    return std::get<Published>(learner.carry_out({0, Publish{slot, range}}).what).snapshot;
}
inline Snapshot publish(Learner& learner, Slot slot = model_slot) { return publish(learner, slot, {0, learner.size()}); }

template <class Value>
std::vector<Value> values_of(const Snapshot& snapshot) {
    std::vector<Value> values(snapshot.range.count);
    REQUIRE(snapshot.bytes.size == values.size() * sizeof(Value));
    if (!values.empty()) std::memcpy(values.data(), snapshot.bytes.data, snapshot.bytes.size);
    return values;
}

// As it might come from another peer.
template <class Value>
Snapshot snapshot_of(const Learner& learner, std::vector<Value> values, std::uint64_t offset = 0, double samples = 0) {
    const auto kept = std::make_shared<const std::vector<Value>>(std::move(values));
    Snapshot snapshot;
    snapshot.layout = learner.layout();
    snapshot.encoding = sizeof(Value) == 8 ? Encoding::float64 : Encoding::float32;
    snapshot.range = {offset, kept->size()};
    snapshot.bytes = {reinterpret_cast<const std::byte*>(kept->data()), kept->size() * sizeof(Value), kept};
    snapshot.samples = samples;
    return snapshot;
}

// A directory that goes when the test does.
struct Directory {
    std::filesystem::path path;
    Directory() {
        std::string name = (std::filesystem::temp_directory_path() / "grapevine-XXXXXX").string();
        REQUIRE(mkdtemp(name.data()) != nullptr);
        path = name;
    }
    ~Directory() { std::filesystem::remove_all(path); }
    Directory(const Directory&) = delete;
    Directory& operator=(const Directory&) = delete;

    std::string file(const std::string& name) const { return (path / name).string(); }
};

}  // namespace grapevine::learn
