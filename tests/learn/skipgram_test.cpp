#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "gradient.hpp"

using namespace grapevine;
using namespace grapevine::learn;

namespace {

config::Config topics() {
    config::Config config;
    config.seed = 7;
    config.model.kind = config::ModelKind::skipgram;
    config.model.rank = 12;
    config.model.window = 5;
    config.model.negatives = 5;
    config.model.subsample = 0;
    config.data.set = "topics";
    config.data.topics = 6;
    config.data.words = 10;
    config.data.train_samples = 20'000;
    config.data.test_samples = 4000;
    config.data.batch = 128;
    config.train.learning_rate = 3;
    return config;
}

// A text of `places` words out of five, word i the square of i mod 5, and so of 0, 1 and 4 alone.
Dataset squares(std::size_t places) {
    Dataset set;
    set.features = 1;
    std::vector<std::int32_t> text;
    for (std::size_t i = 0; i < places; ++i) text.push_back(static_cast<std::int32_t>(i * i % 5));
    set.values = text;
    set.unlabelled = places;
    set.vocabulary = std::make_shared<const Vocabulary>(Vocabulary{{"zero", "one", "two", "three", "four"}, {81, 16, 16, 1, 1}});
    return set;
}

// The mean loss over rows of one word, one context and negatives, in plain loops and in double.
double loss(const TensorTable& table, const std::vector<double>& block, std::span<const std::int32_t> staged, std::size_t rows, std::size_t rank) {
    const double *words = block.data() + table.find("word_vectors")->offset, *contexts = block.data() + table.find("context_vectors")->offset;
    const std::size_t group = staged.size() / rows - 2;
    double sum = 0;
    for (std::size_t row = 0; row < rows; ++row)
        for (std::size_t j = 0; j < group; ++j) {
            const auto word = static_cast<std::size_t>(staged[rows + row]), context = static_cast<std::size_t>(staged[2 * rows + row * group + j]);
            double score = 0;
            for (std::size_t k = 0; k < rank; ++k) score += words[word * rank + k] * contexts[context * rank + k];
            sum += std::log(1 + std::exp(j == 0 ? -score : score));
        }
    return sum / static_cast<double>(rows);
}

std::vector<std::int32_t> staged_of(const Model& model, const Dataset& set, Random* random) {
    std::vector<std::uint32_t> rows(set.rows());
    std::iota(rows.begin(), rows.end(), 0u);
    std::vector<std::int32_t> staged(rows.size() * model.indices_per_row());
    model.stage(set, rows, random, staged);
    return staged;
}

}  // namespace

TEST_CASE("the gradient of skip-gram is what central differences say") {
    for (const std::uint32_t negatives : {1u, 4u})
        for (const auto products : {kernels::Products::library, kernels::Products::own}) {
            const auto backend = kernels::make_cpu_backend(1, products);
            const Dataset set = squares(9);
            config::Config config = topics();
            config.model.rank = 3;
            config.model.negatives = negatives;
            const auto model = model_of(config, set);
            std::vector<float> parameters(model->table().size());
            Random random(5);
            for (const Tensor& t : model->table().tensors())
                for (std::uint64_t i = 0; i < t.size(); ++i) parameters[t.offset + i] = static_cast<float>(random.normal());
            const auto staged = staged_of(*model, set, &random);
            const Gone gone = there_and_back(*model, set, staged, parameters, *backend);
            const std::vector<double> exact(parameters.begin(), parameters.end());
            const auto at = [&](const std::vector<double>& block) { return loss(model->table(), block, staged, 9, 3); };
            CHECK(gone.loss == doctest::Approx(at(exact)));
            CHECK(disagreement(gone.gradient, exact, at) < 1e-5);
        }
}

TEST_CASE("a fresh skip-gram knows nothing: log 2 for each pair, real or drawn") {
    const auto config = topics();
    const auto learner = learner_of(config, task_of(config));
    CHECK(learner->evaluate().loss == doctest::Approx(6 * std::log(2.0)));
}

TEST_CASE("contexts lie in the window and in the passage, near ones more often, and a word is not its own context by place") {
    Dataset set = squares(2 * passage);
    auto& text = std::get<std::vector<std::int32_t>>(set.values);
    auto vocabulary = std::make_shared<Vocabulary>();
    for (std::size_t i = 0; i < text.size(); ++i) {  // each place has a word of its own, so that a context tells its place
        text[i] = static_cast<std::int32_t>(i);
        vocabulary->words.push_back(std::to_string(i));
        vocabulary->counts.push_back(1);
    }
    set.vocabulary = vocabulary;
    config::Config config = topics();
    config.model.window = 3;
    const auto model = model_of(config, set);
    Random random(1);
    std::map<std::int64_t, int> met;
    constexpr int times = 60;
    for (int i = 0; i < times; ++i) {
        const auto staged = staged_of(*model, set, &random);
        for (std::size_t row = 0; row < set.rows(); ++row) {
            const std::int64_t place = staged[set.rows() + row], context = staged[2 * set.rows() + row * 6];
            CHECK(place == static_cast<std::int64_t>(row));
            CHECK(place / static_cast<std::int64_t>(passage) == context / static_cast<std::int64_t>(passage));
            ++met[context - place];
        }
    }
    REQUIRE(met.size() == 6);
    const double all = times * 2.0 * passage;
    for (const auto& [distance, count] : met) {  // 3 : 2 : 1 on either side; the error of 60,000 draws is below 0.002
        CAPTURE(distance);
        CHECK(count / all == doctest::Approx((4 - std::abs(static_cast<double>(distance))) / 12).epsilon(0.03));
    }
}

