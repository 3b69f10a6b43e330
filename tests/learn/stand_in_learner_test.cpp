#include "grapevine/learn/stand_in_learner.hpp"

#include <cmath>

#include "support.hpp"

using namespace grapevine;
using namespace grapevine::learn;

namespace {

config::Config stand_in(config::Compute compute) {
    config::Config config = blobs();
    config.train.compute = compute;
    config.train.learning_rate = 0.1;
    return config;
}

}  // namespace

TEST_CASE("with compute none the model has its size, and is zero before and after") {
    const auto config = stand_in(config::Compute::none);
    const auto task = task_of(config);
    const auto learner = learner_of(config, task, 3, 10), real = learner_of(blobs(), task_of(blobs()), 3, 10);
    CHECK(learner->layout() == real->layout());
    CHECK(learner->size() == real->size());
    learner->claim(3);
    const auto before = publish(*learner);
    CHECK(values_of<float>(before) == std::vector<float>(learner->size(), 0));
    const auto done = learner->carry_out({7, Train{5}}), as = real->carry_out({7, Train{5}});
    CHECK(std::get<Trained>(done.what).steps == 5);
    CHECK(std::get<Trained>(done.what).samples == std::get<Trained>(as.what).samples);
    CHECK(done.samples_behind == as.samples_behind);
    learner->carry_out({0, Combine{model_slot, 0.5, 0.5, snapshot_of(*learner, std::vector<float>(learner->size(), 4.f))}});
    learner->carry_out({0, Swap{2}});
    const auto after = publish(*learner);
    CHECK(values_of<float>(after) == std::vector<float>(learner->size(), 0));
    CHECK(after.bytes.data == before.bytes.data);  // nobody has memory of its own
    CHECK(after.steps == 5);
    const auto part = publish(*learner, model_slot, {10, 5});
    CHECK(part.bytes.size == 5 * sizeof(float));
}

TEST_CASE("of a surrogate sixteen parameters live, and all that is published of the others is zero") {
    const auto config = stand_in(config::Compute::surrogate);
    const auto task = task_of(config);
    const auto learner = learner_of(config, task), other = learner_of(config, task, 1, 2);
    learner->carry_out({0, Train{20}});
    const auto values = values_of<float>(publish(*learner));
    REQUIRE(values.size() > 40);
    for (std::size_t i = 0; i < values.size(); ++i) CHECK((values[i] != 0) == (i < 16));
    // Buffers go back and forth: what was live in one use is not seen in the next.
    for (const Range range : {Range{0, 20}, Range{30, 20}, Range{10, 20}, Range{16, 20}, Range{15, 20}}) {
        const auto part = values_of<float>(publish(*learner, model_slot, range));
        for (std::size_t i = 0; i < part.size(); ++i) CHECK(part[i] == values[range.offset + i]);
    }
    // Mixing halves by ranges is mixing the whole.
    const auto theirs = publish(*other);
    for (const Range range : {Range{0, 7}, Range{7, 30}, Range{37, learner->size() - 37}})
        learner->carry_out({0, Combine{model_slot, 0.5, 0.5, publish(*other, model_slot, range)}});
    const auto mixed = values_of<float>(publish(*learner)), there = values_of<float>(theirs);
    for (std::size_t i = 0; i < 16; ++i) CHECK(mixed[i] == doctest::Approx(0.5 * values[i] + 0.5 * there[i]));
    const auto again = learner->carry_out({0, Combine{model_slot, 0, 1, theirs}});
    CHECK(std::get<Combined>(again.what).distance > 0);
    CHECK(values_of<float>(publish(*learner)) == there);
}

