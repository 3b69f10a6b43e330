#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "grapevine/learn/model.hpp"

namespace grapevine::learn {

// Matrix factorisation with biases (Koren, Bell and Volinsky 2009): user u rates item i with mean + b_u + b_i + p_u . q_i. Loss: the
// squared difference from the rating, so that its root is the RMSE. The mean is that of the training part and stays as it is; it lies
// in the block, so that a checkpoint can predict by itself. Vectors decay where [train] says so, biases do not.
class Factors final : public Model {
public:
    Factors(const DataShape& data, std::size_t rank);

    std::vector<float> initial(std::uint64_t seed) const override;
    std::size_t memory(kernels::Element element, std::size_t rows, bool backward) const override;
    kernels::DeviceSpan forward(const Pass& pass) const override;
    std::size_t outputs() const override { return 1; }
    void lose(const Pass& pass) const override;
    std::size_t stages() const override { return 1; }
    Range parameters_of(std::size_t) const override { return {0, table_.size()}; }
    void backward(const Pass& pass, std::size_t stage) const override;
    using Model::backward;
    double forward_flops() const override { return 2.0 * static_cast<double>(rank_); }
    double step_flops() const override { return 3 * forward_flops(); }

private:
    struct Places;  // where in a pass's memory everything lies
    Places places(Room& room, kernels::Element element, std::size_t rows, bool backward) const;

    std::size_t users_, items_, rank_;
    float mean_;
    std::uint64_t mean_at_, user_biases_, item_biases_, user_vectors_, item_vectors_;  // offsets
};

}  // namespace grapevine::learn
