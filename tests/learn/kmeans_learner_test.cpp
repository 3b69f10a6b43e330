#include <algorithm>
#include <cmath>

#include "grapevine/learn/kmeans_learner.hpp"
#include "support.hpp"

using namespace grapevine;
using namespace grapevine::learn;

namespace {

config::Config kmeans(std::uint32_t k = 4) {
    auto config = blobs(config::ModelKind::kmeans);
    config.model.k = k;
    config.data.batch = 1 << 20;  // the whole shard
    return config;
}

// Plain loops, in double.
struct Lloyd {
    const Dataset& set;
    std::vector<double> centroids;  // (k, features)

    std::size_t k() const { return centroids.size() / set.features; }
    double value(std::size_t row, std::size_t f) const { return static_cast<double>(std::get<std::vector<float>>(set.values)[row * set.features + f]); }
    std::pair<std::size_t, double> nearest(std::size_t row) const {
        std::size_t best = 0;
        double least = 1e300;
        for (std::size_t c = 0; c < k(); ++c) {
            double d = 0;
            for (std::size_t f = 0; f < set.features; ++f) d += std::pow(value(row, f) - centroids[c * set.features + f], 2);
            if (d < least) least = d, best = c;
        }
        return {best, least};
    }
    double iterate() {  // the inertia before
        std::vector<double> sums(centroids.size()), counts(k());
        double inertia = 0;
        for (std::size_t row = 0; row < set.rows(); ++row) {
            const auto [c, d] = nearest(row);
            inertia += d;
            ++counts[c];
            for (std::size_t f = 0; f < set.features; ++f) sums[c * set.features + f] += value(row, f);
        }
        for (std::size_t i = 0; i < sums.size(); ++i)
            if (counts[i / set.features] > 0) centroids[i] = sums[i] / counts[i / set.features];
        return inertia / static_cast<double>(set.rows());
    }
};

std::vector<double> centroids_in(const Learner& learner, const TaskPointer& task, const std::vector<double>& block) {
    (void)learner;
    const Tensor &sums = *task->table.find("sums"), &counts = *task->table.find("counts");
    std::vector<double> centroids(sums.size());
    const std::size_t features = sums.shape[1];
    for (std::size_t i = 0; i < centroids.size(); ++i) centroids[i] = block[sums.offset + i] / block[counts.offset + i / features];
    return centroids;
}

double farthest(const std::vector<double>& a, const std::vector<double>& b) {
    double most = 0;
    for (std::size_t i = 0; i < a.size(); ++i) most = std::max(most, std::abs(a[i] - b[i]));
    return most;
}

}  // namespace

TEST_CASE("one peer with all the data does Lloyd's iteration") {
    const auto config = kmeans();
    const auto task = task_of(config);
    const auto learner = learner_of(config, task);
    Lloyd reference{*task->sets.train, {task->centroids.begin(), task->centroids.end()}};
    for (int step = 0; step < 6; ++step) {
        const double inertia = reference.iterate();
        const auto trained = std::get<Trained>(learner->carry_out({1, Train{1}}).what);
        CHECK(trained.loss == doctest::Approx(inertia).epsilon(1e-5));
        CHECK(trained.samples == 2000);
        CHECK(farthest(centroids_in(*learner, task, values_of<double>(publish(*learner))), reference.centroids) < 1e-4);
    }
    Lloyd held_out{*task->sets.test, reference.centroids};
    const double loss = learner->evaluate().loss;
    CHECK(loss == doctest::Approx(held_out.iterate()).epsilon(1e-4));
    CHECK(learner->evaluate(publish(*learner)).loss == doctest::Approx(loss));
    CHECK(!learner->evaluate().accuracy);
}

