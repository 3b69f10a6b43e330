#include "grapevine/learn/forest_learner.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>
#include <utility>

#include "cart.hpp"
#include "grapevine/learn/encoding.hpp"
#include "grapevine/learn/resume.hpp"
#include "purposes.hpp"

namespace grapevine::learn {

namespace {
constexpr const char *grown_key = "trees_grown", *loss_key = "state.loss";
}  // namespace

TensorTable ForestLearner::table(std::uint32_t places, std::uint32_t depth) {
    TensorTable table;
    table.add("trees", {places, 1 + Cart(depth).size()}, Tensor::Role::set);
    return table;
}

ForestLearner::ForestLearner(const config::Config& config, std::size_t peer, std::shared_ptr<const Task> task, std::vector<std::uint32_t> rows)
    : OrderedLearner(*task, Encoding::float32),
      task_(std::move(task)),
      depth_(config.model.depth),
      trees_(task_->table.find("trees")),
      first_(std::uint64_t{peer} * config.model.trees),
      share_(first_ + config.model.trees <= trees_->shape[0] ? config.model.trees : 0),
      random_(stream(config.seed, Purpose::trees).split(peer)),
      evaluation_limit_(std::min<std::size_t>(task_->sets.test->rows(), config.metrics.evaluate_samples.value_or(UINT32_MAX))),
      rows_(std::move(rows)),
      block_(size()) {}

// Exchanges that need another slot reckon with what is in it, and are refused.
void ForestLearner::claim(Slot slots) { assert(slots <= 1); }
void ForestLearner::fold(const Fold&, Range) { assert(!"sets do not fold"); }
void ForestLearner::swap(Slot slot) { assert(slot == model_slot); }

bool ForestLearner::is_tree(std::span<const float> piece) const {
    return Cart(depth_).is_one(piece, task_->sets.train->features, task_->sets.train->classes);
}

Trained ForestLearner::train(const Train& order) {
    assert(!order.drift);
    double losses = 0, samples = 0;
    for (std::uint32_t s = 0; s < order.steps; ++s) {
        if (grown_ < share_) {
            const std::span<float> place = std::span(block_).subspan(trees_->offset + (first_ + grown_) * trees_->shape[1], trees_->shape[1]);
            if (place[0] == 0) {  // else somebody kept it while we were away: the same rows and seed grow the same tree
                loss_ = grow(place, random_.split(grown_));
                samples += static_cast<double>(rows_.size());
            }
            ++grown_;
        }
        losses += loss_;
    }
    return {order.steps, order.steps == 0 ? 0 : losses / order.steps, samples};
}

double ForestLearner::grow(std::span<float> place, Random random) {
    const Dataset& set = *task_->sets.train;
    std::vector<std::uint32_t> bag(rows_.size());
    std::vector<bool> in_bag(rows_.size());
    for (std::uint32_t& row : bag) {
        const std::size_t i = random.below(rows_.size());
        row = rows_[i];
        in_bag[i] = true;
    }
    const Cart cart(depth_);
    const std::span<float> tree = place.subspan(1);
    cart.grow(set, bag, random.split(0), tree);
    place[0] = 1;
    std::size_t wrong = 0, out = 0;
    std::visit([&](const auto& values) {
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            if (in_bag[i]) continue;
            ++out;
            if (cart.predict(tree, values.data() + rows_[i] * set.features) != static_cast<std::size_t>(set.labels[rows_[i]])) ++wrong;
        }
    }, set.values);
    return out > 0 ? static_cast<double>(wrong) / static_cast<double>(out) : 0;
}

void ForestLearner::freeze(Slot, Range range, std::byte* to) {
    if (range.count > 0) std::memcpy(to, block_.data() + range.offset, range.count * sizeof(float));
}

Combined ForestLearner::combine(const Combine& order, std::shared_ptr<void>) {
    const Range range = order.theirs.range;
    std::vector<float> theirs(range.count);
    decode(order.theirs, theirs);
    double distance = 0, norm = 0;
    for (std::size_t i = 0; i < theirs.size(); ++i) {
        const double x = static_cast<double>(block_[range.offset + i]), d = static_cast<double>(theirs[i]) - x;
        distance += d * d;
        norm += x * x;
    }
    const bool believed = unite(*trees_, block_, range.offset, theirs, [&](std::span<const float> piece) { return is_tree(piece); });
    return {std::sqrt(distance), std::sqrt(norm), believed ? 1.0 : 0.0};
}

Evaluation ForestLearner::evaluate() { return evaluate(block_); }

Evaluation ForestLearner::evaluate(const Snapshot& whole) {
    assert(fits(whole, layout(), size()));
    assert(whole.range == (Range{0, size()}));
    std::vector<float> block(size());
    decode(whole, block);
    for (std::uint64_t i = 0; i < trees_->shape[0]; ++i) {
        const std::span<float> place = std::span(block).subspan(trees_->offset + i * trees_->shape[1], trees_->shape[1]);
        if (place[0] != 1 || !is_tree(place.subspan(1))) place[0] = 0;
    }
    return evaluate(block);
}

Evaluation ForestLearner::evaluate(std::span<const float> block) const {
    const Dataset& set = *task_->sets.test;
    const Cart cart(depth_);
    std::vector<std::span<const float>> forest;
    for (std::uint64_t i = 0; i < trees_->shape[0]; ++i)
        if (const std::uint64_t at = trees_->offset + i * trees_->shape[1]; block[at] == 1) forest.push_back(block.subspan(at + 1, cart.size()));
    std::vector<std::size_t> votes(set.classes);
    std::size_t right = 0;
    double against = 0;
    std::visit([&](const auto& values) {
        for (std::size_t row = 0; row < evaluation_limit_; ++row) {
            std::fill(votes.begin(), votes.end(), 0);
            for (const auto& tree : forest) ++votes[cart.predict(tree, values.data() + row * set.features)];
            const auto label = static_cast<std::size_t>(set.labels[row]);
            if (static_cast<std::size_t>(std::max_element(votes.begin(), votes.end()) - votes.begin()) == label) ++right;
            // Without a tree all classes are alike.
            against += forest.empty() ? 1 - 1 / static_cast<double>(set.classes) : 1 - static_cast<double>(votes[label]) / static_cast<double>(forest.size());
        }
    }, set.values);
    const double rows = static_cast<double>(std::max<std::size_t>(evaluation_limit_, 1));
    return {against / rows, static_cast<double>(right) / rows};
}

void ForestLearner::save_state(Checkpoint& to) const {
    to.metadata[grown_key] = std::to_string(grown_);
    to.states.push_back({loss_key, std::vector<double>{loss_}});
}

std::optional<Error> ForestLearner::load_state(const Checkpoint& from) {
    const auto grown = from.number(grown_key);
    const auto* loss = from.state<double>(loss_key);
    if (!grown || *grown > share_ || !loss || loss->size() != 1) return not_of_this_run("it does not say how many trees of this peer are grown");
    const auto block = block_of(task_->table, from);
    if (const auto* error = std::get_if<Error>(&block)) return *error;
    unite(*trees_, block_, 0, std::get<std::vector<float>>(block), [&](std::span<const float> piece) { return is_tree(piece); });
    grown_ = *grown;
    loss_ = loss->front();
    return std::nullopt;
}

}  // namespace grapevine::learn
