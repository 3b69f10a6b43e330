#include "grapevine/learn/predict.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>
#include <tuple>

#include "cart.hpp"
#include "data/figures.hpp"
#include "grapevine/learn/encoding.hpp"
#include "grapevine/learn/forest_learner.hpp"

namespace grapevine::learn {
namespace {

using nlohmann::json;

constexpr std::uint64_t most_features = 1 << 20, most_classes = 1 << 16;

Error says_too_little(const std::string& what) { return {"the model does not say " + what, "models that 'grapevine node --out' wrote do: final.safetensors, and its checkpoints"}; }

json metadata(const Checkpoint& from, const std::string& key) {
    const auto found = from.metadata.find(key);
    return found == from.metadata.end() ? json() : json::parse(found->second, nullptr, false);
}

std::optional<DataShape> shape_of(const Checkpoint& from) {
    const json said = metadata(from, "shape");
    if (!said.is_object()) return std::nullopt;
    const auto number = [&](const char* key) -> std::uint64_t {
        const auto at = said.find(key);
        return at != said.end() && at->is_number_unsigned() ? at->get<std::uint64_t>() : 0;
    };
    DataShape shape;
    shape.features = number("features");
    shape.classes = number("classes");
    shape.picture = {number("height"), number("width"), number("channels")};
    if (shape.features == 0 || shape.features > most_features || shape.classes < 2 || shape.classes > most_classes) return std::nullopt;
    const auto& p = shape.picture;
    if (p.height > most_features || p.width > most_features || p.channels > most_features) return std::nullopt;
    if (p.height > 0 && (p.height * p.width > most_features || p.size() != shape.features)) return std::nullopt;
    return shape;
}

std::vector<Prediction> votes(const Classifier& classifier, const Dataset& set) {
    const Tensor& trees = *classifier.table.find("trees");
    const Cart cart(classifier.config.model.depth);
    const auto* block = reinterpret_cast<const float*>(classifier.whole.bytes.data);
    std::vector<std::span<const float>> forest;
    for (std::uint64_t i = 0; i < trees.shape[0]; ++i) {
        const std::span<const float> place(block + trees.offset + i * trees.shape[1], trees.shape[1]);
        if (place[0] == 1 && cart.is_one(place.subspan(1), set.features, set.classes)) forest.push_back(place.subspan(1));
    }
    std::vector<Prediction> all(set.rows());
    std::vector<std::size_t> count(set.classes);
    std::visit([&](const auto& values) {
        for (std::size_t row = 0; row < all.size(); ++row) {
            std::fill(count.begin(), count.end(), 0);
            for (const auto& tree : forest) ++count[cart.predict(tree, values.data() + row * set.features)];
            const auto most = std::max_element(count.begin(), count.end());
            all[row].label = static_cast<std::uint32_t>(most - count.begin());
            all[row].probability = forest.empty() ? 1 / static_cast<float>(set.classes) : static_cast<float>(*most) / static_cast<float>(forest.size());
        }
    }, set.values);
    return all;
}

}  // namespace

std::variant<Classifier, Error> classifier_of(const Checkpoint& from, const config::Config& config) {
    using Kind = config::ModelKind;
    const Kind kind = config.model.kind;
    if (kind != Kind::logistic && kind != Kind::svm && kind != Kind::mlp && kind != Kind::cnn && kind != Kind::forest)
        return Error{"a model of this kind gives no classes of rows", "'grapevine eval' says how good it is"};
    Classifier classifier;
    classifier.config = config;
    const auto shape = shape_of(from);
    if (!shape) return says_too_little("what rows it takes");
    classifier.shape = *shape;
    const json classes = metadata(from, "classes");
    if (classes.is_array() && classes.size() == shape->classes && std::all_of(classes.begin(), classes.end(), [](const json& c) { return c.is_string(); }))
        classifier.classes = classes.get<std::vector<std::string>>();
    const StoredTensor *scale = from.find("data.scale"), *shift = from.find("data.shift");
    classifier.figures = {{1}, {0}};
    if (scale && shift) classifier.figures = {scale->values, shift->values};
    const std::size_t figures = classifier.figures.scale.size();
    if (classifier.figures.shift.size() != figures || (figures != 1 && figures != shape->features)) return says_too_little("how its rows are normalised");
    if (kind == Kind::forest) {
        classifier.table = ForestLearner::table(config.model.places, config.model.depth);
    } else {
        auto made = make_model(config, *shape);
        if (auto* error = std::get_if<Error>(&made)) return std::move(*error);
        classifier.model = std::get<std::shared_ptr<const Model>>(std::move(made));
        classifier.table = classifier.model->table();
    }
    auto whole = to_snapshot(classifier.table, from);
    if (auto* error = std::get_if<Error>(&whole)) return std::move(*error);
    classifier.whole = std::get<Snapshot>(std::move(whole));
    if (!well_formed(classifier.whole)) return Error{"the model holds values that are no numbers", "the training that made it has diverged"};
    return classifier;
}

std::variant<Dataset, Error> rows_for(const Classifier& classifier, const config::DataFiles& how, const std::vector<std::string>& files) {
    auto read = read_rows(how, files, "", {false, classifier.shape.features});
    if (auto* error = std::get_if<Error>(&read)) return std::move(*error);
    auto& rows = std::get<Rows>(read);
    if (how.format == config::DataFiles::Format::libsvm && rows.features() < classifier.shape.features) rows.widen(classifier.shape.features);
    if (rows.features() != classifier.shape.features)
        return Error{files.front() + " has " + std::to_string(rows.features()) + " numbers a row, and the model wants " + std::to_string(classifier.shape.features), "rows as it was trained on; a column with labels beside them may be there"};
    std::vector<std::int32_t> labels;
    for (const std::uint32_t l : rows.labels) {
        const auto known = std::find(classifier.classes.begin(), classifier.classes.end(), rows.words[l]);
        if (known == classifier.classes.end()) break;
        labels.push_back(static_cast<std::int32_t>(known - classifier.classes.begin()));
    }
    const std::size_t count = rows.count;
    Dataset set = normalised(std::move(rows), classifier.figures);
    set.classes = classifier.shape.classes;
    set.picture = classifier.shape.picture;
    if (labels.size() == count) set.labels = std::move(labels);
    else set.unlabelled = count;
    return set;
}

std::vector<Prediction> predict(const Classifier& classifier, const Dataset& set, kernels::Backend& backend) {
    assert(set.features == classifier.shape.features);
    if (!classifier.model) return votes(classifier, set);
    const Model& model = *classifier.model;
    constexpr std::size_t most_at_once = 256;
    const std::size_t at_once = std::min(most_at_once, set.rows()), each = model.indices_per_row();
    const Kept kept = keep(set, backend);
    Room room;
    const auto lay_out = [&](Room& in) { return std::tuple(in.floats(classifier.table.size()), in.indices(at_once * each), in.floats(model.memory(backend.element(), at_once, false))); };
    lay_out(room);
    room = Room(backend.allocate(room.used()));
    const auto [parameters, staged, memory] = lay_out(room);
    backend.upload(std::span(reinterpret_cast<const float*>(classifier.whole.bytes.data), classifier.table.size()), parameters);
    std::vector<Prediction> all(set.rows());
    std::vector<std::uint32_t> rows;
    std::vector<std::int32_t> numbers;
    std::vector<float> outputs;
    for (std::size_t begin = 0; begin < all.size(); begin += at_once) {
        rows.resize(std::min(at_once, all.size() - begin));
        std::iota(rows.begin(), rows.end(), static_cast<std::uint32_t>(begin));
        numbers.resize(rows.size() * each);
        model.stage(set, rows, nullptr, numbers);
        const kernels::IndexSpan here = staged.part(0, numbers.size());
        backend.upload(std::span<const std::int32_t>(numbers), here);
        outputs.resize(rows.size() * set.classes);
        backend.download(model.forward({backend, set, kept, rows.size(), false, here, parameters, backend.shadow(parameters), {}, memory}), outputs);
        for (std::size_t i = 0; i < rows.size(); ++i) {
            const std::span row = std::span(outputs).subspan(i * set.classes, set.classes);
            const auto largest = std::max_element(row.begin(), row.end());
            Prediction& p = all[begin + i];
            p.label = static_cast<std::uint32_t>(largest - row.begin());
            if (classifier.config.model.kind == config::ModelKind::svm) continue;
            double sum = 0;
            for (const float x : row) sum += std::exp(static_cast<double>(x) - static_cast<double>(*largest));
            p.probability = static_cast<float>(1 / sum);
        }
    }
    return all;
}

}  // namespace grapevine::learn
