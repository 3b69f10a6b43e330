// grapevine predict: what a model says of rows.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "grapevine/kernels/cpu.hpp"
#include "grapevine/learn/predict.hpp"
#include "grapevine/record/run_files.hpp"
#include "terminal.hpp"
#include "verb.hpp"

namespace grapevine::cli {

namespace {

using Rows = std::shared_ptr<const learn::Dataset>;

// Of files, or the held-out part of the set that the model was trained on, or of another.
std::variant<Rows, Error> rows_of(const Arguments& a, const learn::Classifier& classifier) {
    const std::vector<std::string> files(a.positional.begin() + 1, a.positional.end());
    if (!files.empty()) {
        config::DataFiles how = classifier.config.data.own.value_or(config::DataFiles{});  // its label and separator
        how.format = learn::format_of(files.front());
        auto rows = learn::rows_for(classifier, how, files);
        if (const auto* error = std::get_if<learn::Error>(&rows)) return *error;
        return std::make_shared<const learn::Dataset>(std::get<learn::Dataset>(std::move(rows)));
    }
    config::Data data = classifier.config.data;
    data.directory = a.get("data-dir").value_or("");
    if (const auto set = a.get("data")) {
        data.set = *set;
        data.own.reset();
    }
    auto sets = learn::load(data, classifier.config.seed);
    if (const auto* error = std::get_if<learn::Error>(&sets)) return *error;
    Rows test = std::get<learn::Sets>(sets).test;
    if (test->features != classifier.shape.features || test->classes != classifier.shape.classes)
        return Error{"the set has rows of " + std::to_string(test->features) + " numbers and " + std::to_string(test->classes) + " classes, the model wants " +
                         std::to_string(classifier.shape.features) + " and " + std::to_string(classifier.shape.classes), "the set that it was trained on, or a file with such rows"};
    return test;
}

std::string line_of(const learn::Classifier& classifier, const learn::Prediction& p) {
    char probability[32] = "";
    if (p.probability) std::snprintf(probability, sizeof probability, "%.6f", static_cast<double>(*p.probability));
    std::string name = classifier.name_of(p.label);
    if (name.find_first_of(",\"\n\r") != std::string::npos) {
        std::string doubled;
        for (const char c : name) doubled += c == '"' ? "\"\"" : std::string(1, c);
        name = "\"" + doubled + "\"";
    }
    return name + "," + probability + "\n";
}

int run(const Arguments& a) {
    if (a.positional.empty()) return complain({"predict wants a model file", "for example: grapevine predict runs/demo/peer-1/final.safetensors rows.csv"}, usage);
    const std::string& path = a.positional[0];
    if (a.positional.size() > 1 && a.has("data")) return complain({"predict takes files or --data, not both", "leave one of them out"}, usage);
    const auto loaded = learn::load_checkpoint(path);
    if (const auto* error = std::get_if<learn::Error>(&loaded)) return complain(*error, usage);
    const auto& checkpoint = std::get<learn::Checkpoint>(loaded);
    const auto text = checkpoint.metadata.find("config");
    if (text == checkpoint.metadata.end()) return complain({path + " does not say which run it comes from", "models that 'grapevine node --out' wrote do"}, usage);
    const auto config = config::read_text(text->second, path + " (metadata config)");
    if (const auto* error = std::get_if<config::Error>(&config)) return complain(*error, usage);
    const auto made = learn::classifier_of(checkpoint, std::get<config::Config>(config));
    if (const auto* error = std::get_if<learn::Error>(&made)) return complain({path + ": " + error->what, error->hint}, usage);
    const auto& classifier = std::get<learn::Classifier>(made);
    const auto rows = rows_of(a, classifier);
    if (const auto* error = std::get_if<Error>(&rows)) return complain(*error, usage);
    const learn::Dataset& set = *std::get<Rows>(rows);
    const auto backend = kernels::make_cpu_backend(1);
    const auto predictions = learn::predict(classifier, set, *backend);

    std::string out;
    if (a.has("json")) {
        auto list = nlohmann::ordered_json::array();
        for (const learn::Prediction& p : predictions)
            list.push_back({{"class", classifier.name_of(p.label)}, {"number", p.label}, {"probability", p.probability ? nlohmann::ordered_json(*p.probability) : nlohmann::ordered_json(nullptr)}});
        out = list.dump(0, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    } else {
        out = "class,probability\n";
        for (const learn::Prediction& p : predictions) out += line_of(classifier, p);
    }
    if (const auto file = a.get("out")) {
        if (const auto error = record::replace_file(*file, out)) return complain({error->what, error->hint}, failed);
    } else {
        std::fputs(out.c_str(), stdout);
    }
    std::size_t right = 0;
    for (std::size_t i = 0; i < set.labels.size(); ++i) right += static_cast<std::uint32_t>(set.labels[i]) == predictions[i].label;
    if (!set.labels.empty()) std::fprintf(stderr, "accuracy %.4f: %zu of %zu rows\n", static_cast<double>(right) / static_cast<double>(set.labels.size()), right, set.labels.size());
    return finished;
}

}  // namespace

Verb predict_verb() {
    return {"predict", "MODEL [FILE...] [--data SET]", "a class and its probability for each row",
            "Says of each row of a file what class the model takes it for: csv, npy, libsvm or idx, by the file's name, with labels or without\n"
            "(npy, idx: labels in a second file). Without a file: of the held-out rows of the set that it was trained on. Classes, their names and\n"
            "the normalisation are in the model's file. Rows come as csv, with --json as JSON; where labels are known, stderr says the accuracy.",
            {{"data", "SET", "the held-out rows of another set"}, {"data-dir", "DIR", "where the data set's files are"}, {"out", "FILE", "write them there"}, {"json", "", "as JSON"}}, 1000, run};
}

}  // namespace grapevine::cli
