#include "grapevine/learn/sgd_learner.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numeric>
#include <utility>

#include "elements.hpp"
#include "purposes.hpp"

namespace grapevine::learn {

using kernels::DeviceSpan;

namespace {

kernels::Step step_of(const config::TrainOptions& train) {
    kernels::Step step;
    using Optimizer = config::TrainOptions::Optimizer;
    switch (train.optimizer) {
        case Optimizer::sgd: step.rule = kernels::Step::Rule::sgd; break;
        case Optimizer::momentum: step.rule = kernels::Step::Rule::momentum; break;
        case Optimizer::nesterov: step.rule = kernels::Step::Rule::nesterov; break;
    }
    step.rate = static_cast<float>(train.learning_rate);
    step.mu = static_cast<float>(train.momentum);
    step.weight_decay = static_cast<float>(train.weight_decay);
    return step;
}

std::span<float> floats(std::byte* bytes, std::size_t count) { return {reinterpret_cast<float*>(bytes), count}; }

}  // namespace

SgdLearner::SgdLearner(const config::Config& config, std::size_t peer, std::shared_ptr<const Task> task,
                       std::vector<std::uint32_t> rows, std::unique_ptr<kernels::Backend> backend)
    : OrderedLearner(*task, Encoding::float32),
      task_(std::move(task)),
      backend_(std::move(backend)),
      network_(task_->table),
      batches_(std::move(rows), config.data.batch, stream(config.seed, Purpose::batches).split(peer)),
      how_(step_of(config.train)),
      evaluation_limit_(std::min<std::size_t>(task_->sets.test->rows(),
                                              config.metrics.evaluate_samples.value_or(UINT32_MAX))),
      targets_(batches_.size()) {
    slots_.push_back(backend_->allocate(size()));
    backend_->upload(task_->initial, slots_[model_slot]);
    if (how_.rule != kernels::Step::Rule::sgd) velocity_ = backend_->allocate(size());
}

void SgdLearner::claim(Slot slots) {
    while (slots_.size() < slots) slots_.push_back(backend_->allocate(size()));
}

Trained SgdLearner::train(const Train& order) {
    const std::uint32_t steps = order.steps;
    const std::size_t batch = batches_.size();
    const std::size_t block = on_boundary(size());
    const DeviceSpan memory = backend_->scratch(block + network_.pass_size(batch, true));
    gradient_ = memory.part(0, size());
    network_.lay_out(batch, true, memory.part(block, memory.size - block), pass_);
    backend_->take_losses();
    for (std::uint32_t s = 0; s < steps; ++s) {
        if (order.drift) backend_->axpby(static_cast<float>(order.drift->weight), slots_[order.drift->slot], 1, slots_[model_slot]);
        take_step(batches_.next(), order.rate_scale);
    }
    const kernels::Losses losses = backend_->take_losses();
    const auto samples = static_cast<double>(losses.rows);
    return {steps, losses.rows == 0 ? 0 : losses.sum / samples, samples};
}

void SgdLearner::take_step(std::span<const std::uint32_t> rows, double rate_scale) {
    const Dataset& set = *task_->sets.train;
    const DeviceSpan model = slots_[model_slot];
    gather(set, rows, *backend_, pass_.outputs.front());
    for (std::size_t i = 0; i < rows.size(); ++i) targets_[i] = set.labels[rows[i]];

    network_.forward(*backend_, model, pass_);
    backend_->softmax_cross_entropy(network_.classes(), std::span(targets_).first(rows.size()), pass_.outputs.back());
    network_.backward(*backend_, model, pass_, gradient_);

    auto decayed = how_;
    decayed.rate *= static_cast<float>(rate_scale);
    auto undecayed = decayed;
    undecayed.weight_decay = 0;
    const auto velocity_at = [this](DeviceSpan of, DeviceSpan in) {
        return velocity_.size == 0 ? DeviceSpan{} : velocity_.part(static_cast<std::size_t>(of.data - in.data), of.size);
    };
    for (const auto& layer : network_.layers()) {
        const DeviceSpan weights = layer.weights_of(model), biases = layer.biases_of(model);
        backend_->step(decayed, layer.weights_of(gradient_), velocity_at(weights, model), weights);
        backend_->step(undecayed, layer.biases_of(gradient_), velocity_at(biases, model), biases);
    }
}

void SgdLearner::freeze(Slot slot, Range range, std::byte* to) {
    backend_->download(slots_[slot].part(range.offset, range.count), floats(to, range.count));
}

Combined SgdLearner::combine(const Combine& order) {
    const Snapshot& theirs = order.theirs;
    const DeviceSpan ours = slots_[order.slot].part(theirs.range.offset, theirs.range.count);
    const auto ours_weight = static_cast<float>(order.ours_weight);
    const auto theirs_weight = static_cast<float>(order.theirs_weight);
    if (order.guard) {  // measured first, on a copy where we compute: nothing is written that the guard does not let pass
        const DeviceSpan staged = backend_->scratch(theirs.range.count);
        for_pieces_as<float>(theirs, [&](std::size_t begin, std::span<const float> piece) { backend_->upload(piece, staged.part(begin, piece.size())); });
        const DeviceSpan there = staged.part(0, theirs.range.count);
        const double distance = std::sqrt(backend_->squared_distance(there, ours)), norm = std::sqrt(backend_->squared_norm(ours));
        const double taken = passes(order.guard, distance, norm), weight = order.theirs_weight * taken;
        if (taken > 0) backend_->axpby(static_cast<float>(weight), there, static_cast<float>(1 - weight), ours);
        return {distance, norm, taken};
    }
    kernels::Mixed mixed;
    for_pieces_as<float>(theirs, [&](std::size_t begin, std::span<const float> piece) {
        const auto part = backend_->mix(ours_weight, ours.part(begin, piece.size()), theirs_weight, piece);
        mixed.squared_distance += part.squared_distance;
        mixed.squared_norm += part.squared_norm;
    });
    return {std::sqrt(mixed.squared_distance), std::sqrt(mixed.squared_norm)};
}

void SgdLearner::fold(const Fold& order, Range range) {
    if (order.to == order.from) {  // a scaling of what is there
        const DeviceSpan slot = slots_[order.to].part(range.offset, range.count);
        backend_->axpby(0, slot, static_cast<float>(order.to_weight + order.from_weight), slot);
        return;
    }
    backend_->axpby(static_cast<float>(order.from_weight), slots_[order.from].part(range.offset, range.count),
                    static_cast<float>(order.to_weight), slots_[order.to].part(range.offset, range.count));
}

void SgdLearner::swap(Slot slot) { std::swap(slots_[model_slot], slots_[slot]); }

std::size_t SgdLearner::evaluation_rows() const { return std::min<std::size_t>(evaluation_limit_, 256); }

Evaluation SgdLearner::evaluate() {
    return evaluate(slots_[model_slot], backend_->scratch(network_.pass_size(evaluation_rows(), false)));
}

Evaluation SgdLearner::evaluate(const Snapshot& whole) {
    assert(fits(whole, layout(), size()));
    assert(whole.range == (Range{0, size()}));
    const std::size_t block = on_boundary(size());
    const DeviceSpan memory = backend_->scratch(block + network_.pass_size(evaluation_rows(), false));
    const DeviceSpan parameters = memory.part(0, size());
    for_pieces_as<float>(whole, [&](std::size_t begin, std::span<const float> piece) {
        backend_->upload(piece, parameters.part(begin, piece.size()));
    });
    return evaluate(parameters, memory.part(block, memory.size - block));
}

Evaluation SgdLearner::evaluate(DeviceSpan parameters, DeviceSpan memory) {
    const Dataset& set = *task_->sets.test;
    const std::size_t at_once = evaluation_rows();
    std::vector<std::uint32_t> rows(at_once);
    backend_->take_losses();
    for (std::size_t begin = 0; begin < evaluation_limit_; begin += at_once) {
        rows.resize(std::min(at_once, evaluation_limit_ - begin));
        std::iota(rows.begin(), rows.end(), static_cast<std::uint32_t>(begin));
        network_.lay_out(rows.size(), false, memory, pass_);
        gather(set, rows, *backend_, pass_.outputs.front());
        network_.forward(*backend_, parameters, pass_);
        backend_->softmax_cross_entropy(network_.classes(), std::span(set.labels).subspan(begin, rows.size()),
                                        pass_.outputs.back());
    }
    const kernels::Losses losses = backend_->take_losses();
    if (losses.rows == 0) return {};
    const auto count = static_cast<double>(losses.rows);
    return {losses.sum / count, static_cast<double>(losses.correct) / count};
}

std::vector<float> SgdLearner::velocity() const {
    std::vector<float> values(velocity_.size);
    backend_->download(velocity_, values);
    return values;
}

void SgdLearner::set_velocity(std::span<const float> velocity) { backend_->upload(velocity, velocity_); }

}  // namespace grapevine::learn
