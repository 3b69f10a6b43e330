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
    slots_.resize(1);
    backend_->upload(task_->initial, slot(model_slot));
    if (how_.rule != kernels::Step::Rule::sgd) velocity_ = backend_->allocate(size());
}

void SgdLearner::claim(Slot slots) {
    if (slots_.size() < slots) slots_.resize(slots);
}

// Some exchanges need one now and then only, or never: it takes memory from its first use on.
DeviceSpan SgdLearner::slot(Slot s) {
    if (slots_[s].size == 0) slots_[s] = backend_->allocate(size());
    return slots_[s];
}

Trained SgdLearner::train(const Train& order) {
    if (order.slice) return take_slice(order);
    const std::uint32_t steps = order.steps;
    const std::size_t batch = batches_.size();
    const std::size_t block = on_boundary(size());
    const DeviceSpan memory = backend_->scratch(block + network_.pass_size(batch, true));
    gradient_ = memory.part(0, size());
    network_.lay_out(batch, true, memory.part(block, memory.size - block), pass_);
    backend_->take_losses();
    for (std::uint32_t s = 0; s < steps; ++s) {
        if (order.drift) backend_->axpby(static_cast<float>(order.drift->weight), slot(order.drift->slot), 1, slot(model_slot));
        take_step(batches_.next(), order.rate_scale);
    }
    const kernels::Losses losses = backend_->take_losses();
    const auto samples = static_cast<double>(losses.rows);
    return {steps, losses.rows == 0 ? 0 : losses.sum / samples, samples};
}

// A layer's gradient is made as a whole when the first of its parameters is wanted, and with it what goes to the layer
// below: that needs the weights as they were.
Trained SgdLearner::take_slice(const Train& order) {
    const Slice& slice = *order.slice;
    const std::size_t batch = batches_.size(), block = on_boundary(size());
    const DeviceSpan model = slot(model_slot);
    if (sliced_.size == 0) sliced_ = backend_->allocate(block + network_.pass_size(batch, true));
    gradient_ = sliced_.part(0, size());
    network_.lay_out(batch, true, sliced_.part(block, sliced_.size - block), pass_);
    if (slice.index == 0) {
        backend_->take_losses();
        if (order.drift) backend_->axpby(static_cast<float>(order.drift->weight), slot(order.drift->slot), 1, model);
        forward(batches_.next());
        const kernels::Losses losses = backend_->take_losses();
        const auto samples = static_cast<double>(losses.rows);
        sliced_step_ = {1, losses.rows == 0 ? 0 : losses.sum / samples, samples};
        layers_left_ = network_.layers().size();
    }
    const Range range = slice.of({0, size()});
    const auto end_of = [&](std::size_t l) { return network_.layers()[l].biases + network_.layers()[l].outputs; };
    while (layers_left_ > 0 && range.offset < end_of(layers_left_ - 1)) {
        --layers_left_;
        network_.backward(*backend_, layers_left_, model, pass_, gradient_);
    }
    update(range, order.rate_scale);
    return slice.last() ? sliced_step_ : Trained{};
}

void SgdLearner::take_step(std::span<const std::uint32_t> rows, double rate_scale) {
    forward(rows);
    network_.backward(*backend_, slot(model_slot), pass_, gradient_);
    update({0, size()}, rate_scale);
}

void SgdLearner::forward(std::span<const std::uint32_t> rows) {
    const Dataset& set = *task_->sets.train;
    gather(set, rows, *backend_, pass_.outputs.front());
    for (std::size_t i = 0; i < rows.size(); ++i) targets_[i] = set.labels[rows[i]];

    network_.forward(*backend_, slot(model_slot), pass_);
    backend_->softmax_cross_entropy(network_.classes(), std::span(targets_).first(rows.size()), pass_.outputs.back());
}

void SgdLearner::update(Range range, double rate_scale) {
    const DeviceSpan model = slot(model_slot);
    auto decayed = how_;
    decayed.rate *= static_cast<float>(rate_scale);
    auto undecayed = decayed;
    undecayed.weight_decay = 0;
    const auto step = [&](const kernels::Step& how, std::uint64_t offset, std::uint64_t count) {  // what of it lies in the range
        const std::uint64_t begin = std::max(offset, range.offset), end = std::min(offset + count, range.offset + range.count);
        if (begin >= end) return;
        const auto here = [&](DeviceSpan of) { return of.size == 0 ? of : of.part(begin, end - begin); };
        backend_->step(how, here(gradient_), here(velocity_), here(model));
    };
    for (const auto& layer : network_.layers()) {
        step(decayed, layer.weights, layer.inputs * layer.outputs);
        step(undecayed, layer.biases, layer.outputs);
    }
}

void SgdLearner::freeze(Slot from, Range range, std::byte* to) {
    backend_->download(slot(from).part(range.offset, range.count), floats(to, range.count));
}

Combined SgdLearner::combine(const Combine& order) {
    const Snapshot& theirs = order.theirs;
    const DeviceSpan ours = slot(order.slot).part(theirs.range.offset, theirs.range.count);
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
        const DeviceSpan there = slot(order.to).part(range.offset, range.count);
        backend_->axpby(0, there, static_cast<float>(order.to_weight + order.from_weight), there);
        return;
    }
    backend_->axpby(static_cast<float>(order.from_weight), slot(order.from).part(range.offset, range.count),
                    static_cast<float>(order.to_weight), slot(order.to).part(range.offset, range.count));
}

void SgdLearner::swap(Slot other) {
    slot(other);
    std::swap(slots_[model_slot], slots_[other]);
}

std::size_t SgdLearner::evaluation_rows() const { return std::min<std::size_t>(evaluation_limit_, 256); }

Evaluation SgdLearner::evaluate() {
    return evaluate(slot(model_slot), backend_->scratch(network_.pass_size(evaluation_rows(), false)));
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
