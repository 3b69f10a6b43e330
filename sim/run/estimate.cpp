#include "grapevine/sim/run/estimate.hpp"

#include <algorithm>
#include <cmath>
#include <ctime>

#include "grapevine/kernels/cpu.hpp"
#include "grapevine/learn/model.hpp"
#include "grapevine/sim/network.hpp"
#include "length.hpp"

namespace grapevine::sim {

namespace {

double cpu_seconds() {
    timespec t{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

double mean(const config::Distribution& distribution) {
    Random random(1);
    std::uint32_t drawn = 0;
    double sum = 0;
    constexpr int draws = 4096;
    for (int i = 0; i < draws; ++i) sum += draw(distribution, random, drawn);
    return sum / draws;
}

}  // namespace

std::optional<record::Estimate> estimate(const config::Config& config, const std::shared_ptr<const learn::Task>& task) {
    if (!config.model.has_stand_in() || config.train.compute != config::Compute::real) return std::nullopt;
    const learn::Model& model = *task->model;
    const double at_most = seconds(length_of(config));
    record::Estimate e;
    double peers = 0, length = config.until_steps ? 0 : at_most;
    for (const config::Group& group : config.groups) {
        const double step = std::max({mean(group.step_time), seconds(config.train.pace), 1e-9});
        const double steps = std::min(at_most / step, static_cast<double>(config.until_steps.value_or(UINT64_MAX)));
        length = std::max(length, steps * step);
        e.steps += steps * group.count;
        peers += group.count;
    }
    const double rows = static_cast<double>(task->sets.train->rows());
    const double batch = std::min<double>(config.data.batch, std::max(1.0, rows / peers));
    e.training_flops = e.steps * batch * model.step_flops();

    const auto held_out = static_cast<double>(std::min<std::size_t>(task->sets.test->rows(), config.metrics.evaluate_samples.value_or(UINT32_MAX)));
    const double every = seconds(std::max(config.metrics.every, config.metrics.evaluate_every));
    const double times = 1 + std::floor(length / every);
    const double evaluated = times * (std::min<double>(config.metrics.evaluate_peers, peers) + 1) + std::min(1000.0, peers) + 1;
    e.evaluation_flops = evaluated * held_out * model.forward_flops();
    e.model_bytes = peers * static_cast<double>(task->table.size() * sizeof(float));

    // As many learners as there are, up to some, so that their models are as far from the processor as in the run.
    config::Config small = config;
    small.metrics.evaluate_samples = static_cast<std::uint32_t>(std::min(held_out, 512.0));
    const auto some = static_cast<std::size_t>(std::min(peers, 256.0));
    std::vector<std::unique_ptr<Learner>> learners;
    for (std::size_t i = 0; i < some; ++i) {
        std::vector<std::uint32_t> shard(static_cast<std::size_t>(std::max(1.0, rows / peers)));
        for (std::size_t r = 0; r < shard.size(); ++r) shard[r] = static_cast<std::uint32_t>((i + r * some) % task->sets.train->rows());
        learners.push_back(learn::make_learner(small, i, some, task, std::move(shard), kernels::make_cpu_backend(1)));
        if (static_cast<double>((i + 1) * task->table.size()) > 32e6) break;  // 128 MB of models
    }
    learners.front()->carry_out({0, Train{1}});  // products are compiled when first asked for
    constexpr double enough = 0.05;
    double began = cpu_seconds(), took = 0;
    std::size_t steps = 0;
    while (took < enough) {
        learners[steps++ % learners.size()]->carry_out({0, Train{1}});
        took = cpu_seconds() - began;
    }
    const double per_step = took / static_cast<double>(steps);
    std::size_t evaluations = 0;
    began = cpu_seconds(), took = 0;
    while (took < enough) {
        learners[evaluations++ % learners.size()]->evaluate();
        took = cpu_seconds() - began;
    }
    const double per_row = took / static_cast<double>(evaluations) / *small.metrics.evaluate_samples;
    e.seconds = e.steps * per_step + evaluated * held_out * per_row;
    return e;
}

}  // namespace grapevine::sim
