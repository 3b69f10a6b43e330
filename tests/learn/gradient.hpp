#pragma once

#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "grapevine/learn/model.hpp"
#include "support.hpp"

namespace grapevine::learn {

inline std::shared_ptr<const Model> model_of(const config::Config& config, const DataShape& data) {
    auto made = make_model(config, data);
    REQUIRE(std::holds_alternative<std::shared_ptr<const Model>>(made));
    return std::get<std::shared_ptr<const Model>>(made);
}

// One way through a model and back over all rows of a set, as a learner goes it.
struct Gone {
    double loss = 0;              // mean over the rows
    std::vector<float> gradient;  // of the block
};
inline Gone there_and_back(const Model& model, const Dataset& set, std::span<const std::int32_t> staged, std::span<const float> parameters, kernels::Backend& backend) {
    const std::size_t rows = set.rows();
    const auto block = backend.allocate(model.table().size()), gradient = backend.allocate(model.table().size());
    backend.upload(parameters, block);
    const std::size_t needed = model.memory(backend.element(), rows, true);
    Room room(backend.allocate(on_boundary(staged.size()) + needed));
    const auto on_device = room.indices(staged.size());
    backend.upload(staged, on_device);
    const auto memory = room.floats(needed);
    const std::vector<float> poison(needed, std::numeric_limits<float>::quiet_NaN());  // nothing may count on what lies there
    backend.upload(poison, memory);
    const Kept kept = keep(set, backend);
    const Pass pass{backend, set, kept, rows, true, on_device, block, backend.shadow(block), gradient, memory};
    model.forward(pass);
    model.lose(pass);
    model.backward(pass);
    Gone gone;
    gone.gradient.resize(model.table().size());
    backend.download(gradient, gone.gradient);
    gone.loss = backend.take_losses().sum / static_cast<double>(rows);
    return gone;
}

// Largest difference between a gradient and the central differences of a loss in double, over the gradient's largest element.
inline double disagreement(std::span<const float> gradient, std::vector<double> at, const std::function<double(const std::vector<double>&)>& loss) {
    double worst = 0, largest = 0;
    for (std::size_t i = 0; i < at.size(); ++i) {
        constexpr double h = 1e-5;
        const double here = at[i];
        at[i] = here + h;
        const double above = loss(at);
        at[i] = here - h;
        const double slope = (above - loss(at)) / (2 * h);
        at[i] = here;
        worst = std::max(worst, std::abs(slope - static_cast<double>(gradient[i])));
        largest = std::max(largest, std::abs(slope));
    }
    CHECK(largest > 0.001);
    return worst / largest;
}

// 0.5 sin(phase + i) for element i of a tensor.
inline void wave(const TensorTable& table, const char* name, double phase, std::vector<float>& block) {
    const Tensor& t = *table.find(name);
    for (std::uint64_t i = 0; i < t.size(); ++i) block[t.offset + i] = static_cast<float>(0.5 * std::sin(phase + static_cast<double>(i)));
}

// The losses of plain steps on the same rows.
inline std::vector<double> descend(const Model& model, const Dataset& set, std::span<const std::int32_t> staged, std::vector<float> parameters, float rate) {
    const auto backend = kernels::make_cpu_backend();
    std::vector<double> losses;
    for (int step = 0; step < 5; ++step) {
        const Gone gone = there_and_back(model, set, staged, parameters, *backend);
        for (std::size_t i = 0; i < parameters.size(); ++i) parameters[i] -= rate * gone.gradient[i];
        losses.push_back(gone.loss);
    }
    return losses;
}

}  // namespace grapevine::learn
