#include "grapevine/learn/task.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "data/ratings.hpp"
#include "data/text.hpp"
#include "data/words.hpp"
#include "elements.hpp"
#include "grapevine/learn/forest_learner.hpp"
#include "grapevine/learn/kmeans_learner.hpp"
#include "grapevine/learn/law_learners.hpp"
#include "grapevine/learn/sgd_learner.hpp"
#include "grapevine/learn/stand_in_learner.hpp"

namespace grapevine::learn {

namespace {

// Of what does not follow gradients; what does knows its own.
TensorTable table_of(const config::Config& config, const DataShape& data) {
    if (config.model.kind == config::ModelKind::kmeans) return KmeansLearner::table(config.model.k, data.features);
    if (config.model.kind == config::ModelKind::forest) return ForestLearner::table(config.model.places, config.model.depth);
    TensorTable table;
    table.add("x", {config.model.dimension});
    return table;
}

bool has_model(const config::Config& config) { return config.model.needs_data() && config.model.follows_gradients(); }

// Of sets of ratings: users and items of files are known when they are read, and no sooner.
Sizes sizes_of_ratings(const config::Config& config) {
    const config::Data& data = config.data;
    DataShape shape;
    double rows = 0;
    if (data.set == "ratings") {
        shape.users = data.users, shape.items = data.items;
        rows = double{1} * data.train_samples + data.test_samples;
    } else {
        const auto loaded = load_ratings(data, config.seed);
        const auto* sets = std::get_if<Sets>(&loaded);
        if (!sets) return {};  // prepare() says why
        shape = *sets->train;
        rows = static_cast<double>(sets->train->rows() + sets->test->rows());
    }
    const auto made = make_model(config, shape);
    const auto* model = std::get_if<std::shared_ptr<const Model>>(&made);
    return {model ? (*model)->table().size() : 0, 12 * rows};
}

// Of words: a text that has fewer than the vocabulary may hold is smaller.
Sizes sizes_of_words(const config::Config& config) {
    const config::Data& data = config.data;
    config::Config most = config;
    if (data.set == "topics") most.model.vocabulary = std::min(most.model.vocabulary, data.topics * data.words);
    const auto made = make_model(most, {});
    const auto* model = std::get_if<std::shared_ptr<const Model>>(&made);
    return {model ? (*model)->table().size() : 0, 4 * (data.set == "topics" ? double{1} * data.train_samples + data.test_samples : most_words(data))};
}

}  // namespace

Sizes sizes_of(const config::Config& config) {
    const config::Data& data = config.data;
    if (config.model.kind == config::ModelKind::factors) return sizes_of_ratings(config);
    if (config.model.kind == config::ModelKind::skipgram) return sizes_of_words(config);
    const bool text = data.is_text();
    const bool blobs = data.set == "blobs";  // else 60,000 and 10,000 pictures of 28 x 28 bytes, of 10 classes
    DataShape shape;
    shape.features = blobs ? data.features : 784;
    shape.classes = blobs ? data.classes : 10;
    if (!blobs) shape.picture = {28, 28, 1};
    if (data.own) {  // nobody knows before they are read
        shape = {};
        shape.features = 1, shape.classes = 2;
    }
    if (text) {
        shape = {};
        shape.features = config.model.length + 1u, shape.classes = 256, shape.length = config.model.length;
    }
    Sizes sizes;
    if (has_model(config)) {
        const auto made = make_model(config, shape);
        if (const auto* model = std::get_if<std::shared_ptr<const Model>>(&made)) sizes.elements = (*model)->table().size();
    } else {
        sizes.elements = table_of(config, shape).size();
    }
    if (config.model.needs_data() && !data.own)
        sizes.bytes_of_data = blobs ? 4.0 * (data.features + 1.0) * (double{1} * data.train_samples + data.test_samples) : 70e3 * (784 + 4);
    if (text) sizes.bytes_of_data = bytes_of_text(data);
    return sizes;
}

std::variant<std::shared_ptr<const Task>, Error> prepare(const config::Config& config, const Sets* loaded, const Figures& figures, Draw draw) {
    auto task = std::make_shared<Task>();
    task->pool = std::make_shared<BufferPool>();
    if (!config.model.needs_data()) {
        task->table = table_of(config, {});
        return task;
    }
    if (loaded) {
        task->sets = *loaded;
    } else {
        auto read = load(config.data, config.seed, config.model, figures);
        if (auto* error = std::get_if<Error>(&read)) return std::move(*error);
        task->sets = std::get<Sets>(std::move(read));
        if (config.data.validation > 0) {
            auto held = hold_out(task->sets, config.data.validation);
            if (auto* error = std::get_if<Error>(&held)) return std::move(*error);
            task->sets = std::get<Sets>(std::move(held));
        }
    }
    const Dataset& train = *task->sets.train;
    if (has_model(config)) {
        auto made = make_model(config, train);
        if (auto* error = std::get_if<Error>(&made)) return std::move(*error);
        task->model = std::get<std::shared_ptr<const Model>>(std::move(made));
        task->table = task->model->table();
    } else {
        task->table = table_of(config, train);
    }
    if (config.model.kind == config::ModelKind::kmeans) {
        task->centroids = KmeansLearner::initial(*task->sets.test, config.model.k, config.seed);
        return task;
    }
    if (config.model.kind == config::ModelKind::forest) return task;
    if (config.train.compute == config::Compute::real) {
        if (draw == Draw::at_once) task->initial = task->model->initial(config.seed);
    } else {
        task->blanks = std::make_shared<BufferPool>(BufferPool::Fresh::zero);
        task->nothing = task->blanks->take(task->table.size() * sizeof(float));
    }
    return task;
}

std::unique_ptr<Learner> make_learner(const config::Config& config, std::size_t peer, std::size_t peers,
                                      std::shared_ptr<const Task> task, std::vector<std::uint32_t> rows,
                                      std::unique_ptr<kernels::Backend> backend) {
    switch (config.model.kind) {
        case config::ModelKind::average: return std::make_unique<AverageLearner>(config, peer, peers, std::move(task));
        case config::ModelKind::quadratic:
            return std::make_unique<QuadraticLearner>(config, peer, peers, std::move(task));
        case config::ModelKind::kmeans:
            assert(backend);
            return std::make_unique<KmeansLearner>(config, peer, peers, std::move(task), std::move(rows), std::move(backend));
        case config::ModelKind::forest: return std::make_unique<ForestLearner>(config, peer, std::move(task), std::move(rows));
        default: break;
    }
    assert(task->model);
    if (config.train.compute != config::Compute::real) return std::make_unique<StandInLearner>(config, peer, std::move(task), rows.size());
    assert(backend);
    return std::make_unique<SgdLearner>(config, peer, std::move(task), std::move(rows), std::move(backend));
}

void draw_initial(Learner& learner) { dynamic_cast<OrderedLearner&>(learner).draw_initial(); }

}  // namespace grapevine::learn
