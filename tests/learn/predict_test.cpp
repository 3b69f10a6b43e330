// A model out of a file says of rows what its learner would.
#include <cmath>
#include <fstream>

#include "grapevine/learn/predict.hpp"
#include "grapevine/learn/resume.hpp"
#include "support.hpp"

using namespace grapevine;
using namespace grapevine::learn;

namespace {

using Kind = config::ModelKind;

struct Learnt {
    config::Config config;
    TaskPointer task;
    std::unique_ptr<Learner> learner;
    Checkpoint file;

    explicit Learnt(const config::Config& c) : config(c), task(task_of(c)), learner(learner_of(c, task)) {
        learner->carry_out({0, Train{config.model.kind == Kind::forest ? 6u : 100u}});
        file = to_checkpoint(task->table, publish(*learner));
        describe(*task, config, "", file);
    }
    Classifier classifier() const {
        auto made = classifier_of(file, config);
        if (const auto* error = std::get_if<Error>(&made)) FAIL(error->what);
        return std::get<Classifier>(std::move(made));
    }
};

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::string complaint(const Checkpoint& file, const config::Config& config) {
    const auto made = classifier_of(file, config);
    REQUIRE(std::holds_alternative<Error>(made));
    CHECK(!std::get<Error>(made).hint.empty());
    return std::get<Error>(made).what;
}

}  // namespace

TEST_CASE("predictions of the held-out rows have the learner's accuracy, and its loss") {
    for (const Kind kind : {Kind::logistic, Kind::mlp, Kind::svm, Kind::forest}) {
        CAPTURE(static_cast<int>(kind));
        auto config = blobs(kind);
        config.model.trees = 6;
        config.model.places = 6;
        config.model.depth = 4;
        config.data.spread = 0.5;  // so that not all is right
        const Learnt trained(config);
        const auto backend = kernels::make_cpu_backend();
        const Dataset& test = *trained.task->sets.test;
        const auto all = predict(trained.classifier(), test, *backend);
        REQUIRE(all.size() == test.rows());
        std::size_t right = 0;
        double loss = 0;
        for (std::size_t i = 0; i < all.size(); ++i) {
            right += all[i].label == static_cast<std::uint32_t>(test.labels[i]);
            CHECK(all[i].probability.has_value() == (kind != Kind::svm));
            if (all[i].probability && all[i].label == static_cast<std::uint32_t>(test.labels[i])) loss -= std::log(static_cast<double>(*all[i].probability));
        }
        const Evaluation evaluation = trained.learner->evaluate();
        CHECK(static_cast<double>(right) / static_cast<double>(all.size()) == doctest::Approx(evaluation.accuracy.value()));
        CHECK(right < all.size());
        if (kind == Kind::logistic || kind == Kind::mlp) CHECK(loss / static_cast<double>(all.size()) < evaluation.loss);  // of the right ones alone
    }
}

TEST_CASE("an npz file is the model that was written, as is a safetensors file") {
    const Learnt trained(blobs(Kind::mlp));
    const Directory directory;
    REQUIRE(!save_npz(directory.file("m.npz"), trained.file));
    const auto loaded = load_checkpoint(directory.file("m.npz"));
    REQUIRE(std::holds_alternative<Checkpoint>(loaded));
    const auto& back = std::get<Checkpoint>(loaded);
    CHECK(back.metadata == trained.file.metadata);
    REQUIRE(back.tensors.size() == trained.file.tensors.size());
    for (std::size_t i = 0; i < back.tensors.size(); ++i) {
        CHECK(back.tensors[i].name == trained.file.tensors[i].name);
        CHECK(back.tensors[i].shape == trained.file.tensors[i].shape);
        CHECK(back.tensors[i].values == trained.file.tensors[i].values);
    }
}

namespace {

std::string write(const Directory& directory, const std::string& name, const std::string& text) {
    std::ofstream(directory.file(name)) << text;
    return directory.file(name);
}

// A run on two files of one's own, to train on and held out.
config::Config on_files(const Directory& directory, const std::string& train, const std::string& test) {
    auto config = blobs(Kind::logistic);
    config.data.set = config::own_files;
    config.data.own.emplace();
    config.data.own->files = {write(directory, "train.csv", train)};
    config.data.own->test_files = {write(directory, "test.csv", test)};
    return config;
}

}  // namespace

