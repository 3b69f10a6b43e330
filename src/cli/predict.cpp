// grapevine predict: what a model says of rows, of how a text goes on, or of words.
#include <cstdio>
#include <functional>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <tuple>

#include "grapevine/kernels/cpu.hpp"
#include "grapevine/learn/continuation.hpp"
#include "grapevine/learn/neighbours.hpp"
#include "grapevine/learn/predict.hpp"
#include "grapevine/learn/resume.hpp"
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

int put(const Arguments& a, const std::string& out) {
    if (const auto file = a.get("out")) {
        if (const auto error = record::replace_file(*file, out)) return complain({error->what, error->hint}, failed);
    } else {
        std::fwrite(out.data(), 1, out.size(), stdout);
    }
    return finished;
}

constexpr const char* of_texts[] = {"prompt", "bytes", "temperature", "seed"};

// How a text goes on.
int write_on(const Arguments& a, const learn::Checkpoint& checkpoint, const config::Config& config) {
    const std::string& path = a.positional[0];
    if (a.positional.size() > 1 || a.has("data")) return complain({path + " is a model of texts, and says nothing of rows", "--prompt \"In the beginning\""}, usage);
    if (!a.has("prompt")) return complain({path + " is a model of texts: it goes on with one", "--prompt \"In the beginning\""}, usage);
    learn::Sampling how;
    std::size_t bytes = 200;
    for (const auto& [name, most, put] : std::initializer_list<std::tuple<const char*, double, std::function<void(double)>>>{
             {"bytes", 1e6, [&](double x) { bytes = static_cast<std::size_t>(x); }},
             {"temperature", 100, [&](double x) { how.temperature = x; }},
             {"seed", 9007199254740992.0, [&](double x) { how.seed = static_cast<std::uint64_t>(x); }}}) {
        const auto n = a.number(name, 0, most);
        if (const auto* error = std::get_if<Error>(&n)) return complain(*error, usage);
        if (const auto& value = std::get<std::optional<double>>(n)) put(*value);
    }
    const auto made = learn::text_model_of(checkpoint, config);
    if (const auto* error = std::get_if<learn::Error>(&made)) return complain({path + ": " + error->what, error->hint}, usage);
    const std::string prompt = *a.get("prompt");
    const auto backend = kernels::make_cpu_backend(1);
    const std::string text = learn::continued(std::get<learn::TextModel>(made), prompt, bytes, how, *backend);
    std::string out = prompt + text + "\n";
    if (a.has("json")) out = nlohmann::ordered_json{{"prompt", prompt}, {"text", text}}.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    return put(a, out);
}

// Words that stand where a word does. Their names are in the data and not in the model.
int name_neighbours(const Arguments& a, const learn::Checkpoint& checkpoint, const config::Config& config) {
    constexpr std::size_t most = 10;
    const std::string& path = a.positional[0];
    if (a.positional.size() > 1 || a.has("data")) return complain({path + " holds vectors of words, and says nothing of rows", "--nearest WORD"}, usage);
    if (!a.has("nearest")) return complain({path + " holds vectors of words: it says which are near to each other", "--nearest WORD"}, usage);
    config::Data data = config.data;
    data.directory = a.get("data-dir").value_or("");
    auto sets = learn::load(data, config.seed, config.model);
    if (const auto* error = std::get_if<learn::Error>(&sets)) return complain(*error, usage);
    learn::Task task;
    task.sets = std::get<learn::Sets>(std::move(sets));
    if (learn::of_other_data(task, checkpoint)) return complain({path + " was trained on other data than are here under the same name", "--data-dir DIR: where its own are"}, usage);
    const auto found = learn::nearest(checkpoint, *task.sets.train->vocabulary, *a.get("nearest"), most);
    if (const auto* error = std::get_if<learn::Error>(&found)) return complain(*error, usage);
    std::string out = "word,cosine\n";
    auto list = nlohmann::ordered_json::array();
    for (const learn::Neighbour& n : std::get<std::vector<learn::Neighbour>>(found)) {
        char cosine[32];
        std::snprintf(cosine, sizeof cosine, "%.4f", n.cosine);
        out += n.word + "," + cosine + "\n";
        list.push_back({{"word", n.word}, {"cosine", n.cosine}});
    }
    if (a.has("json")) out = list.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    return put(a, out);
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
    if (std::get<config::Config>(config).model.reads_text()) return write_on(a, checkpoint, std::get<config::Config>(config));
    for (const char* option : of_texts)
        if (a.has(option)) return complain({std::string("--") + option + " is for models of texts, and " + path + " is none", "leave it out"}, usage);
    if (std::get<config::Config>(config).model.kind == config::ModelKind::skipgram) return name_neighbours(a, checkpoint, std::get<config::Config>(config));
    if (a.has("nearest")) return complain({"--nearest is for vectors of words, and " + path + " holds none", "leave it out"}, usage);
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
    return {"predict", "MODEL [FILE...]", "a class for each row; how a text goes on; which words are near",
            "Says of each row of a file what class the model takes it for: csv, npy, libsvm or idx, by the file's name, with labels or without\n"
            "(npy, idx: labels in a second file). Without a file: of the held-out rows of the set that it was trained on. Classes, their names and\n"
            "the normalisation are in the model's file. Rows come as csv, with --json as JSON; where labels are known, stderr says the accuracy.\n"
            "A model of texts (gru, transformer) goes on with --prompt, a byte at a time; vectors of words (skipgram) say which are --nearest.",
            {{"data", "SET", "the held-out rows of another set"}, {"data-dir", "DIR", "where the data set's files are"}, {"out", "FILE", "write them there"}, {"json", "", "as JSON"},
             {"prompt", "TEXT", "how the text begins that a model of texts goes on with", false, true},
             {"nearest", "WORD", "the ten words whose vectors are nearest to this one's, by cosine", false, true},
             {"bytes", "N", "of a text, how many; default 200", false, true},
             {"temperature", "T", "of a text: below 1 likelier, above 1 more varied; 0: always the likeliest byte; default 0.8", false, true},
             {"seed", "N", "of a text, what is drawn; default 1", false, true}}, 1000, run};
}

}  // namespace grapevine::cli
