#pragma once

#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "grapevine/config/config.hpp"
#include "grapevine/kernels/backend.hpp"
#include "grapevine/learn/batches.hpp"
#include "grapevine/learn/model.hpp"
#include "grapevine/learn/ordered_learner.hpp"

namespace grapevine::learn {

// Trains a Model by stochastic gradient descent on its shard. Of its own it has the slots, and an optimiser's state if
// the rule has one, which is never mixed; each is one block that never moves once it is there. Gradients and activations are
// scratch that all learners of a thread share, but for steps in slices.
class SgdLearner final : public OrderedLearner {
public:
    SgdLearner(const config::Config& config, std::size_t peer, std::shared_ptr<const Task> task,
               std::vector<std::uint32_t> rows, std::unique_ptr<kernels::Backend> backend);

    void claim(Slot slots) override;
    void draw_initial() override;
    bool looks_ahead() const override { return backend_->transfers(); }
    std::shared_ptr<void> look_ahead(const Order& order) override;
    Evaluation evaluate() override;
    Evaluation evaluate(const Snapshot& whole) override;
    void deal(std::vector<std::uint32_t> rows) override { batches_.deal(std::move(rows)); }
    void batch(std::size_t samples) { batches_.size(samples); }  // a step, from here on
    void save_state(Checkpoint& to) const override;
    std::optional<Error> load_state(const Checkpoint& from) override;

    // The optimiser's state, blocks in the parameters' layout: none, one or two. For checkpoints.
    std::size_t states() const { return states_; }
    std::vector<float> state(std::size_t which) const;
    void set_state(std::size_t which, std::span<const float> state);  // of size()

private:
    Trained train(const Train& order) override;
    void freeze(Slot slot, Range range, std::byte* to) override;
    Combined combine(const Combine& order, std::shared_ptr<void> ahead) override;
    Combined combine_beside(const Combine& order, std::shared_ptr<void> ahead);
    std::shared_ptr<std::byte> blank(std::size_t bytes) override;
    bool freezes_beside(Encoding encoding) const override;
    std::function<void()> begin_freeze(Slot slot, Range range, Encoding encoding, std::shared_ptr<std::byte> to) override;
    void fold(const Fold& order, Range range) override;
    void swap(Slot slot) override;
    std::size_t slots() const override { return slots_.size(); }

    struct Work;  // where an order's memory lies
    Work work(Room& room, std::uint32_t steps) const;
    kernels::DeviceSpan slot(Slot s);
    Pass pass(const Work& work, std::uint32_t step);
    void stage(const Work& work, std::uint32_t steps, double rate_scale);
    void forward(const Pass& pass, const Train& order);
    void update(const Pass& pass, kernels::DeviceSpan rates, Range range);
    Trained take_slice(const Train& order);
    Evaluation evaluate(kernels::DeviceSpan parameters, Room memory);
    std::size_t evaluation_rows() const;  // at a time
    std::vector<std::string> names_of_states() const;  // in a checkpoint, before their tensors' names

    std::shared_ptr<const Task> task_;
    std::unique_ptr<kernels::Backend> backend_;
    const Model& model_;  // the task's
    Kept train_, test_;
    Batches batches_;
    Random augment_;
    std::uint64_t seed_;                      // of the run
    config::TrainOptions options_;
    kernels::Step how_;
    kernels::Decays decays_;
    std::vector<std::uint8_t> decay_flags_;   // where decays_ points to; empty: all decay, or none
    std::size_t evaluation_limit_;            // samples
    std::vector<kernels::DeviceSpan> slots_;  // as far as they were used
    std::size_t states_;
    kernels::DeviceSpan state_[2];            // the optimiser's
    kernels::DeviceSpan sliced_;              // memory of a step in slices: other orders come between them
    std::uint64_t steps_before_ = 0;          // those that stage() lays out
    std::size_t stages_left_ = 0;             // in its backward pass
    Trained sliced_step_;                     // what its last slice will answer
};

}  // namespace grapevine::learn