TEST_CASE("rows of a file are normalised as those of the training were, with labels or without") {
    const Directory directory;
    const auto config = on_files(directory, "0,7,a\n128,9,b\n0,9,a\n128,7,b\n", "0,7,a\n");
    const Learnt trained(config);
    const Classifier classifier = trained.classifier();
    CHECK(classifier.classes == std::vector<std::string>{"a", "b"});
    const auto rows = [&](const std::string& text) {
        auto read = rows_for(classifier, *config.data.own, {write(directory, "rows.csv", text)});
        if (const auto* error = std::get_if<Error>(&read)) FAIL(error->what);
        return std::get<Dataset>(std::move(read));
    };
    const Dataset plain = rows("0,7\n192,8\n"), labelled = rows("0,7,b\n192,8,a\n");
    CHECK(std::get<std::vector<float>>(plain.values) == std::vector<float>{-1, -1, 2, 0});
    CHECK(plain.values == labelled.values);
    CHECK(plain.rows() == 2);
    CHECK(plain.labels.empty());
    CHECK(labelled.labels == std::vector<std::int32_t>{1, 0});
    CHECK(rows("0,7,strange\n").labels.empty());
    const auto backend = kernels::make_cpu_backend();
    CHECK(predict(classifier, plain, *backend)[1].label == 1);
    const auto wide = rows_for(classifier, *config.data.own, {write(directory, "rows.csv", "1,2,3,4,5\n")});
    CHECK(has(std::get<Error>(wide).what, "has 4 numbers a row, and the model wants 2"));
}

TEST_CASE("rows of one number are normalised once") {
    const Directory directory;
    const auto config = on_files(directory, "100,a\n300,b\n100,a\n300,b\n", "100,a\n");
    const Learnt trained(config);
    auto read = rows_for(trained.classifier(), *config.data.own, {write(directory, "rows.csv", "100\n300\n")});
    const Dataset& set = std::get<Dataset>(read);
    const auto backend = kernels::make_cpu_backend();
    const auto predicted = predict(trained.classifier(), set, *backend);
    CHECK(predicted[0].label == 0);
    CHECK(predicted[1].label == 1);
    const auto span = backend->allocate(2);
    const std::uint32_t both[] = {0, 1};
    gather(set, both, *backend, kernels::IndexSpan{reinterpret_cast<std::int32_t*>(backend->allocate(2).data), 2}, span);
    std::vector<float> values(2);
    backend->download(span, values);
    CHECK(values[0] == doctest::Approx(-1));
    CHECK(values[1] == doctest::Approx(1));
}

TEST_CASE("a file that claims much gets no memory for it, and one that says little is refused") {
    const auto config = blobs(Kind::mlp);
    const Learnt trained(config);
    Checkpoint file = trained.file;
    for (const char* shape : {"", "{}", "[", "3", R"({"features":20})", R"({"features":20,"classes":1})", R"({"features":-1,"classes":4})", R"({"features":1e9,"classes":4})",
                              R"({"features":2000000,"classes":4})", R"({"features":20,"classes":70000})", R"({"features":20,"classes":4,"height":3,"width":3,"channels":1})",
                              R"({"features":20,"classes":4,"height":18446744073709551615,"width":2,"channels":1})"}) {
        CAPTURE(shape);
        file.metadata["shape"] = shape;
        CHECK(has(complaint(file, config), "does not say what rows it takes"));
    }
    file.metadata["shape"] = R"({"features":1048576,"classes":65536})";
    CHECK(has(complaint(file, config), "tensor w1 is 20x16 in the file"));
    file = trained.file;
    file.tensors.push_back({"data.scale", {3}, {1, 2, 3}});
    file.tensors.push_back({"data.shift", {3}, {1, 2, 3}});
    CHECK(has(complaint(file, config), "how its rows are normalised"));
    file = trained.file;
    file.tensors[0].values[0] = std::nanf("");
    CHECK(has(complaint(file, config), "no numbers"));
    CHECK(has(complaint(trained.file, blobs(Kind::kmeans)), "gives no classes"));
}
