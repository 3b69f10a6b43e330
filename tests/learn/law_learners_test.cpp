#include <cmath>

#include "support.hpp"

using namespace grapevine;
using namespace grapevine::learn;
using config::Initial;
using config::ModelKind;
using config::PerPeer;

namespace {
double value(Learner& learner) { return values_of<double>(publish(learner)).at(0); }
}  // namespace

TEST_CASE("the laws' models start where their rule says") {
    auto config = law(ModelKind::average);
    const auto task = task_of(config);
    const auto start = [&](Initial rule, std::size_t peer) {
        config.model.initial = rule;
        return value(*learner_of(config, task, peer, 8));
    };
    for (std::size_t i = 0; i < 8; ++i) {
        CHECK(start({Initial::Rule::delta}, i) == (i == 0 ? 1 : 0));
        CHECK(start({Initial::Rule::index}, i) == static_cast<double>(i));
        CHECK(start({Initial::Rule::alternate}, i) == (i % 2 == 0 ? 1 : -1));
        CHECK(start({Initial::Rule::wave}, i) == doctest::Approx(std::cos(2 * 3.14159265358979 * static_cast<double>(i) / 8)));
        CHECK(start({Initial::Rule::number, 2.5}, i) == 2.5);
    }
    CHECK(start({Initial::Rule::normal}, 0) != start({Initial::Rule::normal}, 1));
    config.model.initial.reset();
    CHECK(value(*learner_of(config, task, 0, 8)) == value(*learner_of(config, task, 1, 8)));
}

TEST_CASE("peers' normal draws have mean 0 and deviation 1") {
    auto config = law(ModelKind::average);
    config.model.initial = Initial{Initial::Rule::normal, 0};
    const auto task = task_of(config);
    constexpr int n = 4000;
    double sum = 0, squares = 0;
    for (int i = 0; i < n; ++i) {
        const double x = value(*learner_of(config, task, static_cast<std::size_t>(i), n));
        sum += x;
        squares += x * x;
    }
    CHECK(std::abs(sum / n) < 4 / std::sqrt(n));
    CHECK(std::abs(squares / n - 1) < 4 * std::sqrt(2.0 / n));
}

TEST_CASE("sixteen peers that fold their indices one after the other find 7.5") {
    auto config = law(ModelKind::average, 3);
    config.model.initial = Initial{Initial::Rule::index, 0};
    const auto task = task_of(config);
    const auto first = learner_of(config, task, 0, 16);
    for (std::size_t i = 1; i < 16; ++i) {
        const double k = static_cast<double>(i);
        const auto other = learner_of(config, task, i, 16);
        first->carry_out({0, Combine{model_slot, k / (k + 1), 1 / (k + 1), publish(*other)}});
    }
    for (const double x : values_of<double>(publish(*first))) CHECK(x == doctest::Approx(7.5).epsilon(1e-14));
}

TEST_CASE("combine, copy and swap in float64") {
    auto config = law(ModelKind::average, 4);
    config.model.initial = Initial{Initial::Rule::number, 1};
    const auto learner = learner_of(config, task_of(config));
    CHECK(learner->encoding() == Encoding::float64);
    CHECK(learner->size() == 4);
    learner->claim(2);
    const auto done = learner->carry_out({3, Combine{model_slot, 1, 0.5, snapshot_of(*learner, std::vector<double>{4, 8}, 1)}});
    CHECK(std::get<Combined>(done.what).distance == std::sqrt(9.0 + 49));
    CHECK(std::get<Combined>(done.what).norm == std::sqrt(2.0));
    CHECK(values_of<double>(publish(*learner)) == std::vector<double>{1, 3, 5, 1});
    CHECK(values_of<double>(publish(*learner, model_slot, {1, 2})) == std::vector<double>{3, 5});
    learner->carry_out({0, Fold{1, model_slot, 0, -2}});
    learner->carry_out({0, Swap{1}});
    CHECK(values_of<double>(publish(*learner)) == std::vector<double>{-2, -6, -10, -2});
    CHECK(values_of<double>(publish(*learner, 1)) == std::vector<double>{1, 3, 5, 1});
    learner->carry_out({0, Swap{model_slot}});
    CHECK(values_of<double>(publish(*learner)) == std::vector<double>{-2, -6, -10, -2});
    learner->carry_out({0, Combine{model_slot, 0, 1, snapshot_of(*learner, std::vector<float>{1, 2, 3, 4})}});
    CHECK(values_of<double>(publish(*learner)) == std::vector<double>{1, 2, 3, 4});
}

TEST_CASE("average does not train") {
    auto config = law(ModelKind::average);
    config.model.initial = Initial{Initial::Rule::number, 3};
    const auto learner = learner_of(config, task_of(config));
    const auto done = learner->carry_out({0, Train{10}});
    CHECK(done.steps == 10);
    CHECK(done.samples_behind == 0);
    CHECK(value(*learner) == 3);
}

