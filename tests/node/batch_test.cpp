#include "batch.hpp"

#include <doctest/doctest.h>

using namespace grapevine::node;
using Optimizer = grapevine::config::TrainOptions::Optimizer;
using Sizes = std::vector<std::uint32_t>;

TEST_CASE("batches are tried around the run's, and none that there are no rows for") {
    CHECK(batches_to_try(64, 60'000) == Sizes{8, 16, 32, 64, 128, 256});
    CHECK(batches_to_try(6, 60'000) == Sizes{3, 6, 12, 24});
    CHECK(batches_to_try(1, 3) == Sizes{1, 2});
    CHECK(batches_to_try(64, 100) == Sizes{8, 16, 32, 64});
    CHECK(batches_to_try(64, 10) == Sizes{8, 64});
}

TEST_CASE("the run's batch stays where it is nearly the best; else the smallest that nearly is") {
    CHECK(best_batch(std::vector<Trial>{{64, 91}, {32, 50}, {128, 100}}, 64).batch == 64);
    CHECK(best_batch(std::vector<Trial>{{64, 89}, {32, 50}, {128, 95}, {256, 100}}, 64).batch == 128);
    CHECK(best_batch(std::vector<Trial>{{64, 50}, {32, 99}, {16, 100}, {128, 40}}, 64).batch == 16);
    CHECK(best_batch(std::vector<Trial>{{64, 7}}, 64).rate == 7);
    CHECK(best_batch(std::vector<Trial>{{64, 0}, {128, 0}}, 64).batch == 64);
}

TEST_CASE("as many samples move the model as far") {
    CHECK(rate_factor(Optimizer::sgd, 64, 64) == 1);
    CHECK(rate_factor(Optimizer::sgd, 256, 64) == 4);
    CHECK(rate_factor(Optimizer::nesterov, 16, 64) == 0.25);
    CHECK(rate_factor(Optimizer::adamw, 256, 64) == 2);
}

TEST_CASE("nothing larger is tried behind what the device cannot hold, or takes a second") {
    const auto tried = [](double slow_from, double none_from) {
        Sizes sizes;
        for (const Trial& trial : try_batches(64, 60'000, [&](std::uint32_t batch) { return batch >= none_from ? 0.0 : batch >= slow_from ? batch / 1.5 : 1e6; })) sizes.push_back(trial.batch);
        return sizes;
    };
    CHECK(tried(1e9, 1e9) == Sizes{64, 8, 16, 32, 128, 256});
    CHECK(tried(128, 1e9) == Sizes{64, 8, 16, 32, 128});
    CHECK(tried(1e9, 128) == Sizes{64, 8, 16, 32, 128});
}
