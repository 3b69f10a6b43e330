#include <cmath>
#include <numeric>

#include "grapevine/learn/model.hpp"
#include "grapevine/random.hpp"
#include "support.hpp"

using namespace grapevine;
using namespace grapevine::learn;

namespace {

constexpr std::size_t features = 5, classes = 4, rows = 9;

config::Config perceptron(const std::vector<std::uint32_t>& hidden) {
    config::Config config;
    config.model.kind = hidden.empty() ? config::ModelKind::logistic : config::ModelKind::mlp;
    config.model.hidden = hidden;
    return config;
}

std::shared_ptr<const Model> model_of(const config::Config& config, const DataShape& data) {
    auto made = make_model(config, data);
    REQUIRE(std::holds_alternative<std::shared_ptr<const Model>>(made));
    return std::get<std::shared_ptr<const Model>>(made);
}

// The mean cross-entropy of a perceptron in plain loops and in double.
double loss(const TensorTable& table, const std::vector<double>& block, const Dataset& set) {
    const auto& inputs = std::get<std::vector<float>>(set.values);
    double sum = 0;
    for (std::size_t row = 0; row < set.rows(); ++row) {
        std::vector<double> x(inputs.begin() + static_cast<std::ptrdiff_t>(row * features), inputs.begin() + static_cast<std::ptrdiff_t>((row + 1) * features));
        for (std::size_t l = 0; l < table.tensors().size(); l += 2) {
            const Tensor &w = table.tensors()[l], &b = table.tensors()[l + 1];
            std::vector<double> y(b.size());
            for (std::size_t j = 0; j < y.size(); ++j) {
                y[j] = block[b.offset + j];
                for (std::size_t i = 0; i < x.size(); ++i) y[j] += x[i] * block[w.offset + i * y.size() + j];
                if (l + 2 < table.tensors().size()) y[j] = std::max(0.0, y[j]);
            }
            x = y;
        }
        double exponentials = 0;
        for (const double v : x) exponentials += std::exp(v);
        sum += std::log(exponentials) - x[static_cast<std::size_t>(set.labels[row])];
    }
    return sum / static_cast<double>(set.rows());
}

// Largest difference between a backend's gradient and central differences, over the gradient's largest element.
double disagreement(const std::vector<std::uint32_t>& hidden, kernels::Backend& backend) {
    Random random(1);
    Dataset set;
    set.features = features;
    set.classes = classes;
    std::vector<float> inputs(rows * features);
    for (float& x : inputs) x = static_cast<float>(random.normal());
    set.values = inputs;
    for (std::size_t i = 0; i < rows; ++i) set.labels.push_back(static_cast<std::int32_t>(random.below(classes)));
    const auto model = model_of(perceptron(hidden), set);
    const TensorTable& table = model->table();
    const auto parameters = model->initial(3);

    const auto block = backend.allocate(table.size()), gradient = backend.allocate(table.size());
    backend.upload(std::span<const float>(parameters), block);
    std::vector<std::uint32_t> all(rows);
    std::iota(all.begin(), all.end(), 0u);
    std::vector<std::int32_t> staged(rows);
    model->stage(set, all, nullptr, staged);
    Room room(backend.allocate(1 << 20));
    const auto on_device = room.indices(rows);
    backend.upload(std::span<const std::int32_t>(staged), on_device);
    const Kept kept = keep(set, backend);
    const Pass pass{backend, set, kept, rows, true, on_device, block, backend.shadow(block), gradient, room.floats(model->memory(backend.element(), rows, true))};
    model->forward(pass);
    model->lose(pass);
    model->backward(pass);
    std::vector<float> found(table.size());
    backend.download(gradient, found);

    std::vector<double> exact(parameters.begin(), parameters.end());
    CHECK(backend.take_losses().sum / rows == doctest::Approx(loss(table, exact, set)));
    double worst = 0, largest = 0;
    for (std::size_t i = 0; i < table.size(); ++i) {
        constexpr double h = 1e-5;
        const double here = exact[i];
        exact[i] = here + h;
        const double above = loss(table, exact, set);
        exact[i] = here - h;
        const double slope = (above - loss(table, exact, set)) / (2 * h);
        exact[i] = here;
        worst = std::max(worst, std::abs(slope - found[i]));
        largest = std::max(largest, std::abs(slope));
    }
    CHECK(largest > 0.01);
    return worst / largest;
}

}  // namespace

TEST_CASE("the gradient of logistic regression is what central differences say") {
    CHECK(disagreement({}, *kernels::make_cpu_backend()) < 1e-5);
    CHECK(disagreement({}, *kernels::make_cpu_backend(1, kernels::Products::own)) < 1e-5);
}

TEST_CASE("so are those of perceptrons with one, two and three hidden layers") {
    for (const std::vector<std::uint32_t>& hidden : {std::vector<std::uint32_t>{7}, {7, 6}, {8, 3, 5}}) {
        CAPTURE(hidden.size());
        CHECK(disagreement(hidden, *kernels::make_cpu_backend()) < 1e-5);
        CHECK(disagreement(hidden, *kernels::make_cpu_backend(1, kernels::Products::own)) < 1e-5);
    }
}

TEST_CASE("initial weights have the spread that keeps a signal's size, and depend on the seed") {
    DataShape data;
    data.features = 784, data.classes = 10;
    const auto model = model_of(perceptron({256}), data);
    const TensorTable& table = model->table();
    const auto block = model->initial(1);
    const auto variance = [&](const char* name) {
        const Tensor& t = *table.find(name);
        double sum = 0;
        for (std::uint64_t i = 0; i < t.size(); ++i) sum += block[t.offset + i] * block[t.offset + i];
        return sum / static_cast<double>(t.size());
    };
    CHECK(variance("w1") == doctest::Approx(2.0 / 784).epsilon(0.02));
    CHECK(variance("w2") == doctest::Approx(1.0 / 256).epsilon(0.15));
    CHECK(variance("b1") == 0);
    CHECK(block == model->initial(1));
    CHECK(block != model->initial(2));
}