TEST_CASE("without noise a quadratic falls to b by 1 - rate a at each step") {
    auto config = law(ModelKind::quadratic, 2);
    config.model.noise = 0;
    config.model.a = {PerPeer::Rule::list, 0, {1, 2, 4}};
    config.model.b = {PerPeer::Rule::index, 0, {}};
    config.model.initial = Initial{Initial::Rule::number, 5};
    config.train.learning_rate = 0.05;
    const auto task = task_of(config);
    for (std::size_t i = 0; i < 3; ++i) {
        const double a = i == 0 ? 1 : i == 1 ? 2 : 4, b = static_cast<double>(i) / 2, kept = 1 - 0.05 * a;
        const auto learner = learner_of(config, task, i, 3);
        CHECK(learner->evaluate().loss == doctest::Approx(a * (5 - b) * (5 - b)));  // two coordinates
        CHECK(!learner->evaluate().accuracy);
        const auto done = learner->carry_out({0, Train{10}});
        CHECK(value(*learner) == doctest::Approx(b + (5 - b) * std::pow(kept, 10)));
        double losses = 0;
        for (int s = 0; s < 10; ++s) losses += a * std::pow((5 - b) * std::pow(kept, s), 2);
        CHECK(std::get<Trained>(done.what).loss == doctest::Approx(losses / 10));
        CHECK(std::get<Trained>(done.what).samples == 10);
        CHECK(learner->evaluate(snapshot_of(*learner, std::vector<double>{b, b + 1})).loss == doctest::Approx(a / 2));
    }
}

TEST_CASE("with noise a quadratic comes to rest with variance rate noise^2 / (a (2 - rate a))") {
    auto config = law(ModelKind::quadratic, 500);
    config.model.noise = 2;
    config.model.a = {PerPeer::Rule::number, 1.5, {}};
    config.model.b = {PerPeer::Rule::alternate, 0, {}};
    config.model.initial = Initial{Initial::Rule::number, 0};
    config.train.learning_rate = 0.2;
    const auto learner = learner_of(config, task_of(config), 1, 2);  // b = -1
    learner->carry_out({0, Train{100}});
    double sum = 0, squares = 0, n = 0;
    for (int i = 0; i < 20; ++i) {
        learner->carry_out({0, Train{20}});
        for (const double x : values_of<double>(publish(*learner))) {
            sum += x;
            squares += (x + 1) * (x + 1);
            ++n;
        }
    }
    const double variance = 0.2 * 4 / (1.5 * (2 - 0.2 * 1.5));
    CHECK(std::abs(sum / n + 1) < 5 * std::sqrt(variance / n));
    CHECK(squares / n == doctest::Approx(variance).epsilon(5 * std::sqrt(2 / n)));
}

TEST_CASE("a step in slices is the same step, the last parameters first") {
    for (const auto kind : {ModelKind::average, ModelKind::quadratic})
        for (const std::uint32_t count : {1u, 2u, 3u, 5u, 20u}) {
            auto config = law(kind, 7);
            if (kind == ModelKind::quadratic) config.model.noise = 1;
            const auto task = task_of(config);
            const auto whole = learner_of(config, task), sliced = learner_of(config, task);
            for (int step = 0; step < 3; ++step) {
                const auto before = values_of<double>(publish(*sliced));
                const Completion expected = whole->carry_out({0, Train{1}});
                const auto after = values_of<double>(publish(*whole));
                for (std::uint32_t i = 0; i < count; ++i) {
                    const Completion done = sliced->carry_out({0, Train{1, {}, 1, Slice{i, count}}});
                    const auto now = values_of<double>(publish(*sliced));
                    const auto here = static_cast<std::ptrdiff_t>(Slice{i, count}.of({0, 7}).offset);
                    CHECK(std::equal(now.begin(), now.begin() + here, before.begin()));
                    CHECK(std::equal(now.begin() + here, now.end(), after.begin() + here));
                    if (i + 1 < count) continue;
                    CHECK(std::get<Trained>(done.what).loss == std::get<Trained>(expected.what).loss);
                    CHECK(done.steps == expected.steps);
                    CHECK(done.samples_behind == expected.samples_behind);
                }
            }
        }
}

TEST_CASE("peers' noise is their own, and the same from run to run") {
    const auto config = law(ModelKind::quadratic);
    const auto task = task_of(config);
    const auto after = [&](std::size_t peer) {
        const auto learner = learner_of(config, task, peer, 4);
        learner->carry_out({0, Train{3}});
        return value(*learner);
    };
    CHECK(after(0) == after(0));
    CHECK(after(0) != after(1));
}
