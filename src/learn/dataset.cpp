#include "grapevine/learn/dataset.hpp"

#include <xxhash.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <utility>

#include "bundle.hpp"
#include "data/idx.hpp"
#include "data/own_files.hpp"
#include "data/ratings.hpp"
#include "data/text.hpp"
#include "data/words.hpp"
#include "purposes.hpp"

namespace grapevine::learn {
namespace {

void hash(XXH3_state_t* state, const void* data, std::size_t bytes) { XXH3_64bits_update(state, data, bytes); }

void hash(XXH3_state_t* state, const Dataset& set) {
    const std::uint64_t sizes[] = {set.rows(),           set.features,         set.classes, set.values.index(), set.step(),
                                   set.picture.height, set.picture.width, set.users,   set.items,          set.targets.size()};
    hash(state, sizes, sizeof sizes);
    const float normalisation[] = {set.normalisation.scale, set.normalisation.shift};
    hash(state, normalisation, sizeof normalisation);
    std::visit([&](const auto& values) { hash(state, values.data(), values.size() * sizeof values[0]); }, set.values);
    hash(state, set.labels.data(), set.labels.size() * sizeof set.labels[0]);
    hash(state, set.targets.data(), set.targets.size() * sizeof set.targets[0]);
    if (!set.vocabulary) return;
    for (const std::string& word : set.vocabulary->words) hash(state, word.c_str(), word.size() + 1);
    hash(state, set.vocabulary->counts.data(), set.vocabulary->counts.size() * sizeof set.vocabulary->counts[0]);
}

// Of the content as it lies in memory: little-endian machines understand each other, and no other is built for.
std::uint64_t fingerprint(const std::string& name, const Dataset& train, const Dataset& test) {
    XXH3_state_t* const state = XXH3_createState();
    assert(state);
    XXH3_64bits_reset(state);
    hash(state, name.data(), name.size());
    hash(state, train);
    hash(state, test);
    const std::uint64_t result = XXH3_64bits_digest(state);
    XXH3_freeState(state);
    return result;
}

// What a row and a class are, and nothing of the rows: of data that each peer has its own of.
std::uint64_t fingerprint_of_shape(const std::string& meaning, const Dataset& train) {
    Dataset shape;
    static_cast<DataShape&>(shape) = train;
    shape.stride = train.stride;
    return fingerprint("private" + meaning, shape, {});
}

Sets sets(const std::string& name, Dataset train, Dataset test) {
    Sets result;
    result.fingerprint = fingerprint(name, train, test);
    result.train = std::make_shared<const Dataset>(std::move(train));
    result.test = std::make_shared<const Dataset>(std::move(test));
    return result;
}

// Two that call their classes otherwise, or normalise otherwise, mean different things by one number.
std::variant<Sets, Error> own_files(const config::Data& data, std::uint64_t seed, const Figures& settled) {
    auto loaded = load_own_files(data, seed, settled);
    if (auto* own = std::get_if<Sets>(&loaded)) {
        std::string meaning = config::own_files;
        for (const std::string& name : own->classes) meaning += '\0' + name;
        for (const auto* figures : {&own->figures.scale, &own->figures.shift})
            meaning.append(reinterpret_cast<const char*>(figures->data()), figures->size() * sizeof(float));
        own->fingerprint = data.shards == config::Data::Shards::own ? fingerprint_of_shape(meaning + '\0' + std::to_string(static_cast<int>(data.own->normalize)), *own->train)
                                                                    : fingerprint(meaning, *own->train, *own->test);
    }
    return loaded;
}

std::variant<Dataset, Error> fashion_mnist(const std::string& directory, const std::string& part) {
    constexpr std::size_t side = 28, classes = 10;
    const std::string missing =
        "apt-get install dataset-fashion-mnist (or say in [data] directory where the set is, or take set = \"blobs\")";
    const std::string images_path = directory + "/" + part + "-images-idx3-ubyte.gz";
    const std::string labels_path = directory + "/" + part + "-labels-idx1-ubyte.gz";
    auto images = read_idx(images_path, missing);
    if (auto* error = std::get_if<Error>(&images)) return std::move(*error);
    auto labels = read_idx(labels_path, missing);
    if (auto* error = std::get_if<Error>(&labels)) return std::move(*error);
    auto& pixels = std::get<formats::Array>(images);
    const auto& names = std::get<formats::Array>(labels);
    const auto& classes_of = std::get<std::vector<std::uint8_t>>(names.values);

    const std::string hint = "these are not the files of Fashion-MNIST: " + missing;
    if (pixels.shape.size() != 3 || pixels.shape[1] != side || pixels.shape[2] != side)
        return Error{images_path + " holds no images of 28 x 28", hint};
    if (names.shape.size() != 1 || names.shape[0] != pixels.shape[0])
        return Error{labels_path + " has not one label for each image of " + images_path, hint};
    if (std::any_of(classes_of.begin(), classes_of.end(), [](std::uint8_t l) { return l >= classes; }))
        return Error{labels_path + " has a label above 9", hint};

    Dataset set;
    set.features = side * side;
    set.classes = classes;
    set.picture = {side, side, 1};
    set.values = std::get<std::vector<std::uint8_t>>(std::move(pixels.values));
    constexpr float mean = 0.2860f, deviation = 0.3530f;  // of the training set's pixels / 255
    set.normalisation = {1 / (255 * deviation), -mean / deviation};
    set.labels.assign(classes_of.begin(), classes_of.end());
    return set;
}

// Rows around centres of their class; test rows around the same.
Dataset blobs(const config::Data& data, std::size_t rows, const std::vector<double>& centres, Random random) {
    Dataset set;
    set.features = data.features;
    set.classes = data.classes;
    std::vector<float> values(rows * set.features);
    set.labels.resize(rows);
    for (std::size_t i = 0; i < rows; ++i) {
        const std::size_t label = random.below(set.classes);
        set.labels[i] = static_cast<std::int32_t>(label);
        for (std::size_t f = 0; f < set.features; ++f)
            values[i * set.features + f] = static_cast<float>(centres[label * set.features + f] + random.normal());
    }
    set.values = std::move(values);
    return set;
}

Sets blobs(const config::Data& data, std::uint64_t seed) {
    const Random random = stream(seed, Purpose::set);
    std::vector<double> centres(std::size_t{data.classes} * data.features);
    Random draw = random.split(0);
    for (double& c : centres) c = data.spread * draw.normal();
    return sets("blobs", blobs(data, data.train_samples, centres, random.split(1)),
                blobs(data, data.test_samples, centres, random.split(2)));
}

// Of every so many rows one, in even distance: also where rows stand in order of their class, all classes are in both.
Dataset some_of(const Dataset& set, double share, bool held_out) {
    Dataset some;
    static_cast<DataShape&>(some) = set;
    some.normalisation = set.normalisation;
    std::visit([&](const auto& values) { some.values = std::decay_t<decltype(values)>(); }, set.values);
    const std::size_t run = set.vocabulary ? passage : 1;  // rows that stay together
    for (std::size_t row = 0; row < set.rows(); ++row) {
        const double before = static_cast<double>(row / run);
        const bool out = std::floor(share * (before + 1)) > std::floor(share * before);
        if (out != held_out) continue;
        if (set.labels.empty()) ++some.unlabelled;
        else some.labels.push_back(set.labels[row]);
        if (!set.targets.empty()) some.targets.push_back(set.targets[row]);
        std::visit(
            [&](auto& to) {
                const auto& from = std::get<std::decay_t<decltype(to)>>(set.values);
                const auto first = from.begin() + static_cast<std::ptrdiff_t>(row * set.features);
                to.insert(to.end(), first, first + static_cast<std::ptrdiff_t>(set.features));
            },
            some.values);
    }
    if (set.users > 0 && !held_out) some.mean = mean_of(some.targets);
    return some;
}

// The last windows of a text.
std::variant<Sets, Error> hold_out_end(const Sets& all, double share) {
    const Dataset& whole = *all.train;
    const auto& text = std::get<std::vector<std::uint8_t>>(whole.values);
    const auto out = static_cast<std::size_t>(std::floor(share * static_cast<double>(whole.rows())));
    if (out == 0 || out == whole.rows())
        return Error{"holding out a share of " + std::to_string(share) + " of " + std::to_string(whole.rows()) + " windows leaves nothing to train on or nothing to validate on", "validation = 0.1, or a longer text"};
    const auto cut = text.begin() + static_cast<std::ptrdiff_t>((whole.rows() - out) * whole.length);
    Sets sets = all;
    sets.train = std::make_shared<const Dataset>(windows({text.begin(), cut + 1}, whole.length));
    sets.test = std::make_shared<const Dataset>(windows({cut, text.end()}, whole.length));
    return sets;
}

}  // namespace

std::variant<Sets, Error> hold_out(const Sets& all, double share) {
    Sets sets = all;
    if (all.train->length > 0) return hold_out_end(all, share);
    sets.train = std::make_shared<Dataset>(some_of(*all.train, share, false));
    sets.test = std::make_shared<Dataset>(some_of(*all.train, share, true));
    if (sets.train->rows() == 0 || sets.test->rows() == 0)
        return Error{"holding out a share of " + std::to_string(share) + " leaves nothing to train on or nothing to validate on", "validation = 0.1, or more samples"};
    return sets;
}

Sets bundle(const std::string& name, Dataset train, Dataset test) { return sets(name, std::move(train), std::move(test)); }

Kept keep(const Dataset& set, kernels::Backend& backend) {
    Kept kept;
    kept.values = std::visit([&](const auto& values) { return backend.keep(std::span(values)); }, set.values);
    kept.labels = backend.keep(std::span(set.labels));
    kept.targets = backend.keep(std::span(set.targets));
    return kept;
}

void gather(const Dataset& set, std::span<const std::uint32_t> rows, kernels::Backend& backend, kernels::IndexSpan staged,
            kernels::DeviceSpan to) {
    const std::vector<std::int32_t> numbers(rows.begin(), rows.end());
    backend.upload(numbers, staged);
    backend.gather(keep(set, backend).values, set.features, set.step(), staged, set.normalisation, to);
}

std::variant<Sets, Error> load(const config::Data& data, std::uint64_t seed, const config::Model& model, const Figures& figures) {
    if (data.is_text()) {
        auto loaded = load_text(data, model.length);
        if (auto* text = std::get_if<Sets>(&loaded)) text->fingerprint = data.shards == config::Data::Shards::own ? fingerprint_of_shape(data.set, *text->train) : fingerprint(data.set, *text->train, *text->test);
        return loaded;
    }
    if (data.set == "blobs") return blobs(data, seed);
    if (config::rows_of(data) == config::Rows::ratings) return load_ratings(data, seed);
    if (config::rows_of(data) == config::Rows::words) return load_words(data, model, seed);
    if (data.own) return own_files(data, seed, figures);
    if (data.set != "fashion-mnist")
        return Error{"unknown data set '" + data.set + "'", "known are fashion-mnist, kjv and blobs"};
    const std::string directory = data.directory.empty() ? "/usr/share/datasets/fashion-mnist" : data.directory;
    auto train = fashion_mnist(directory, "train");
    if (auto* error = std::get_if<Error>(&train)) return std::move(*error);
    auto test = fashion_mnist(directory, "t10k");
    if (auto* error = std::get_if<Error>(&test)) return std::move(*error);
    auto loaded = sets(data.set, std::get<Dataset>(std::move(train)), std::get<Dataset>(std::move(test)));
    loaded.classes = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"};
    loaded.figures = {{loaded.train->normalisation.scale}, {loaded.train->normalisation.shift}};
    return loaded;
}

bool depends_on_seed(const config::Data& data) { return data.set == "blobs" || config::rows_of(data) != config::Rows::samples || (data.own && data.own->test_files.empty()); }

}  // namespace grapevine::learn
