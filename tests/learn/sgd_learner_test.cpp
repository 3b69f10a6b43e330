#include <cmath>
#include <filesystem>
#include <limits>
#include <thread>

#include "grapevine/learn/encoding.hpp"
#include "grapevine/learn/sgd_learner.hpp"
#include "support.hpp"

using namespace grapevine;
using namespace grapevine::learn;
using Optimizer = config::TrainOptions::Optimizer;

TEST_CASE("training on blobs lowers the loss and learns the classes") {
    for (const auto kind : {config::ModelKind::logistic, config::ModelKind::mlp})
        for (const auto optimizer : {Optimizer::sgd, Optimizer::momentum, Optimizer::nesterov}) {
            CAPTURE(static_cast<int>(kind));
            CAPTURE(static_cast<int>(optimizer));
            auto config = blobs(kind);
            config.train.optimizer = optimizer;
            config.train.weight_decay = 1e-4;
            if (optimizer != Optimizer::sgd) config.train.learning_rate = 0.005;
            const auto learner = learner_of(config, task_of(config));
            const Evaluation before = learner->evaluate();
            const Completion first = learner->carry_out({1, Train{20}});
            const Completion last = learner->carry_out({2, Train{300}});
            CHECK(std::get<Trained>(last.what).loss < std::get<Trained>(first.what).loss);
            CHECK(std::get<Trained>(last.what).samples == 300 * 32);
            CHECK(last.steps == 320);
            CHECK(last.samples_behind == 320 * 32);
            const Evaluation after = learner->evaluate();
            CHECK(after.loss < before.loss);
            CHECK(after.accuracy.value() > 0.97);
        }
}

TEST_CASE("one step is the gradient's, and weight decay spares the biases") {
    auto config = blobs();
    config.data.train_samples = 16;  // one batch
    config.train.learning_rate = 0.5;
    const auto task = task_of(config);
    const auto plain = learner_of(config, task);
    config.train.weight_decay = 0.25;
    const auto decayed = learner_of(config, task);
    plain->carry_out({0, Train{1}});
    decayed->carry_out({0, Train{1}});
    const auto a = values_of<float>(publish(*plain)), b = values_of<float>(publish(*decayed));
    const Tensor &w = *task->table.find("w1"), &bias = *task->table.find("b1");
    for (std::uint64_t i = 0; i < w.size(); ++i)
        CHECK(b[w.offset + i] == doctest::Approx(a[w.offset + i] - 0.125f * task->initial[w.offset + i]));
    for (std::uint64_t i = 0; i < bias.size(); ++i) CHECK(b[bias.offset + i] == a[bias.offset + i]);
}

TEST_CASE("initial parameters that are drawn when told are those that would have been drawn at once, and nothing before") {
    for (const auto kind : {config::ModelKind::logistic, config::ModelKind::mlp}) {
        const auto config = blobs(kind);
        auto prepared = prepare(config, nullptr, {}, Draw::when_told);
        REQUIRE(std::holds_alternative<TaskPointer>(prepared));
        const auto task = std::get<TaskPointer>(prepared);
        const auto at_once = learner_of(config, task_of(config)), when_told = learner_of(config, task);
        CHECK(task->initial.empty());
        CHECK(values_of<float>(publish(*when_told)) == std::vector<float>(task->table.size()));
        draw_initial(*when_told);
        CHECK(values_of<float>(publish(*when_told)) == values_of<float>(publish(*at_once)));
        at_once->carry_out({0, Train{3}}), when_told->carry_out({0, Train{3}});
        const auto trained = values_of<float>(publish(*at_once));
        CHECK(values_of<float>(publish(*when_told)) == trained);
        draw_initial(*at_once);  // it began with them
        CHECK(values_of<float>(publish(*at_once)) == trained);
    }
}

