#pragma once

#include <memory>
#include <span>
#include <vector>

#include "grapevine/config/config.hpp"
#include "grapevine/kernels/backend.hpp"
#include "grapevine/learn/batches.hpp"
#include "grapevine/learn/network.hpp"
#include "grapevine/learn/ordered_learner.hpp"

namespace grapevine::learn {

// Trains a Network by stochastic gradient descent on its shard. Of its own it has the slots, and a velocity if
// the optimiser has one, which is never mixed; gradients and activations are scratch that all learners of a
// thread share, but for steps in slices.
class SgdLearner final : public OrderedLearner {
public:
    SgdLearner(const config::Config& config, std::size_t peer, std::shared_ptr<const Task> task,
               std::vector<std::uint32_t> rows, std::unique_ptr<kernels::Backend> backend);

    void claim(Slot slots) override;
    Evaluation evaluate() override;
    Evaluation evaluate(const Snapshot& whole) override;

    // The optimiser's, in the parameters' layout; empty where it has none. For checkpoints.
    std::vector<float> velocity() const;
    void set_velocity(std::span<const float> velocity);  // of velocity()'s size

private:
    Trained train(const Train& order) override;
    void freeze(Slot slot, Range range, std::byte* to) override;
    Combined combine(const Combine& order) override;
    void fold(const Fold& order, Range range) override;
    void swap(Slot slot) override;
    std::size_t slots() const override { return slots_.size(); }

    kernels::DeviceSpan slot(Slot s);
    void take_step(std::span<const std::uint32_t> rows, double rate_scale);
    Trained take_slice(const Train& order);
    void forward(std::span<const std::uint32_t> rows);                 // and the gradient of the logits
    void update(Range range, double rate_scale);                       // by gradient_
    Evaluation evaluate(kernels::DeviceSpan parameters, kernels::DeviceSpan memory);
    std::size_t evaluation_rows() const;  // at a time

    std::shared_ptr<const Task> task_;
    std::unique_ptr<kernels::Backend> backend_;
    Network network_;
    Batches batches_;
    kernels::Step how_;              // with weight decay, which biases do without
    std::size_t evaluation_limit_;   // samples
    std::vector<kernels::DeviceSpan> slots_;  // as far as they were used
    kernels::DeviceSpan velocity_;
    kernels::DeviceSpan gradient_;          // scratch, of the order being carried out
    Network::Pass pass_;                    // likewise
    std::vector<std::int32_t> targets_;     // of the batch
    kernels::DeviceSpan sliced_;            // gradient and activations of a step in slices: other orders come between them
    std::size_t layers_left_ = 0;           // in its backward pass
    Trained sliced_step_;                   // what its last slice will answer
};

}  // namespace grapevine::learn
