#include "grapevine/learn/schedule.hpp"

#include <cmath>

#include "support.hpp"

using namespace grapevine;
using namespace grapevine::learn;
using Kind = config::Schedule::Kind;

TEST_CASE("how a learning rate goes with the steps") {
    struct Row {
        config::Schedule schedule;
        std::uint64_t step;
        double factor;
    };
    const config::Schedule constant, warm{.warmup = 4}, cosine{.kind = Kind::cosine, .steps = 100}, low{.kind = Kind::cosine, .warmup = 10, .steps = 30, .floor = 0.2},
        stairs{.kind = Kind::step, .every = 10, .factor = 0.5}, warm_stairs{.kind = Kind::step, .warmup = 5, .every = 10, .factor = 0.1};
    const Row table[] = {
        {constant, 0, 1}, {constant, 1'000'000'000, 1},
        {warm, 0, 0.25}, {warm, 1, 0.5}, {warm, 3, 1}, {warm, 4, 1}, {warm, 99, 1},
        {cosine, 0, 1}, {cosine, 25, 0.5 + std::sqrt(0.125)}, {cosine, 50, 0.5}, {cosine, 75, 0.5 - std::sqrt(0.125)}, {cosine, 100, 0}, {cosine, 5000, 0},
        {low, 0, 0.1}, {low, 9, 1}, {low, 10, 1}, {low, 20, 0.6}, {low, 30, 0.2}, {low, 31, 0.2},
        {stairs, 0, 1}, {stairs, 9, 1}, {stairs, 10, 0.5}, {stairs, 19, 0.5}, {stairs, 35, 0.125},
        {warm_stairs, 0, 0.2}, {warm_stairs, 4, 1}, {warm_stairs, 9, 1}, {warm_stairs, 10, 0.1}, {warm_stairs, 29, 0.01},
    };
    for (const Row& row : table) {
        CAPTURE(static_cast<int>(row.schedule.kind));
        CAPTURE(row.schedule.warmup);
        CAPTURE(row.step);
        CHECK(rate_factor(row.schedule, row.step) == doctest::Approx(row.factor).epsilon(1e-12));
    }
}

TEST_CASE("a peer's rate goes by its own steps, however its orders are cut") {
    auto config = blobs();
    config.train.schedule = {.kind = Kind::cosine, .warmup = 3, .steps = 20};
    const auto task = task_of(config);
    const auto at_once = learner_of(config, task), by_ones = learner_of(config, task), in_threes = learner_of(config, task);
    at_once->carry_out({0, Train{12}});
    for (int i = 0; i < 12; ++i) by_ones->carry_out({0, Train{1}});
    for (int i = 0; i < 4; ++i) in_threes->carry_out({0, Train{3}});
    const auto values = values_of<float>(publish(*at_once));
    CHECK(values == values_of<float>(publish(*by_ones)));
    CHECK(values == values_of<float>(publish(*in_threes)));
    at_once->carry_out({0, Train{8}});
    const auto end = values_of<float>(publish(*at_once));
    CHECK(end != values);
    at_once->carry_out({0, Train{5}});  // the rate is down
    CHECK(values_of<float>(publish(*at_once)) == end);
}