TEST_CASE("a step in slices makes the same bits as a whole one, whatever others do between them") {
    for (const auto kind : {config::ModelKind::logistic, config::ModelKind::mlp})
        for (const auto optimizer : {Optimizer::sgd, Optimizer::momentum, Optimizer::nesterov})
            for (const std::uint32_t count : {1u, 2u, 3u, 4u, 7u, 64u, 1000u}) {
                CAPTURE(count);
                auto config = blobs(kind);
                config.train.optimizer = optimizer;
                config.train.weight_decay = 1e-3;
                const auto task = task_of(config);
                const auto whole = learner_of(config, task), sliced = learner_of(config, task), other = learner_of(config, task);
                sliced->claim(2);
                for (int step = 0; step < 5; ++step) {
                    const Completion expected = whole->carry_out({0, Train{1, {}, 0.5}});
                    const auto before = values_of<float>(publish(*sliced));
                    for (std::uint32_t i = 0; i < count; ++i) {
                        const Completion done = sliced->carry_out({0, Train{1, {}, 0.5, Slice{i, count}}});
                        const auto trained = std::get<Trained>(done.what);
                        CHECK(trained.steps == (i + 1 == count ? 1 : 0));
                        if (i + 1 == count) {
                            CHECK(trained.loss == std::get<Trained>(expected.what).loss);
                            CHECK(trained.samples == std::get<Trained>(expected.what).samples);
                            CHECK(done.samples_behind == expected.samples_behind);
                            CHECK(done.steps == expected.steps);
                            continue;
                        }
                        other->carry_out({0, Train{1}});  // shares this thread's scratch
                        sliced->evaluate();
                        const Range range = Slice{i, count}.of({0, sliced->size()});
                        sliced->carry_out({0, Fold{1, model_slot, 0, 1, range}});
                        const auto now = values_of<float>(publish(*sliced)), then = values_of<float>(publish(*whole));
                        CHECK(std::equal(now.begin() + static_cast<std::ptrdiff_t>(range.offset), now.end(), then.begin() + static_cast<std::ptrdiff_t>(range.offset)));
                        CHECK(std::equal(now.begin(), now.begin() + static_cast<std::ptrdiff_t>(range.offset), before.begin()));
                    }
                    CHECK(values_of<float>(publish(*sliced)) == values_of<float>(publish(*whole)));
                }
            }
}

TEST_CASE("the same seed learns the same bits, on any thread and beside others; another seed other bits") {
    for (const auto optimizer : {Optimizer::sgd, Optimizer::momentum}) {
        auto config = blobs(config::ModelKind::mlp);
        config.train.optimizer = optimizer;
        const auto run = [](const config::Config& of) {
            const auto task = task_of(of);
            const auto learner = learner_of(of, task), other = learner_of(of, task);
            for (int i = 0; i < 5; ++i) {
                std::thread([&] { learner->carry_out({0, Train{7}}); }).join();
                other->carry_out({0, Train{3}});  // shares this thread's scratch with evaluate()
                learner->evaluate();
            }
            return values_of<float>(publish(*learner));
        };
        const auto first = run(config);
        CHECK(first == run(config));
        config.seed = 8;
        CHECK(first != run(config));
    }
}

TEST_CASE("peers start from equal parameters and draw different batches") {
    const auto config = blobs();
    const auto task = task_of(config);
    const auto a = learner_of(config, task, 0, 4), b = learner_of(config, task, 1, 4);
    CHECK(values_of<float>(publish(*a)) == values_of<float>(publish(*b)));
    a->carry_out({0, Train{1}});
    b->carry_out({0, Train{1}});
    CHECK(values_of<float>(publish(*a)) != values_of<float>(publish(*b)));
}

TEST_CASE("combine weighs, over the range alone, and tells distance and norm before") {
    const auto config = blobs();
    const auto learner = learner_of(config, task_of(config));
    const auto size = learner->size();
    std::vector<float> ours(size);
    for (std::size_t i = 0; i < size; ++i) ours[i] = static_cast<float>(i % 7);
    learner->carry_out({0, Combine{model_slot, 0, 1, snapshot_of(*learner, ours)}});
    CHECK(values_of<float>(publish(*learner)) == ours);

    const Range range{5, size - 9};
    struct Row {
        double ours, theirs;
    };
    for (const Row weights : {Row{0.5, 0.5}, {1, 1}, {1, -0.5}, {0.25, 0.75}}) {
        const auto before = values_of<float>(publish(*learner));
        const std::vector<float> theirs(range.count, 2);
        double distance = 0, norm = 0;
        auto expected = before;
        for (std::size_t i = range.offset; i < range.offset + range.count; ++i) {
            distance += (2 - before[i]) * (2 - before[i]);
            norm += before[i] * before[i];
            expected[i] = static_cast<float>(weights.ours * before[i] + weights.theirs * 2);
        }
        const auto done = learner->carry_out(
            {9, Combine{model_slot, weights.ours, weights.theirs, snapshot_of(*learner, theirs, range.offset)}});
        CHECK(done.tag == 9);
        CHECK(std::get<Combined>(done.what).distance == doctest::Approx(std::sqrt(distance)));
        CHECK(std::get<Combined>(done.what).norm == doctest::Approx(std::sqrt(norm)));
        const auto after = values_of<float>(publish(*learner));
        for (std::size_t i = 0; i < size; ++i) CHECK(after[i] == doctest::Approx(expected[i]));
    }
}

