#include "grapevine/learn/stand_in_learner.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>
#include <utility>

#include "elements.hpp"
#include "grapevine/learn/resume.hpp"
#include "grapevine/learn/schedule.hpp"
#include "purposes.hpp"

namespace grapevine::learn {

namespace {

constexpr std::size_t dimension = 16;
constexpr double ratio = 0.757858283255199;  // of one curvature to the one before: 1/64 to the power of 1/15

}  // namespace

std::size_t StandInLearner::live(config::Compute compute) { return compute == config::Compute::surrogate ? dimension : 0; }

StandInLearner::StandInLearner(const config::Config& config, std::size_t peer, std::shared_ptr<const Task> task, std::size_t rows)
    : OrderedLearner(*task, Encoding::float32),
      task_(std::move(task)),
      options_(config.train),
      live_(std::min<std::size_t>(live(config.train.compute), size())),
      wanted_(config.data.batch),
      batch_(std::min<std::size_t>(wanted_, rows)),
      values_(live_),
      random_(stream(config.seed, Purpose::stand_ins).split(peer)) {
    assert(batch_ > 0);
    const double spread = 1 / std::sqrt(static_cast<double>(rows));
    for (std::size_t k = 0; k < live_; ++k) optimum_.push_back(static_cast<float>(1 + spread * random_.normal()));
    gradient_.resize(live_);
    if (options_.optimizer != config::TrainOptions::Optimizer::sgd) velocity_.resize(live_);
    if (options_.optimizer == config::TrainOptions::Optimizer::adamw) squares_.resize(live_);
}

// Its optimum stays: it stands for what is peculiar to a machine's rows, and hardly any is.
void StandInLearner::deal(std::vector<std::uint32_t> rows) {
    assert(!rows.empty());
    batch_ = std::min<std::size_t>(wanted_, rows.size());
}

void StandInLearner::claim(Slot slots) {
    slots_ = std::max<std::size_t>(slots_, slots);
    values_.resize(slots_ * live_);
}

// All that travels lies in memory that was zero and of which nobody has written more than the live part: the rest of it costs
// neither time nor, where it is long, memory.
std::shared_ptr<std::byte> StandInLearner::blank(std::size_t bytes) {
    return live_ == 0 ? std::shared_ptr<std::byte>(task_->nothing, task_->nothing.get()) : task_->blanks->take(bytes);
}

void StandInLearner::freeze(Slot from, Range range, std::byte* to) {
    const std::size_t n = living(range), written = std::min<std::size_t>(live_, range.count);  // by whoever had it before
    if (n > 0) std::memcpy(to, slot(from) + range.offset, n * sizeof(float));
    if (written > n) std::memset(to + n * sizeof(float), 0, (written - n) * sizeof(float));
}

Combined StandInLearner::combine(const Combine& order, std::shared_ptr<void>) {
    const Snapshot& theirs = order.theirs;
    const std::size_t n = living(theirs.range);
    if (n == 0) return {};
    float there[dimension];
    Decoder(theirs).read(0, std::span<float>(there, n));
    float* const ours = slot(order.slot) + theirs.range.offset;
    double distance = 0, norm = 0;
    for (std::size_t k = 0; k < n; ++k) {
        const double x = ours[k], d = static_cast<double>(there[k]) - x;
        distance += d * d;
        norm += x * x;
    }
    distance = std::sqrt(distance), norm = std::sqrt(norm);
    const double taken = passes(order.guard, distance, norm), weight = order.theirs_weight * taken;
    const double ours_weight = order.guard ? 1 - weight : order.ours_weight;
    if (taken == 0) return {distance, norm, 0};
    for (std::size_t k = 0; k < n; ++k)
        ours[k] = static_cast<float>((ours_weight == 0 ? 0 : ours_weight * ours[k]) + weight * there[k]);
    return {distance, norm, taken};
}

void StandInLearner::fold(const Fold& order, Range range) {
    const std::size_t n = living(range);
    for (std::size_t k = range.offset; k < range.offset + n; ++k) {
        float& to = slot(order.to)[k];
        to = static_cast<float>((order.to_weight == 0 ? 0 : order.to_weight * to) + order.from_weight * slot(order.from)[k]);
    }
}

void StandInLearner::swap(Slot other) {
    if (other != model_slot) std::swap_ranges(slot(model_slot), slot(model_slot) + live_, slot(other));
}

double StandInLearner::loss(const float* x) const {
    double sum = 0, curvature = 1;
    for (std::size_t k = 0; k < live_; ++k, curvature *= ratio) {
        const double d = x[k] - 1.0;
        sum += curvature / 2 * d * d;
    }
    return sum;
}

double StandInLearner::begin_step(const Train& order) {
    if (order.drift) fold({model_slot, order.drift->slot, 1, order.drift->weight, {}}, {0, size()});
    const float* const x = slot(model_slot);
    double curvature = 1, own = 0;
    for (std::size_t k = 0; k < live_; ++k, curvature *= ratio) {
        const double d = static_cast<double>(x[k]) - optimum_[k];
        own += curvature / 2 * d * d;
        gradient_[k] = static_cast<float>(curvature * d + std::sqrt(curvature / static_cast<double>(batch_)) * random_.normal());
    }
    if (options_.gradient_clip > 0) {
        double squares = 0;
        for (const float g : gradient_) squares += static_cast<double>(g) * g;
        if (const double norm = std::sqrt(squares); norm > options_.gradient_clip)
            for (float& g : gradient_) g *= static_cast<float>(options_.gradient_clip / norm);
    }
    return own;
}

// As the kernels' step() has it. step: of this peer, from 0 on.
void StandInLearner::move(Range range, std::uint64_t step, double rate_scale) {
    using Optimizer = config::TrainOptions::Optimizer;
    const std::size_t end = range.offset + living(range);
    const double rate = options_.learning_rate * rate_factor(options_.schedule, step) * rate_scale;
    const double mu = options_.momentum, beta1 = options_.beta1, beta2 = options_.beta2, decay = options_.weight_decay;
    const auto t = static_cast<double>(step + 1);
    float* const x = slot(model_slot);
    for (std::size_t k = range.offset; k < end; ++k) {
        const double g = gradient_[k];
        double d = g + decay * x[k];
        switch (options_.optimizer) {
            case Optimizer::sgd: break;
            case Optimizer::momentum: d = velocity_[k] = static_cast<float>(mu * velocity_[k] + d); break;
            case Optimizer::nesterov:
                velocity_[k] = static_cast<float>(mu * velocity_[k] + d);
                d += mu * velocity_[k];
                break;
            case Optimizer::adamw: {
                velocity_[k] = static_cast<float>(beta1 * velocity_[k] + (1 - beta1) * g);
                squares_[k] = static_cast<float>(beta2 * squares_[k] + (1 - beta2) * g * g);
                d = velocity_[k] / (1 - std::pow(beta1, t)) / (std::sqrt(squares_[k] / (1 - std::pow(beta2, t))) + options_.epsilon) + decay * x[k];
                break;
            }
        }
        x[k] -= static_cast<float>(rate * d);
    }
}

Trained StandInLearner::train(const Train& order) {
    const auto samples = static_cast<double>(batch_);
    if (const auto& slice = order.slice) {
        if (slice->index == 0) step_loss_ = begin_step(order);
        move(slice->of({0, size()}), steps(), order.rate_scale);
        return slice->last() ? Trained{1, step_loss_, samples} : Trained{};
    }
    double losses = 0;
    for (std::uint32_t s = 0; s < order.steps && live_ > 0; ++s) {
        losses += begin_step(order);
        move({0, size()}, steps() + s, order.rate_scale);
    }
    return {order.steps, order.steps == 0 ? 0 : losses / order.steps, samples * order.steps};
}

Evaluation StandInLearner::evaluate() { return {loss(slot(model_slot)), {}}; }

Evaluation StandInLearner::evaluate(const Snapshot& whole) {
    assert(fits(whole, layout(), size()));
    float x[dimension];
    Decoder(whole).read(0, std::span<float>(x, live_));
    return {loss(x), {}};
}

void StandInLearner::save_state(Checkpoint&) const {}
std::optional<Error> StandInLearner::load_state(const Checkpoint&) { return not_of_this_run("a stand-in has no model"); }

}  // namespace grapevine::learn
