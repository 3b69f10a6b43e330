#include <algorithm>
#include <limits>

#include "grapevine/learn/forest_learner.hpp"
#include "support.hpp"

using namespace grapevine;
using namespace grapevine::learn;

namespace {

config::Config forest(std::uint32_t trees, std::uint32_t places, std::uint32_t depth = 4) {
    auto config = blobs(config::ModelKind::forest);
    config.model.trees = trees;
    config.model.places = places;
    config.model.depth = depth;
    config.data.spread = 0.7;  // hard enough for a tree to be wrong
    return config;
}

void train(Learner& learner, std::uint32_t steps) { learner.carry_out({1, Train{steps}}); }
double take(Learner& learner, const Snapshot& theirs, double ours_weight = 0.5, double theirs_weight = 0.5) {
    return std::get<Combined>(learner.carry_out({2, Combine{model_slot, ours_weight, theirs_weight, theirs}}).what).taken;
}
std::vector<float> block_of(Learner& learner) { return values_of<float>(publish(learner)); }

std::size_t held(Learner& learner, const TaskPointer& task) {
    const Tensor& trees = *task->table.find("trees");
    const auto block = block_of(learner);
    std::size_t n = 0;
    for (std::uint64_t i = 0; i < trees.shape[0]; ++i) n += block[trees.offset + i * trees.shape[1]] == 1;
    return n;
}

}  // namespace

// One number a row: 0 to 3 in class 0, 10 to 13 in class 1. Every bootstrap of so many has a 3 and a 10.
TEST_CASE("a tree splits where the classes part") {
    const auto config = forest(1, 1, 2);
    Dataset set;
    set.features = 1;
    set.classes = 2;
    std::vector<float> values;
    for (int i = 0; i < 400; ++i) {
        values.push_back(static_cast<float>(i % 4 + (i % 8 < 4 ? 0 : 10)));
        set.labels.push_back(i % 8 < 4 ? 0 : 1);
    }
    set.values = values;
    auto task = std::make_shared<Task>();
    task->pool = std::make_shared<BufferPool>();
    task->sets.train = task->sets.test = std::make_shared<const Dataset>(set);
    task->table = ForestLearner::table(1, 2);
    const auto learner = learner_of(config, task);
    CHECK(learner->evaluate().loss == 0.5);  // no tree says nothing
    const auto trained = std::get<Trained>(learner->carry_out({1, Train{1}}).what);
    CHECK(trained.loss == 0);
    CHECK(trained.samples == 400);
    // present; features; thresholds; classes: the branches end after the first split
    CHECK(block_of(*learner) == std::vector<float>{1, 0, 0, 0, 6.5, 0, 0, 0, 0, 1, 1});
    CHECK(learner->evaluate().loss == 0);
    CHECK(*learner->evaluate().accuracy == 1);
}

TEST_CASE("a forest beats one tree") {
    const auto config = forest(32, 32, 6);
    const auto task = task_of(config);
    const auto learner = learner_of(config, task);
    train(*learner, 1);
    const double one = *learner->evaluate().accuracy;
    train(*learner, 31);
    const double all = *learner->evaluate().accuracy;
    CHECK(held(*learner, task) == 32);
    CHECK(one > 0.4);  // of four classes
    CHECK(all > one + 0.08);
    CHECK(learner->evaluate(publish(*learner)).loss == learner->evaluate().loss);
    const auto before = block_of(*learner);
    train(*learner, 5);  // it has its share
    CHECK(block_of(*learner) == before);
}

TEST_CASE("the seed and the peer's number say which trees grow, and where") {
    auto config = forest(2, 8);
    const auto task = task_of(config);
    const Tensor& trees = *task->table.find("trees");
    const auto grown = [&](std::size_t peer) {
        const auto learner = learner_of(config, task, peer, 4);
        train(*learner, 2);
        return block_of(*learner);
    };
    const auto second = grown(1);
    CHECK(second == grown(1));
    for (std::uint64_t i = 0; i < 8; ++i) CHECK(second[trees.offset + i * trees.shape[1]] == (i == 2 || i == 3 ? 1 : 0));
    const auto place = [&](std::uint64_t i) { return std::vector(second.begin() + static_cast<std::ptrdiff_t>(i * trees.shape[1]), second.begin() + static_cast<std::ptrdiff_t>((i + 1) * trees.shape[1])); };
    CHECK(place(2) != place(3));
    config.seed = 8;
    CHECK(second != grown(1));
    CHECK(task->table.holds_sets());
    CHECK(config.model.holds_sets());
    CHECK(task->table.describe() == "trees 8x47 set");
    CHECK(!task_of(blobs())->table.holds_sets());

    const auto last = learner_of(config, task, 4, 5);  // nobody's places are left for it
    train(*last, 2);
    CHECK(held(*last, task) == 0);
}