TEST_CASE("a snapshot in float64, or one that lies askew in memory, combines as any other") {
    const auto config = blobs();
    const auto learner = learner_of(config, task_of(config));
    std::vector<float> single(learner->size());
    for (std::size_t i = 0; i < single.size(); ++i) single[i] = static_cast<float>(i) / 8;
    learner->carry_out({0, Combine{model_slot, 0, 1, snapshot_of(*learner, std::vector<double>(single.begin(), single.end()))}});
    CHECK(values_of<float>(publish(*learner)) == single);

    const auto kept = std::make_shared<std::vector<std::byte>>(single.size() * sizeof(float) + 1);
    for (float& v : single) v += 1;
    std::memcpy(kept->data() + 1, single.data(), single.size() * sizeof(float));
    Snapshot askew = snapshot_of(*learner, single);
    askew.bytes = {kept->data() + 1, single.size() * sizeof(float), kept};
    learner->carry_out({0, Combine{model_slot, 0, 1, askew}});
    CHECK(values_of<float>(publish(*learner)) == single);
}

TEST_CASE("slots: claimed at zero, copied with a scale, swapped whole; the model stays what it was") {
    const auto config = blobs();
    const auto learner = learner_of(config, task_of(config));
    const auto model = values_of<float>(publish(*learner));
    learner->claim(3);
    CHECK(values_of<float>(publish(*learner, 1)) == std::vector<float>(learner->size(), 0));
    learner->carry_out({0, Fold{1, model_slot, 0, 0.5}});
    auto half = model;
    for (float& v : half) v *= 0.5f;
    CHECK(values_of<float>(publish(*learner, 1)) == half);
    CHECK(values_of<float>(publish(*learner)) == model);

    learner->carry_out({0, Combine{1, 1, 1, publish(*learner, 1)}});  // a ring's accumulator adds up in its slot
    CHECK(values_of<float>(publish(*learner, 1)) == model);
    learner->carry_out({0, Fold{2, 1, 0, 2}});
    learner->carry_out({0, Swap{2}});
    CHECK(values_of<float>(publish(*learner, 2)) == model);
    auto twice = model;
    for (float& v : twice) v *= 2;
    CHECK(values_of<float>(publish(*learner)) == twice);
    learner->claim(2);  // no fewer than before
    CHECK(values_of<float>(publish(*learner, 2)) == model);
}

TEST_CASE("samples behind the model follow what was mixed in, a part of a model for its share, other slots not") {
    const auto config = blobs();
    const auto learner = learner_of(config, task_of(config));
    learner->claim(2);
    CHECK(learner->carry_out({0, Train{2}}).samples_behind == 64);
    const std::vector<float> zeros(learner->size());
    const auto whole = snapshot_of(*learner, zeros, 0, 1000);
    CHECK(learner->carry_out({0, Combine{model_slot, 0.75, 0.25, whole}}).samples_behind == 0.75 * 64 + 250);
    CHECK(learner->carry_out({0, Combine{1, 0.5, 0.5, whole}}).samples_behind == 298);
    const auto some = snapshot_of(*learner, std::vector<float>(10), 3, 1000);
    const double share = 10.0 / static_cast<double>(learner->size());
    const double mixed = (1 - share) * 298 + share * (0.5 * 298 + 500);
    CHECK(learner->carry_out({0, Combine{model_slot, 0.5, 0.5, some}}).samples_behind == doctest::Approx(mixed));
    const auto published = publish(*learner);
    CHECK(published.samples == doctest::Approx(mixed));
    CHECK(published.steps == 2);
    CHECK(published.weight == 1);
    CHECK(learner->carry_out({0, Combine{model_slot, 0, 1, whole}}).samples_behind == 1000);  // a pulled model
}

