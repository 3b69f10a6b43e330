#include <cmath>

#include "grapevine/learn/network.hpp"
#include "grapevine/random.hpp"
#include "support.hpp"

using namespace grapevine;
using namespace grapevine::learn;

namespace {

// The mean cross-entropy of a network in plain loops and in double.
double loss(const Network& network, const std::vector<double>& block, const std::vector<double>& inputs,
            const std::vector<std::int32_t>& targets) {
    double sum = 0;
    for (std::size_t row = 0; row < targets.size(); ++row) {
        std::vector<double> x(inputs.begin() + static_cast<std::ptrdiff_t>(row * network.features()),
                              inputs.begin() + static_cast<std::ptrdiff_t>((row + 1) * network.features()));
        for (std::size_t l = 0; l < network.layers().size(); ++l) {
            const auto& layer = network.layers()[l];
            std::vector<double> y(layer.outputs);
            for (std::size_t j = 0; j < layer.outputs; ++j) {
                y[j] = block[layer.biases + j];
                for (std::size_t i = 0; i < layer.inputs; ++i) y[j] += x[i] * block[layer.weights + i * layer.outputs + j];
                if (l + 1 < network.layers().size()) y[j] = std::max(0.0, y[j]);
            }
            x = y;
        }
        double exponentials = 0;
        for (const double v : x) exponentials += std::exp(v);
        sum += std::log(exponentials) - x[static_cast<std::size_t>(targets[row])];
    }
    return sum / static_cast<double>(targets.size());
}

// Largest difference between a backend's gradient and central differences, over the gradient's largest element.
double disagreement(const std::vector<std::uint32_t>& hidden, kernels::Backend& backend) {
    constexpr std::size_t features = 5, classes = 4, rows = 9;
    const TensorTable table = Network::table(features, hidden, classes);
    const Network network(table);
    const auto parameters = Network::initial(table, 3);
    Random random(1);
    std::vector<float> inputs(rows * features);
    for (float& x : inputs) x = static_cast<float>(random.normal());
    std::vector<std::int32_t> targets(rows);
    for (auto& t : targets) t = static_cast<std::int32_t>(random.below(classes));

    const auto model = backend.allocate(table.size()), gradient = backend.allocate(table.size());
    backend.upload(parameters, model);
    Network::Pass pass;
    network.lay_out(rows, true, backend.scratch(network.pass_size(rows, true)), pass);
    backend.upload(inputs, pass.outputs.front());
    network.forward(backend, model, pass);
    backend.softmax_cross_entropy(classes, targets, pass.outputs.back());
    network.backward(backend, model, pass, gradient);
    std::vector<float> found(table.size());
    backend.download(gradient, found);

    const std::vector<double> exact_inputs(inputs.begin(), inputs.end());
    std::vector<double> block(parameters.begin(), parameters.end());
    CHECK(backend.take_losses().sum / rows == doctest::Approx(loss(network, block, exact_inputs, targets)));
    double worst = 0, largest = 0;
    for (std::size_t i = 0; i < table.size(); ++i) {
        constexpr double h = 1e-5;
        const double here = block[i];
        block[i] = here + h;
        const double above = loss(network, block, exact_inputs, targets);
        block[i] = here - h;
        const double slope = (above - loss(network, block, exact_inputs, targets)) / (2 * h);
        block[i] = here;
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
    const std::vector<std::uint32_t> hidden = {256};
    const TensorTable table = Network::table(784, hidden, 10);
    const auto block = Network::initial(table, 1);
    const auto variance = [&](const char* name) {
        const Tensor& t = *table.find(name);
        double sum = 0;
        for (std::uint64_t i = 0; i < t.size(); ++i) sum += block[t.offset + i] * block[t.offset + i];
        return sum / static_cast<double>(t.size());
    };
    CHECK(variance("w1") == doctest::Approx(2.0 / 784).epsilon(0.02));
    CHECK(variance("w2") == doctest::Approx(1.0 / 256).epsilon(0.15));
    CHECK(variance("b1") == 0);
    CHECK(block == Network::initial(table, 1));
    CHECK(block != Network::initial(table, 2));
}
