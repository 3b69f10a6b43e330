#include <cmath>
#include <limits>

#include "support.hpp"

using namespace grapevine;
using namespace grapevine::learn;

// A model of ones, of n values: theirs is ones + d in each, so it lies |d| sqrt(n) away and ours has norm sqrt(n).
TEST_CASE("a guard shortens what lies too far, refuses what lies beyond, and else changes nothing") {
    auto config = law(config::ModelKind::average, 9);
    config.model.initial = config::Initial{config::Initial::Rule::number, 1};
    const auto task = task_of(config);
    struct Row {
        Guard guard;
        double d, taken;
    };
    const double inf = std::numeric_limits<double>::infinity();
    for (const Row& row : {Row{{3, 0}, 0.5, 1}, Row{{3, 0}, 1, 1}, Row{{3, 0}, -2, 0.5}, Row{{3, 0}, 30, 1.0 / 30}, Row{{0, 0.5}, 0.5, 1}, Row{{0, 0.5}, -0.51, 0},
                           Row{{3, 5}, 4, 0.25}, Row{{3, 5}, 6, 0}, Row{{3, 0}, inf, 0}, Row{{0, 1}, -inf, 0}, Row{{3, 0}, std::nan(""), 0}}) {
        CAPTURE(row.guard.clip);
        CAPTURE(row.guard.refuse);
        CAPTURE(row.d);
        const auto learner = learner_of(config, task);
        const Combine order{model_slot, 0.75, 0.25, snapshot_of(*learner, std::vector<double>(9, 1 + row.d), 0, 400), row.guard};
        const auto done = learner->carry_out({0, order});
        const auto& combined = std::get<Combined>(done.what);
        CHECK(combined.taken == doctest::Approx(row.taken));
        CHECK(combined.norm == doctest::Approx(3));
        if (std::isfinite(row.d)) CHECK(combined.distance == doctest::Approx(3 * std::fabs(row.d)));
        CHECK(done.samples_behind == doctest::Approx(100 * row.taken));  // as much of them as of the values
        for (const double x : values_of<double>(publish(*learner))) CHECK(x == doctest::Approx(row.taken == 0 ? 1 : 1 + 0.25 * row.taken * row.d));
    }
}

TEST_CASE("on a backend a guard does what it does in float64, and what passes whole is mixed as without one") {
    auto config = blobs(config::ModelKind::mlp);
    const auto task = task_of(config);
    const auto other = learner_of(config, task, 1, 2);
    other->carry_out({0, Train{20}});
    const Snapshot theirs = publish(*other);
    const auto mixed = [&](Guard guard) {
        const auto learner = learner_of(config, task, 0, 2);
        const auto done = learner->carry_out({0, Combine{model_slot, 0.5, 0.5, theirs, guard}});
        return std::pair(std::get<Combined>(done.what), values_of<float>(publish(*learner)));
    };
    const auto [plain, model] = mixed({});
    CHECK(plain.taken == 1);
    REQUIRE(plain.distance > 0);
    const auto [whole, same] = mixed({.clip = plain.distance * 1.01, .refuse = 0});
    CHECK(whole.taken == 1);
    CHECK(whole.distance == doctest::Approx(plain.distance));
    CHECK(whole.norm == doctest::Approx(plain.norm));
    for (std::size_t i = 0; i < model.size(); ++i) CHECK(same[i] == doctest::Approx(model[i]));
    const auto [half, nearer] = mixed({.clip = plain.distance / 2, .refuse = 0});
    CHECK(half.taken == doctest::Approx(0.5));
    const auto [none, ours] = mixed({.clip = 0, .refuse = 0.5 * plain.distance / plain.norm});
    CHECK(none.taken == 0);
    const auto untouched = values_of<float>(publish(*learner_of(config, task, 0, 2)));
    CHECK(ours == untouched);
    for (std::size_t i = 0; i < model.size(); ++i) CHECK(nearer[i] == doctest::Approx((untouched[i] + model[i]) / 2).epsilon(1e-4));
    auto values = values_of<float>(theirs);
    values[3] = 1e30f;
    const auto learner = learner_of(config, task, 0, 2);
    const auto done = learner->carry_out({0, Combine{model_slot, 0.5, 0.5, snapshot_of(*learner, values), {.clip = 1, .refuse = 0}}});
    CHECK(std::get<Combined>(done.what).taken < 1e-20);  // far, or so far that its square is infinite
    CHECK(std::isfinite(values_of<float>(publish(*learner))[3]));
}
