// Training 2 n steps at once, and n, a file, a fresh learner, and n more, ends in the same bits.
#include <fstream>

#include "grapevine/learn/resume.hpp"
#include "grapevine/learn/sgd_learner.hpp"
#include "grapevine/learn/shard.hpp"
#include "grapevine/random.hpp"
#include "support.hpp"

using namespace grapevine;
using namespace grapevine::learn;

namespace {

using Kind = config::ModelKind;
using Optimizer = config::TrainOptions::Optimizer;

// 300 small pictures of noise.
config::Config pictures(const Directory& directory) {
    constexpr int count = 300, side = 8, classes = 3;
    Random random(5);
    std::string images{0, 0, 8, 3, 0, 0, count >> 8, static_cast<char>(count & 255), 0, 0, 0, side, 0, 0, 0, side}, labels{0, 0, 8, 1, 0, 0, count >> 8, static_cast<char>(count & 255)};
    for (int i = 0; i < count * side * side; ++i) images += static_cast<char>(random.below(256));
    for (int i = 0; i < count; ++i) labels += static_cast<char>(random.below(classes));
    std::ofstream(directory.file("images"), std::ios::binary) << images;
    std::ofstream(directory.file("labels"), std::ios::binary) << labels;
    config::Config config;
    config.seed = 7;
    config.data.set = config::own_files;
    config.data.own = config::DataFiles{};
    config.data.own->format = config::DataFiles::Format::idx;
    config.data.own->files = {directory.file("images"), directory.file("labels")};
    config.data.batch = 16;
    config.train.learning_rate = 0.01;
    return config;
}

config::Config text(const Directory& directory) {
    Random random(5);
    std::string bytes;
    for (int i = 0; i < 4000; ++i) bytes += static_cast<char>('a' + random.below(4));
    std::ofstream(directory.file("text"), std::ios::binary) << bytes;
    config::Config config;
    config.seed = 7;
    config.model.width = 8;
    config.model.layers = 2;
    config.model.heads = 2;
    config.model.length = 12;
    config.data.set = config::own_files;
    config.data.own = config::DataFiles{};
    config.data.own->format = config::DataFiles::Format::text;
    config.data.own->files = {directory.file("text")};
    config.data.batch = 16;
    config.train.optimizer = Optimizer::adamw;
    config.train.learning_rate = 0.01;
    return config;
}

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

TEST_CASE("rows of a checkpoint are taken only if they can be rows of the set") {
    const Directory directory;
    const config::Config config = pictures(directory);
    const auto task = task_of(config);
    const auto learner = learner_of(config, task);
    const std::size_t rows = task->sets.train->rows();
    const auto order = order_of_blocks(*task->sets.train, config.seed);
    const std::uint16_t some[] = {0, 5, 7};
    const auto part = rows_of(some, 10, order);
    CHECK(part.size() == 81);  // of 270
    CHECK(part[27] == order[135]);
    deal(*learner, part);
    learner->carry_out({0, Train{2}});
    Checkpoint checkpoint = state_of(*task, *learner);
    auto held = rows_in(checkpoint, *task->sets.train), dealt = part;
    std::sort(held.begin(), held.end());
    std::sort(dealt.begin(), dealt.end());
    CHECK(held == dealt);
    const auto again = learner_of(config, task);
    CHECK(go_on_from(*task, *again, checkpoint));  // it has all rows
    deal(*again, rows_in(checkpoint, *task->sets.train));
    CHECK(!go_on_from(*task, *again, checkpoint));
    for (const std::vector<std::uint32_t>& wrong : {std::vector<std::uint32_t>{}, {1, 2, static_cast<std::uint32_t>(rows)}, {4, 5, 4}}) {
        checkpoint.states = {{"state.rows", wrong}};
        CHECK(rows_in(checkpoint, *task->sets.train).empty());
    }
    checkpoint.states = {{"state.rows", std::vector<std::uint32_t>{static_cast<std::uint32_t>(rows - 1), 0}}};
    CHECK(rows_in(checkpoint, *task->sets.train).size() == 2);
    checkpoint.states.clear();
    CHECK(rows_in(checkpoint, *task->sets.train).empty());
}

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

TEST_CASE("models of pictures go on to the same bits, with what is drawn to move the pictures") {
    const Directory directory;
    config::Config config = pictures(directory);
    config.model.kind = Kind::cnn;
    config.model.channels = {3, 4};
    config.model.hidden = {8};
    config.train.optimizer = Optimizer::momentum;
    check_exact(config, 9);
    check_exact(config, 20, 1, 2);
    config.data.shift = 2;
    config.data.mirror = true;
    check_exact(config, 9);
    check_exact(config, 20, 1, 2);
    config.model.residual = true;
    config.model.hidden = {};
    check_exact(config, 9);
}

TEST_CASE("models of texts go on to the same bits") {
    const Directory directory;
    config::Config config = text(directory);
    for (const Kind kind : {Kind::gru, Kind::transformer}) {
        CAPTURE(static_cast<int>(kind));
        config.model.kind = kind;
        check_exact(config, 9);
        check_exact(config, 20, 1, 2);
    }
}

TEST_CASE("a factorisation of ratings goes on to the same bits") {
    config::Config config;
    config.seed = 7;
    config.model.kind = Kind::factors;
    config.model.rank = 3;
    config.data.set = "ratings";
    config.data.train_samples = 2000;
    config.data.test_samples = 200;
    config.data.batch = 32;
    check_exact(config, 41);
    check_exact(config, 41, 1, 2);
}

TEST_CASE("word vectors go on to the same bits, with what is drawn for pairs and negatives") {
    config::Config config;
    config.seed = 7;
    config.model.kind = Kind::skipgram;
    config.model.rank = 4;
    config.data.set = "topics";
    config.data.train_samples = 5000;
    config.data.test_samples = 1000;
    config.train.optimizer = Optimizer::adamw;
    config.train.learning_rate = 0.01;
    check_exact(config, 50);
    check_exact(config, 50, 1, 2);
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
