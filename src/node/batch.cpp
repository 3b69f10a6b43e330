#include "batch.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstdio>

#include "grapevine/learn/sgd_learner.hpp"
#include "log.hpp"
#include "node.hpp"

namespace grapevine::node {

namespace {
constexpr std::uint32_t most_times_smaller = 8, most_times_larger = 4;
constexpr double as_good = 0.9;
constexpr double longest_step = 1;  // second
constexpr Duration trial = std::chrono::milliseconds(100);  // of a batch
}  // namespace

std::vector<std::uint32_t> batches_to_try(std::uint32_t of_the_run, std::size_t rows) {
    std::vector<std::uint32_t> sizes;
    for (std::uint32_t parts = most_times_smaller; parts > 1; parts /= 2)
        if (of_the_run / parts > 0 && of_the_run % parts == 0) sizes.push_back(of_the_run / parts);
    for (std::uint32_t times = 1; times <= most_times_larger; times *= 2) sizes.push_back(of_the_run * times);
    std::erase_if(sizes, [&](std::uint32_t size) { return size > rows && size != of_the_run; });
    return sizes;
}

Trial best_batch(std::span<const Trial> trials, std::uint32_t of_the_run) {
    assert(!trials.empty());
    const double best = std::max_element(trials.begin(), trials.end(), [](const Trial& a, const Trial& b) { return a.rate < b.rate; })->rate;
    const Trial* chosen = nullptr;
    for (const Trial& trial : trials) {
        if (trial.rate < as_good * best) continue;
        if (trial.batch == of_the_run) return trial;
        if (!chosen || trial.batch < chosen->batch) chosen = &trial;
    }
    return *chosen;
}

double rate_factor(config::TrainOptions::Optimizer optimizer, std::uint32_t batch, std::uint32_t of_the_run) {
    const double ratio = static_cast<double>(batch) / static_cast<double>(of_the_run);
    return optimizer == config::TrainOptions::Optimizer::adamw ? std::sqrt(ratio) : ratio;
}

std::vector<Trial> try_batches(std::uint32_t of_the_run, std::size_t rows, const std::function<double(std::uint32_t)>& rate) {
    std::vector<Trial> trials{{of_the_run, rate(of_the_run)}};
    for (const std::uint32_t size : batches_to_try(of_the_run, rows)) {
        const Trial& last = trials.back();
        if (size == of_the_run || (size > of_the_run && (last.rate <= 0 || last.batch / last.rate > longest_step))) continue;
        trials.push_back({size, rate(size)});
    }
    return trials;
}

// By trial, on a learner of its own that is gone when the real one is made. Others are not told: a batch is a machine's, and its learning
// rate goes with it.
std::optional<End> Node::choose_batch(config::Config& mine, const std::vector<std::uint32_t>& rows) {
    if (!config_->model.follows_gradients()) {
        log(Level::error, "config", std::string("--batch auto: a model of kind \"") + config::to_string(config_->model.kind) + "\" has no learning rate that could follow the batch. Leave it out");
        return End::configuration;
    }
    std::unique_ptr<kernels::Backend> backend;
    if (const auto end = choose_device(backend)) return end;
    const auto learner = learn::make_learner(*config_, part_, 1, task_, rows, std::move(backend));
    learn::draw_initial(*learner);  // zeros may take less time
    auto& trained = dynamic_cast<learn::SgdLearner&>(*learner);
    const auto rate = [&](std::uint32_t batch) {
        try {
            trained.batch(batch);
            for (int i = 0; i < 2; ++i) learner->carry_out({0, Train{1}});  // what is allocated, chosen and recorded is the first steps'
            const Instant begun = now();
            double samples = 0;
            while (now() - begun < trial) samples += std::get<Trained>(learner->carry_out({0, Train{1}}).what).samples;
            return samples / seconds(now() - begun);
        } catch (const kernels::DeviceFailure&) {  // too large for it
            if (batch <= config_->data.batch) throw;
            return 0.0;
        }
    };
    const std::uint32_t of_the_run = config_->data.batch;
    const auto trials = try_batches(of_the_run, rows.size(), rate);
    const Trial best = best_batch(trials, of_the_run);
    const double factor = rate_factor(config_->train.optimizer, best.batch, of_the_run);
    mine.data.batch = best.batch;
    mine.train.learning_rate *= factor;
    char text[160];
    std::snprintf(text, sizeof text, "batch %u: %.3g samples/s here, %.2f times as many as with the run's %u; learning rate %.4g, the run's times %.3g", best.batch, best.rate,
                  trials.front().rate > 0 ? best.rate / trials.front().rate : 1, of_the_run, mine.train.learning_rate, factor);
    log(Level::info, "train", text);
    return std::nullopt;
}

}  // namespace grapevine::node
