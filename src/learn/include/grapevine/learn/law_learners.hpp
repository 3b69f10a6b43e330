#pragma once

#include <memory>
#include <vector>

#include "grapevine/config/config.hpp"
#include "grapevine/learn/ordered_learner.hpp"
#include "grapevine/random.hpp"

namespace grapevine::learn {

// For the laws of mixing there are models whose every value is known in closed form: a vector in float64, and no
// data. The initial value of peer i of n, in every coordinate: normal: drawn from N(0,1), for each peer its own;
// delta: 1 for peer 0, else 0; index: i; alternate: +1, -1, +1, ...; wave: cos(2 pi i / n), a ring's worst mode;
// a number; and without a rule one draw from N(0,1) that all share.
class AverageLearner : public OrderedLearner {  // does not train: steps are counted and do nothing
public:
    AverageLearner(const config::Config& config, std::size_t peer, std::size_t peers,
                   std::shared_ptr<const Task> task);

    void claim(Slot slots) override;
    Evaluation evaluate() override { return {}; }
    Evaluation evaluate(const Snapshot&) override { return {}; }
    void save_state(Checkpoint&) const override {}
    std::optional<Error> load_state(const Checkpoint& from) override;

protected:
    Trained train(const Train& order) override { return {order.slice && !order.slice->last() ? 0 : order.steps, 0, 0}; }
    std::vector<double>& model() { return slots_[model_slot]; }
    const std::vector<double>& model() const { return slots_[model_slot]; }
    void drift(const Train& order);

private:
    void freeze(Slot slot, Range range, std::byte* to) override;
    Combined combine(const Combine& order, std::shared_ptr<void> ahead) override;
    void fold(const Fold& order, Range range) override;
    void swap(Slot slot) override;
    std::size_t slots() const override { return slots_.size(); }

    std::vector<std::vector<double>> slots_;
};

// Peer i has f_i(x) = a_i/2 |x - b_i|^2 and follows its gradient with noise: x -= rate * (a_i (x - b_i) + noise
// xi), xi ~ N(0,1) in each coordinate. A step counts as one sample. Its losses are of its own f_i, free of noise:
// when training before each step, else at the value given.
class QuadraticLearner final : public AverageLearner {
public:
    QuadraticLearner(const config::Config& config, std::size_t peer, std::size_t peers,
                     std::shared_ptr<const Task> task);

    Evaluation evaluate() override;
    Evaluation evaluate(const Snapshot& whole) override;

private:
    Trained train(const Train& order) override;
    double loss(const double* x) const;
    void begin_step();  // loss and noise of it
    void move(Range range, double rate_scale);

    double a_, b_, noise_, rate_;
    Random random_;
    std::vector<double> drawn_;  // noise of the step, where there is any
    double step_loss_ = 0;
};

}  // namespace grapevine::learn
