#include <cmath>

#include "gradient.hpp"

using namespace grapevine;
using namespace grapevine::learn;

namespace {

config::Config ratings(std::uint32_t rank = 4) {
    config::Config config;
    config.seed = 7;
    config.model.kind = config::ModelKind::factors;
    config.model.rank = rank;
    config.data.set = "ratings";
    config.data.users = 60;
    config.data.items = 40;
    config.data.rank = 2;
    config.data.noise = 0.4;
    config.data.train_samples = 6000;
    config.data.test_samples = 2000;
    config.data.batch = 64;
    config.train.learning_rate = 1;
    return config;
}

// Seven ratings of three items by four users, in which one user and one item come again. user = i * 3 mod 4, item = i mod 3, rating 1 + i mod 5.
Dataset small() {
    Dataset set;
    set.features = 2;
    set.users = 4, set.items = 3;
    std::vector<std::int32_t> pairs;
    double sum = 0;
    for (std::int32_t i = 0; i < 7; ++i) {
        pairs.insert(pairs.end(), {i * 3 % 4, i % 3});
        set.targets.push_back(static_cast<float>(1 + i % 5));
        sum += 1 + i % 5;
    }
    set.values = pairs;
    set.unlabelled = 7;
    set.mean = static_cast<float>(sum / 7);
    return set;
}

// The mean squared error of a factorisation in plain loops and in double.
double loss(const TensorTable& table, const std::vector<double>& block, const Dataset& set, std::size_t rank) {
    const auto at = [&](const char* name) { return block.data() + table.find(name)->offset; };
    const auto& pairs = std::get<std::vector<std::int32_t>>(set.values);
    double sum = 0;
    for (std::size_t row = 0; row < set.rows(); ++row) {
        const auto u = static_cast<std::size_t>(pairs[2 * row]), i = static_cast<std::size_t>(pairs[2 * row + 1]);
        double rating = *at("mean") + at("user_biases")[u] + at("item_biases")[i];
        for (std::size_t k = 0; k < rank; ++k) rating += at("user_vectors")[u * rank + k] * at("item_vectors")[i * rank + k];
        sum += std::pow(rating - static_cast<double>(set.targets[row]), 2);
    }
    return sum / static_cast<double>(set.rows());
}

}  // namespace

TEST_CASE("the gradient of a factorisation is what central differences say, but for the mean, which stays") {
    for (const std::uint32_t rank : {1u, 3u, 8u})
        for (const auto products : {kernels::Products::library, kernels::Products::own}) {
            CAPTURE(rank);
            const auto backend = kernels::make_cpu_backend(1, products);
            const Dataset set = small();
            const auto model = model_of(ratings(rank), set);
            auto parameters = model->initial(3);
            Random random(5);
            for (const char* biases : {"user_biases", "item_biases"})  // which begin at zero
                for (std::uint64_t i = 0; i < model->table().find(biases)->size(); ++i) parameters[model->table().find(biases)->offset + i] = static_cast<float>(0.3 * random.normal());
            const std::vector<std::int32_t> staged = {0, 1, 2, 3, 4, 5, 6};
            const Gone gone = there_and_back(*model, set, staged, parameters, *backend);
            const std::vector<double> exact(parameters.begin(), parameters.end());
            const double mean = exact[0];
            const auto at = [&](std::vector<double> block) {
                block[0] = mean;
                return loss(model->table(), block, set, rank);
            };
            CHECK(gone.loss == doctest::Approx(at(exact)));
            CHECK(disagreement(gone.gradient, exact, at) < 1e-5);
            CHECK(model->table().tensors()[0].name == "mean");
            CHECK(gone.gradient[0] == 0);
        }
}

TEST_CASE("a factorisation starts at the mean rating, and the seed draws its vectors") {
    Dataset set = small();
    const auto model = model_of(ratings(16), set);
    const auto block = model->initial(1);
    CHECK(block[0] == doctest::Approx((1 + 2 + 3 + 4 + 5 + 1 + 2) / 7.0));
    CHECK(block != model->initial(2));
    CHECK(block == model->initial(1));
    const Tensor& vectors = *model->table().find("user_vectors");
    double sum = 0;
    for (std::uint64_t i = 0; i < vectors.size(); ++i) sum += block[vectors.offset + i] * block[vectors.offset + i];
    CHECK(std::sqrt(sum / static_cast<double>(vectors.size())) == doctest::Approx(0.1).epsilon(0.2));
}

TEST_CASE("generated ratings are noise around what was drawn: a model with the right rank comes near to it, and none gets below") {
    config::Config config = ratings();
    const auto task = task_of(config);
    const auto learner = learner_of(config, task);
    const double first = std::sqrt(learner->evaluate().loss);
    for (int i = 0; i < 60; ++i) learner->carry_out({0, Train{100}});
    const double rmse = std::sqrt(learner->evaluate().loss);
    CAPTURE(rmse);
    CHECK(first > 0.9);           // biases of 0.5 and 0.5, products of 1, noise of 0.4
    CHECK(rmse > 0.39);           // 0.4 but for the error of 2,000 rows, 1.6 %
    CHECK(rmse < 1.15 * 0.4);
    CHECK_FALSE(learner->evaluate().accuracy);
}

TEST_CASE("the mean stays as it is through steps, momentum and decay") {
    for (const auto optimizer : {config::TrainOptions::Optimizer::sgd, config::TrainOptions::Optimizer::momentum, config::TrainOptions::Optimizer::adamw}) {
        config::Config config = ratings();
        config.train.optimizer = optimizer;
        config.train.learning_rate = 0.01;
        config.train.weight_decay = 0.1;
        const auto task = task_of(config);
        const auto learner = learner_of(config, task);
        learner->carry_out({0, Train{50}});
        const auto block = values_of<float>(publish(*learner));
        CHECK(block[0] == task->sets.train->mean);
        CHECK(block[64] != 0);  // the first user's bias
    }
}

TEST_CASE("with part of the ratings held out for validation, the mean is that of the rest") {
    config::Config config = ratings();
    config.data.validation = 0.25;
    const auto task = task_of(config);
    CHECK(task->sets.train->rows() == 4500);
    CHECK(task->sets.test->rows() == 1500);
    double sum = 0;
    for (const float r : task->sets.train->targets) sum += r;
    CHECK(task->initial[0] == doctest::Approx(sum / 4500));
}

// By torch_pairs.py.
TEST_CASE("the first losses of a factorisation are those of PyTorch") {
    const Dataset set = small();
    const auto model = model_of(ratings(3), set);
    auto parameters = model->initial(1);
    wave(model->table(), "user_biases", 1, parameters);
    wave(model->table(), "item_biases", 2, parameters);
    wave(model->table(), "user_vectors", 3, parameters);
    wave(model->table(), "item_vectors", 4, parameters);
    const auto losses = descend(*model, set, std::vector<std::int32_t>{0, 1, 2, 3, 4, 5, 6}, parameters, 0.5f);
    const double torch[] = {2.109696, 1.023125, 0.5899957, 0.2949894, 0.11402};
    for (std::size_t i = 0; i < losses.size(); ++i) CHECK(losses[i] == doctest::Approx(torch[i]).epsilon(1e-5));
}