// Peers whose data are unlike, and of whom every two halve their difference now and then. Whatever was mixed, all models
// together are the sums over all rows: so many as there are.
TEST_CASE("mixing and steps in any order leave the sums over all peers what all have counted") {
    auto config = kmeans();
    config.data.batch = 64;
    config.data.split = {config::Split::Kind::dirichlet_per_class, 0.1};
    const auto task = task_of(config);
    constexpr std::size_t n = 4;
    std::vector<std::unique_ptr<Learner>> peers;
    for (std::size_t i = 0; i < n; ++i) peers.push_back(learner_of(config, task, i, n));
    Random random(5);
    for (int round = 0; round < 400; ++round) {
        for (auto& peer : peers) peer->carry_out({1, Train{1 + static_cast<std::uint32_t>(random.below(2))}});
        const std::size_t a = random.below(n), b = (a + 1 + random.below(n - 1)) % n;
        const Snapshot from_a = publish(*peers[a]), from_b = publish(*peers[b]);
        peers[a]->carry_out({2, Combine{model_slot, 0.5, 0.5, from_b}});
        peers[b]->carry_out({2, Combine{model_slot, 0.5, 0.5, from_a}});
    }
    std::vector<double> all(task->table.size());
    for (auto& peer : peers) {
        const auto block = values_of<double>(publish(*peer));
        for (std::size_t i = 0; i < all.size(); ++i) all[i] += block[i];
    }
    const Tensor &sums = *task->table.find("sums"), &counts = *task->table.find("counts");
    double rows = 0;
    for (std::size_t c = 0; c < counts.size(); ++c) rows += all[counts.offset + c];
    CHECK(rows == doctest::Approx(2000).epsilon(1e-9));
    const auto& values = std::get<std::vector<float>>(task->sets.train->values);
    for (std::size_t f = 0; f < 20; ++f) {
        double counted = 0, there = 0;
        for (std::size_t c = 0; c < counts.size(); ++c) counted += all[sums.offset + c * 20 + f];
        for (std::size_t row = 0; row < 2000; ++row) there += static_cast<double>(values[row * 20 + f]);
        CHECK(counted == doctest::Approx(there).epsilon(1e-7));
    }
}

TEST_CASE("a cluster that nobody is nearest to keeps its centroid") {
    const auto config = kmeans(3);
    auto task = std::make_shared<Task>(*task_of(config));
    for (std::size_t f = 0; f < 20; ++f) task->centroids[20 + f] = 1e4f;  // the second, far off
    const auto learner = learner_of(config, task);
    learner->carry_out({1, Train{3}});
    const auto block = values_of<double>(publish(*learner));
    CHECK(block[task->table.find("counts")->offset + 1] == 0);
    const double loss = learner->evaluate().loss;
    CHECK(std::isfinite(loss));
    CHECK(learner->evaluate(publish(*learner)).loss == doctest::Approx(loss));
}

TEST_CASE("all start from the same centroids, which the seed draws and no peer's data touch") {
    auto config = kmeans();
    const auto task = task_of(config);
    CHECK(task->centroids.size() == 4 * 20);
    CHECK(task->table.holds_sums());
    CHECK(config.model.holds_sums());
    CHECK(task->table.describe() == "sums 4x20 sum, counts 4 sum");
    CHECK(values_of<double>(publish(*learner_of(config, task, 0, 3))) == values_of<double>(publish(*learner_of(config, task, 2, 3))));
    config.seed = 8;
    CHECK(KmeansLearner::initial(*task->sets.test, 4, 7) != KmeansLearner::initial(*task->sets.test, 4, 8));
    CHECK(!task_of(blobs())->table.holds_sums());
}

TEST_CASE("a step in slices is the same step") {
    auto config = kmeans();
    config.data.batch = 32;
    const auto task = task_of(config);
    const auto whole = learner_of(config, task), sliced = learner_of(config, task);
    for (int step = 0; step < 5; ++step) {
        const Completion expected = whole->carry_out({1, Train{1}});
        for (std::uint32_t i = 0; i < 3; ++i) {
            const Completion done = sliced->carry_out({1, Train{1, {}, 1, Slice{i, 3}}});
            CHECK(done.steps == expected.steps - (i < 2 ? 1 : 0));
            if (i == 2) CHECK(std::get<Trained>(done.what).loss == std::get<Trained>(expected.what).loss);
        }
        CHECK(values_of<double>(publish(*sliced)) == values_of<double>(publish(*whole)));
    }
}
