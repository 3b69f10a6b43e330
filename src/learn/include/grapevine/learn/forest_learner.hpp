#pragma once

#include <memory>
#include <vector>

#include "grapevine/config/config.hpp"
#include "grapevine/learn/ordered_learner.hpp"
#include "grapevine/learn/pieces.hpp"
#include "grapevine/random.hpp"

namespace grapevine::learn {

// A random forest (Breiman 2001) that all peers grow together. Each grows its trees on bootstraps of its own shard, one a step until
// it has its share, and puts each into a place of its own: the k-th tree of peer i into place i * trees + k. The block is all places,
// one tensor of merge kind `set`, so that everybody ends with the trees of all:
//
//     trees (places, 1 + numbers of a tree): for each place 1 and a tree (cart.hpp), or zeros
//
// Every tree has one vote, and the class with most votes is the answer, of equal ones the first. A peer whose places would lie beyond
// the end grows nothing, and collects and votes like the others. A tree from outside is looked at before it is believed: that its
// features and classes exist and its thresholds are numbers. What it says nobody can check.
class ForestLearner final : public OrderedLearner {
public:
    ForestLearner(const config::Config& config, std::size_t peer, std::shared_ptr<const Task> task, std::vector<std::uint32_t> rows);

    static TensorTable table(std::uint32_t places, std::uint32_t depth);

    void claim(Slot slots) override;
    // Loss: the share of the votes that are for a wrong class. Of a snapshot only what is a tree votes: in a mean of models
    // that are those which all of them have.
    Evaluation evaluate() override;
    Evaluation evaluate(const Snapshot& whole) override;
    void save_state(Checkpoint& to) const override;
    std::optional<Error> load_state(const Checkpoint& from) override;

private:
    // Loss: how much of the shard that is not in its bootstrap the last tree gets wrong (out of bag; Breiman 1996).
    Trained train(const Train& order) override;
    void freeze(Slot slot, Range range, std::byte* to) override;
    Combined combine(const Combine& order, std::shared_ptr<void> ahead) override;
    void fold(const Fold& order, Range range) override;
    void swap(Slot slot) override;
    std::size_t slots() const override { return 1; }

    double grow(std::span<float> place, Random random);
    bool is_tree(std::span<const float> piece) const;
    Evaluation evaluate(std::span<const float> block) const;

    std::shared_ptr<const Task> task_;
    std::uint32_t depth_;
    const Tensor* trees_;            // in the task's table
    std::uint64_t first_, share_;    // places of our own
    std::uint64_t grown_ = 0;        // of them, or found there
    double loss_ = 0;
    Random random_;
    std::size_t evaluation_limit_;   // rows
    std::vector<std::uint32_t> rows_;
    std::vector<float> block_;
};

}  // namespace grapevine::learn