TEST_CASE("peers end with the trees of all, whatever the weights, and the forest of all knows more") {
    auto config = forest(2, 16, 6);
    config.data.split = {config::Split::Kind::shards, 0.5, 2};
    const auto task = task_of(config);
    std::vector<std::unique_ptr<Learner>> peers;
    for (std::size_t i = 0; i < 8; ++i) {
        peers.push_back(learner_of(config, task, i, 8));
        train(*peers[i], 2);
    }
    double best = 0;
    for (auto& peer : peers) best = std::max(best, *peer->evaluate().accuracy);
    const double weights[][2] = {{0.5, 0.5}, {0, 1}, {1, -0.5}, {1, 0}, {0.9, 0.1}};
    for (std::size_t round = 0; round < 3; ++round) {  // to 1, 2 and 4 on: all reach all
        std::vector<Snapshot> before;
        for (auto& peer : peers) before.push_back(publish(*peer));
        for (std::size_t i = 0; i < 8; ++i) {
            const double* w = weights[(i + round) % 5];
            CHECK(take(*peers[i], before[(i + (8 - (std::size_t{1} << round))) % 8], w[0], w[1]) == 1);
            CHECK(held(*peers[i], task) == std::size_t{4} << round);
        }
    }
    for (auto& peer : peers) CHECK(block_of(*peer) == block_of(*peers[0]));
    CHECK(*peers[0]->evaluate().accuracy > best + 0.1);

    // As when who was asked takes back what it had sent.
    const auto all = block_of(*peers[0]);
    take(*peers[0], publish(*peers[0]), 1, -0.5);
    CHECK(block_of(*peers[0]) == all);
}

TEST_CASE("who lost its trees is given them again, and grows no others") {
    const auto config = forest(3, 6);
    const auto task = task_of(config);
    const auto peer = learner_of(config, task, 0, 2), other = learner_of(config, task, 1, 2), again = learner_of(config, task, 0, 2);
    train(*peer, 3);
    train(*other, 3);
    take(*other, publish(*peer));
    take(*again, publish(*other));
    const auto trained = std::get<Trained>(again->carry_out({1, Train{3}}).what);
    CHECK(trained.samples == 0);
    CHECK(block_of(*again) == block_of(*other));
}

TEST_CASE("a tree from outside is looked at before it is believed") {
    const auto config = forest(1, 2, 2);  // 1, 3 features, 3 thresholds, 4 classes
    const auto task = task_of(config);
    const auto ours = learner_of(config, task, 0, 2), theirs = learner_of(config, task, 1, 2);
    train(*ours, 1);
    train(*theirs, 1);
    const auto good = block_of(*theirs), before = block_of(*ours);
    const std::size_t place = 11;
    const auto refuses = [&](std::size_t at, float value) {
        auto block = good;
        block[place + at] = value;
        CHECK(take(*ours, snapshot_of(*ours, block)) == 0);
        CHECK(block_of(*ours) == before);
    };
    const float none = std::numeric_limits<float>::quiet_NaN(), infinite = std::numeric_limits<float>::infinity();
    for (const float flag : {-1.f, 0.5f, 3.f, none}) refuses(0, flag);
    for (const float feature : {-1.f, 20.f, 1.5f, 1e30f, none, infinite}) refuses(2, feature);
    for (const float threshold : {none, infinite, -infinite}) refuses(5, threshold);
    for (const float leaf : {-1.f, 4.f, 0.5f, none}) refuses(10, leaf);
    auto flipped = good;
    for (float& x : flipped) x = -x;
    CHECK(take(*ours, snapshot_of(*ours, flipped)) == 0);
    CHECK(block_of(*ours) == before);
    CHECK(take(*ours, snapshot_of(*ours, good)) == 1);
    CHECK(held(*ours, task) == 2);
}

TEST_CASE("of a mean of models those trees vote that all of them have") {
    const auto config = forest(1, 2);
    const auto task = task_of(config);
    const auto a = learner_of(config, task, 0, 2), b = learner_of(config, task, 1, 2);
    train(*a, 1);
    const Evaluation alone = a->evaluate();
    const auto first = block_of(*a);
    train(*b, 1);
    take(*b, snapshot_of(*b, first));
    auto mean = block_of(*b);
    for (std::size_t i = 0; i < mean.size(); ++i) mean[i] = (mean[i] + first[i]) / 2;
    CHECK(a->evaluate(snapshot_of(*a, mean)).loss == alone.loss);
    CHECK(*a->evaluate(snapshot_of(*a, mean)).accuracy == *alone.accuracy);
}
