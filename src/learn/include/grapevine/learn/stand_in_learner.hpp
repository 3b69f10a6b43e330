#pragma once

#include <cstddef>
#include <vector>

#include "grapevine/config/config.hpp"
#include "grapevine/learn/ordered_learner.hpp"
#include "grapevine/random.hpp"

namespace grapevine::learn {

// In place of a model that is trained, for runs that ask what an exchange costs and not what is learnt. Layout and size are the
// real model's: what travels is as long, a step counts as many samples, and an exchange decides the same. But of its parameters
// all except the first `live` are zero for ever, and of those alone there is memory.
//
// none        0 live: a step does nothing.
// surrogate  16 live: a step follows the gradient of f_i(x) = 1/2 sum_k h_k (x_k - b_ik)^2, by the optimiser of the config and its schedule. The
//            curvatures h_k fall geometrically from 1 to 1/64, so that the loss falls fast at first and ever more slowly, as
//            that of real training does; b_ik = 1 + N(0,1) / sqrt(rows of the shard), and the gradient has noise of variance
//            h_k / batch, as near an optimum (its covariance is about the Hessian). All start at x = 0. It is evaluated at
//            b = 1. How skewed a shard is plays no part, and the curve is nobody's but its own: it shows that an exchange does
//            its work, never how well a model would be.
class StandInLearner final : public OrderedLearner {
public:
    StandInLearner(const config::Config& config, std::size_t peer, std::shared_ptr<const Task> task, std::size_t rows);

    void claim(Slot slots) override;
    Evaluation evaluate() override;
    Evaluation evaluate(const Snapshot& whole) override;
    void deal(std::vector<std::uint32_t> rows) override;
    void save_state(Checkpoint& to) const override;
    std::optional<Error> load_state(const Checkpoint& from) override;

    static std::size_t live(config::Compute compute);

private:
    Trained train(const Train& order) override;
    std::shared_ptr<std::byte> blank(std::size_t bytes) override;
    std::uint64_t alive() const override { return live_; }
    void freeze(Slot slot, Range range, std::byte* to) override;
    Combined combine(const Combine& order, std::shared_ptr<void> ahead) override;
    void fold(const Fold& order, Range range) override;
    void swap(Slot slot) override;
    std::size_t slots() const override { return slots_; }

    float* slot(Slot s) { return values_.data() + s * live_; }
    double loss(const float* x) const;
    double begin_step(const Train& order);  // its loss
    void move(Range range, std::uint64_t step, double rate_scale);
    // What of a range is live: from its first place on.
    std::size_t living(Range range) const { return range.offset >= live_ ? 0 : std::min<std::size_t>(range.count, live_ - range.offset); }

    std::shared_ptr<const Task> task_;
    config::TrainOptions options_;
    std::size_t live_, wanted_, batch_, slots_ = 1;  // wanted_: rows a step, where there are as many
    std::vector<float> values_;        // of all slots, side by side
    std::vector<float> optimum_, gradient_, velocity_, squares_;  // velocity_: but for sgd; squares_: of adamw
    Random random_;
    double step_loss_ = 0;             // of a step in slices
};

}  // namespace grapevine::learn