TEST_CASE("a surrogate's loss falls fast at first, then ever more slowly, and ends above zero") {
    const auto config = stand_in(config::Compute::surrogate);
    const auto learner = learner_of(config, task_of(config));
    std::vector<double> losses{learner->evaluate().loss};
    for (int k = 0; k < 4; ++k) {
        learner->carry_out({0, Train{100}});
        losses.push_back(learner->evaluate().loss);
    }
    CHECK(losses[0] == doctest::Approx(2.0405).epsilon(1e-4));  // half the sum of the curvatures: (1 - r/64)/(1 - r)/2, r^15 = 1/64
    CHECK(losses[1] < 0.5 * losses[0]);
    for (std::size_t k = 2; k < losses.size(); ++k) CHECK(losses[k - 1] - losses[k] < losses[k - 2] - losses[k - 1]);
    CHECK(losses.back() > 0);
    CHECK_FALSE(learner->evaluate().accuracy);
    CHECK(learner->evaluate(publish(*learner)).loss == learner->evaluate().loss);
}

TEST_CASE("a surrogate steps by the optimizer, the schedule and the clip of the file") {
    auto config = stand_in(config::Compute::surrogate);
    const auto after = [&](std::uint32_t steps) {
        const auto learner = learner_of(config, task_of(config));
        learner->carry_out({0, Train{steps}});
        return values_of<float>(publish(*learner));
    };
    const auto plain = after(1);
    config.train.optimizer = config::TrainOptions::Optimizer::adamw;
    const auto first = after(1);
    for (std::size_t k = 0; k < 16; ++k) CHECK(std::abs(first[k]) == doctest::Approx(0.1));  // AdamW's first step is the rate, whatever the gradient
    CHECK(learner_of(config, task_of(config))->evaluate().loss > 1);
    const auto learner = learner_of(config, task_of(config));
    learner->carry_out({0, Train{100}});
    CHECK(learner->evaluate().loss < 0.1);
    config.train.schedule = {.kind = config::Schedule::Kind::cosine, .steps = 10};
    CHECK(after(10) == after(30));
    CHECK(after(9) != after(10));
    config.train = stand_in(config::Compute::surrogate).train;
    config.train.gradient_clip = 0.5;
    const auto clipped = after(1);
    double norm = 0;
    for (std::size_t k = 0; k < 16; ++k) {
        norm += clipped[k] * clipped[k];
        CHECK(clipped[k] / clipped[0] == doctest::Approx(plain[k] / plain[0]));
    }
    CHECK(std::sqrt(norm) == doctest::Approx(0.1 * 0.5));
}

TEST_CASE("a surrogate travels in every encoding, and a step in slices is the step as a whole") {
    auto config = stand_in(config::Compute::surrogate);
    config.train.optimizer = config::TrainOptions::Optimizer::nesterov;
    const auto task = task_of(config);
    const auto whole = learner_of(config, task), sliced = learner_of(config, task);
    for (int s = 0; s < 10; ++s) {
        whole->carry_out({0, Train{1}});
        for (std::uint32_t i = 0; i < 3; ++i) sliced->carry_out({0, Train{1, {}, 1, Slice{i, 3}}});
    }
    const auto values = values_of<float>(publish(*whole));
    CHECK(values == values_of<float>(publish(*sliced)));
    for (const Encoding encoding : {Encoding::bf16, Encoding::int8, Encoding::top_k}) {
        auto taker = learner_of(config, task);
        const auto snapshot = std::get<Published>(whole->carry_out({0, Publish{model_slot, {0, whole->size()}, encoding, 0.3}}).what).snapshot;
        CHECK(fits(snapshot.encoding, snapshot.range.count, snapshot.bytes.size));
        taker->carry_out({0, Combine{model_slot, 0, 1, snapshot}});
        const auto taken = values_of<float>(publish(*taker));
        for (std::size_t i = 0; i < 16; ++i) CHECK(taken[i] == doctest::Approx(values[i]).epsilon(0.02));
    }
}

TEST_CASE("fresh memory of a pool of zeros is zero, and on a cache line") {
    BufferPool pool(BufferPool::Fresh::zero);
    for (const std::size_t bytes : {1u, 100u, 70000u}) {
        const auto buffer = pool.take(bytes);
        CHECK(reinterpret_cast<std::uintptr_t>(buffer.get()) % 64 == 0);
        for (std::size_t i = 0; i < bytes; ++i) REQUIRE(buffer.get()[i] == std::byte{0});
    }
    CHECK(pool.waiting() == 3);
}