TEST_CASE("negatives come by count to the power of 3/4, and none is the context") {
    Dataset set = squares(passage);
    config::Config config = topics();
    config.model.negatives = 20;
    const auto model = model_of(config, set);
    Random random(1);
    std::vector<double> drawn(5), expected(5);
    const double powers[] = {27, 8, 8, 1, 1};  // of 81, 16, 16, 1, 1
    for (int i = 0; i < 20; ++i) {
        const auto staged = staged_of(*model, set, &random);
        for (std::size_t row = 0; row < set.rows(); ++row) {
            const std::int32_t* group = &staged[2 * set.rows() + row * 21];
            double sum = 0;
            for (int w = 0; w < 5; ++w) sum += w == group[0] ? 0 : powers[w];
            for (int w = 0; w < 5; ++w) expected[static_cast<std::size_t>(w)] += w == group[0] ? 0 : 20 * powers[w] / sum;
            for (int n = 1; n <= 20; ++n) {
                CHECK(group[n] != group[0]);
                ++drawn[static_cast<std::size_t>(group[n])];
            }
        }
    }
    for (std::size_t w = 0; w < 5; ++w) CHECK(drawn[w] == doctest::Approx(expected[w]).epsilon(0.04));  // 200,000 draws; the rarest 1 %
}

TEST_CASE("an evaluation is the same each time, and another epoch draws other pairs") {
    const Dataset set = squares(passage);
    const auto model = model_of(topics(), set);
    CHECK(staged_of(*model, set, nullptr) == staged_of(*model, set, nullptr));
    Random random(1);
    CHECK(staged_of(*model, set, &random) != staged_of(*model, set, &random));
}

TEST_CASE("words of one topic end up near to each other") {
    const config::Config config = topics();
    const auto task = task_of(config);
    const auto learner = learner_of(config, task);
    const auto topic_of = [&](std::size_t word) {
        const std::string& name = task->sets.train->vocabulary->words[word];
        return name.substr(0, name.find('-'));
    };
    const auto of_the_same = [&] {  // share of words whose nearest neighbour, by cosine, is of their topic
        const auto block = values_of<float>(publish(*learner));
        const Tensor& t = *task->table.find("word_vectors");
        const auto dot = [&](std::size_t a, std::size_t b) {
            double sum = 0;
            for (std::size_t k = 0; k < t.shape[1]; ++k) sum += static_cast<double>(block[t.offset + a * t.shape[1] + k]) * block[t.offset + b * t.shape[1] + k];
            return sum;
        };
        std::size_t same = 0;
        for (std::size_t a = 0; a < t.shape[0]; ++a) {
            std::size_t nearest = a;
            double best = -2;
            for (std::size_t b = 0; b < t.shape[0]; ++b)
                if (const double cosine = dot(a, b) / std::sqrt(dot(a, a) * dot(b, b)); b != a && cosine > best) best = cosine, nearest = b;
            same += topic_of(a) == topic_of(nearest);
        }
        return static_cast<double>(same) / static_cast<double>(t.shape[0]);
    };
    REQUIRE(task->table.find("word_vectors")->shape == std::vector<std::uint64_t>{60, 12});
    const double before = learner->evaluate().loss;
    CHECK(of_the_same() < 0.5);  // one of six by chance
    learner->carry_out({0, Train{1500}});
    CHECK(of_the_same() == 1);
    CHECK(learner->evaluate().loss < 0.6 * before);  // 0.65 of it knows only how many of the pairs are drawn
}

// By torch_pairs.py.
TEST_CASE("the first losses of skip-gram are those of PyTorch") {
    Dataset set = squares(4);
    config::Config config = topics();
    config.model.rank = 3;
    config.model.negatives = 2;
    const auto model = model_of(config, set);
    std::vector<float> parameters(model->table().size());
    wave(model->table(), "word_vectors", 1, parameters);
    wave(model->table(), "context_vectors", 2, parameters);
    const std::vector<std::int32_t> staged = {0, 1, 2, 3, 0, 1, 4, 4, 1, 2, 3, 4, 0, 3, 4, 3, 2, 1, 0, 0};
    const auto losses = descend(*model, set, staged, parameters, 0.5f);
    const double torch[] = {2.155592, 2.093758, 2.03431, 1.970859, 1.898486};
    for (std::size_t i = 0; i < losses.size(); ++i) CHECK(losses[i] == doctest::Approx(torch[i]).epsilon(1e-5));
}
