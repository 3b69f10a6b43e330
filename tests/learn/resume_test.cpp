// Training 2 n steps at once, and n, a file, a fresh learner, and n more, ends in the same bits.
#include <fstream>

#include "grapevine/learn/resume.hpp"
#include "grapevine/learn/sgd_learner.hpp"
#include "support.hpp"

using namespace grapevine;
using namespace grapevine::learn;

namespace {

using Kind = config::ModelKind;
using Optimizer = config::TrainOptions::Optimizer;

// Two thirds of an epoch, and then some more: the place in the middle of one counts, and the next shuffle too.
void check_exact(const config::Config& config, std::uint32_t steps, std::size_t peer = 0, std::size_t peers = 1) {
    const Directory directory;
    const auto task = task_of(config), again = task_of(config);
    const auto at_once = learner_of(config, task, peer, peers), first = learner_of(config, task, peer, peers), second = learner_of(config, again, peer, peers);
    const auto whole = at_once->carry_out({0, Train{2 * steps}});
    first->carry_out({0, Train{steps}});
    REQUIRE(!save(directory.file("half"), state_of(*task, *first)));
    const auto loaded = load_checkpoint(directory.file("half"));
    REQUIRE(std::holds_alternative<Checkpoint>(loaded));
    const auto wrong = go_on_from(*again, *second, std::get<Checkpoint>(loaded));
    if (wrong) FAIL(wrong->what);
    const auto done = second->carry_out({0, Train{steps}});
    CHECK(done.steps == 2 * steps);
    CHECK(done.samples_behind == whole.samples_behind);
    const Snapshot a = publish(*at_once), b = publish(*second), half = publish(*first);
    REQUIRE(a.bytes.size == b.bytes.size);
    CHECK(std::memcmp(a.bytes.data, b.bytes.data, a.bytes.size) == 0);
    CHECK(std::memcmp(a.bytes.data, half.bytes.data, a.bytes.size) != 0);
    CHECK(at_once->evaluate().loss == second->evaluate().loss);
}

std::string complaint(const config::Config& config, const Checkpoint& from, std::size_t peer = 0, std::size_t peers = 1) {
    const auto task = task_of(config);
    const auto learner = learner_of(config, task, peer, peers);
    const auto before = publish(*learner);
    const auto wrong = go_on_from(*task, *learner, from);
    REQUIRE(wrong);
    CHECK(!wrong->hint.empty());
    const auto after = publish(*learner);
    CHECK(std::memcmp(before.bytes.data, after.bytes.data, before.bytes.size) == 0);  // nothing half-loaded
    return wrong->what;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("every optimiser goes on to the same bits") {
    for (const Optimizer optimizer : {Optimizer::sgd, Optimizer::momentum, Optimizer::nesterov, Optimizer::adamw}) {
        CAPTURE(static_cast<int>(optimizer));
        auto config = blobs(Kind::mlp);
        config.train.optimizer = optimizer;
        config.train.learning_rate = optimizer == Optimizer::adamw ? 0.003 : 0.05;
        config.train.weight_decay = 0.01;
        config.train.gradient_clip = 1;
        check_exact(config, 50);
    }
}

TEST_CASE("a schedule goes on where it was") {
    auto config = blobs(Kind::mlp);
    config.train.schedule.kind = config::Schedule::Kind::cosine;
    config.train.schedule.warmup = 30;
    config.train.schedule.steps = 90;
    check_exact(config, 45);
}

TEST_CASE("every model that learns from rows goes on to the same bits, also of one part among three") {
    for (const Kind kind : {Kind::logistic, Kind::mlp, Kind::svm}) {
        CAPTURE(static_cast<int>(kind));
        check_exact(blobs(kind), 33, 1, 3);
    }
}

TEST_CASE("k-means goes on to the same bits") {
    auto config = blobs(Kind::kmeans);
    config.model.k = 5;
    check_exact(config, 10);   // within the first epoch: some rows are unseen
    check_exact(config, 100);
}

TEST_CASE("a forest grows on to the same trees") {
    auto config = blobs(Kind::forest);
    config.model.trees = 6;
    config.model.depth = 4;
    config.model.places = 12;
    check_exact(config, 3, 1, 2);
}

TEST_CASE("a checkpoint of another run is refused, and nothing has changed") {
    auto config = blobs(Kind::mlp);
    config.train.optimizer = Optimizer::momentum;
    const auto task = task_of(config);
    const auto learner = learner_of(config, task, 0, 2);
    learner->carry_out({0, Train{5}});
    const Checkpoint good = state_of(*task, *learner);
    CHECK(has(complaint(config, good, 1, 2), "another part of the data"));
    CHECK(has(complaint(config, good), "another part of the data"));
    auto other = config;
    other.train.optimizer = Optimizer::adamw;
    CHECK(has(complaint(other, good, 0, 2), "tensor opt.first.w1 is missing"));
    other = config;
    other.model.hidden = {16, 9};
    CHECK(has(complaint(other, good, 0, 2), "tensor w2 is 16x8 in the file and 16x9 in the model"));
    CHECK(has(complaint(config, to_checkpoint(task->table, publish(*learner)), 0, 2), "a model and not where its training was"));
    Checkpoint bad = good;
    bad.tensors[0].values[3] = std::numeric_limits<float>::quiet_NaN();
    CHECK(has(complaint(config, bad, 0, 2), "no numbers"));
    for (const char* key : {"batches_taken", "batches_drawn", "augment_drawn"}) {
        bad = good;
        bad.metadata[key] = "-1";
        CHECK(has(complaint(config, bad, 0, 2), "not where its training was"));
    }
    bad = good;
    bad.metadata["batches_taken"] = "100000";
    CHECK(has(complaint(config, bad, 0, 2), "another part"));
}