TEST_CASE("a snapshot is frozen, and its memory is used again when all let go") {
    const auto config = blobs();
    const auto task = task_of(config);
    const auto learner = learner_of(config, task);
    auto first = publish(*learner);
    const auto values = values_of<float>(first);
    const auto* const where = first.bytes.data;
    learner->carry_out({0, Train{5}});
    CHECK(values_of<float>(first) == values);
    CHECK(publish(*learner).bytes.data != where);
    const auto copy = first;
    first = {};
    CHECK(values_of<float>(copy) == values);
    CHECK(task->pool->waiting() == 1);
}

TEST_CASE("evaluating a snapshot leaves training as it would have been") {
    const auto config = blobs(config::ModelKind::mlp);
    const auto task = task_of(config);
    const auto disturbed = learner_of(config, task), alone = learner_of(config, task);
    const auto initial = publish(*alone);
    const Evaluation untrained = alone->evaluate();
    for (int i = 0; i < 5; ++i) {
        disturbed->carry_out({0, Train{3}});
        alone->carry_out({0, Train{3}});
        const Evaluation of_initial = disturbed->evaluate(initial);
        CHECK(of_initial.loss == untrained.loss);
        CHECK(of_initial.accuracy == untrained.accuracy);
    }
    CHECK(values_of<float>(publish(*disturbed)) == values_of<float>(publish(*alone)));
    CHECK(disturbed->evaluate(publish(*disturbed)).loss == disturbed->evaluate().loss);
}

TEST_CASE("evaluation looks at as many samples as it is told to") {
    auto config = blobs();
    const auto task = task_of(config);
    const auto all = learner_of(config, task);
    config.metrics.evaluate_samples = 10;
    const auto few = learner_of(config, task);
    CHECK(all->evaluate().loss != few->evaluate().loss);
    CHECK(std::fmod(few->evaluate().accuracy.value() * 10, 1) == doctest::Approx(0));
    config.metrics.evaluate_samples = 1'000'000;
    CHECK(learner_of(config, task)->evaluate().loss == all->evaluate().loss);
}

TEST_CASE("what is not finite is found") {
    const auto config = blobs();
    const auto learner = learner_of(config, task_of(config));
    CHECK(well_formed(publish(*learner)));
    std::vector<float> values(learner->size());
    values.back() = std::numeric_limits<float>::infinity();
    CHECK(!well_formed(snapshot_of(*learner, values)));
    std::vector<double> wide(learner->size());
    wide[1] = std::numeric_limits<double>::quiet_NaN();
    CHECK(!well_formed(snapshot_of(*learner, wide)));
}

TEST_CASE("the optimiser's velocity can be kept and put back: training goes on to the same bits") {
    auto config = blobs();
    config.train.optimizer = Optimizer::momentum;
    config.data.train_samples = 20;  // one batch, so that no shuffle is to be restored
    const auto task = task_of(config);
    const auto rows = split(*task->sets.train, {}, 1, 1)[0];
    SgdLearner one(config, 0, task, rows, kernels::make_cpu_backend());
    one.carry_out({0, Train{5}});
    SgdLearner two(config, 0, task, rows, kernels::make_cpu_backend());
    two.carry_out({0, Combine{model_slot, 0, 1, publish(one)}});
    two.set_state(0, one.state(0));
    two.resume(5, 100);
    one.carry_out({0, Train{5}});
    const auto done = two.carry_out({0, Train{5}});
    CHECK(done.steps == 10);
    CHECK(done.samples_behind == 200);
    CHECK(values_of<float>(publish(one)) == values_of<float>(publish(two)));
}

static bool no_fashion_mnist(const char* sentence) {
    const bool missing = !std::filesystem::exists("/usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz");
    if (missing) std::fprintf(stderr, "skipped: %s: package dataset-fashion-mnist is not installed\n", sentence);
    return missing;
}

#define ON_FASHION_MNIST(sentence) TEST_CASE(sentence * doctest::skip(no_fashion_mnist(sentence)))

ON_FASHION_MNIST("a perceptron learns Fashion-MNIST") {
    config::Config config;
    config.metrics.evaluate_samples = 2000;
    const auto task = task_of(config);
    CHECK(task->sets.train->rows() == 60'000);
    CHECK(task->sets.test->rows() == 10'000);
    CHECK(task->table.describe() == "w1 784x128, b1 128, w2 128x64, b2 64, w3 64x10, b3 10");
    const auto learner = learner_of(config, task);
    const double before = learner->evaluate().loss;
    learner->carry_out({0, Train{1500}});
    const Evaluation after = learner->evaluate();
    CHECK(after.loss < before / 3);
    CHECK(after.accuracy.value() > 0.83);
}
