// grapevine eval: how good a model is on held-out data.
#include <cmath>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>
#include <sstream>

#include "grapevine/config/measure.hpp"
#include "grapevine/kernels/cpu.hpp"
#include "grapevine/learn/resume.hpp"
#include "grapevine/learn/safetensors.hpp"
#include "grapevine/learn/split.hpp"
#include "grapevine/record/quality.hpp"
#include "models.hpp"
#include "terminal.hpp"
#include "verb.hpp"

namespace grapevine::cli {

std::variant<Models, Error> load_models(const std::vector<std::string>& paths, const std::string& data_directory, const std::string& set) {
    Models loaded;
    std::shared_ptr<const learn::Task> task;
    for (const std::string& path : paths) {
        auto read = learn::load_checkpoint(path);
        if (const auto* error = std::get_if<learn::Error>(&read)) return *error;
        const auto& checkpoint = std::get<learn::Checkpoint>(read);
        if (!task) {
            const auto config = checkpoint.metadata.find("config");
            if (config == checkpoint.metadata.end()) return Error{path + " does not say which run it comes from", "models that 'grapevine node --out' wrote do"};
            auto parsed = config::read_text(config->second, path + " (metadata config)");
            if (const auto* error = std::get_if<config::Error>(&parsed)) return *error;
            loaded.config = std::get<config::Config>(std::move(parsed));
            loaded.config.data.directory = data_directory;
            if (!loaded.config.model.needs_data()) return Error{path + " is of a model that learns from no data", "there is nothing to evaluate it on, or to predict"};
            if (!set.empty()) {
                loaded.config.data.set = set;
                loaded.config.data.own.reset();
                auto checked = config::read_text(config::to_toml(loaded.config, true), path + " with --data " + set);  // not every model learns from every set
                if (const auto* error = std::get_if<config::Error>(&checked)) return *error;
                loaded.config = std::get<config::Config>(std::move(checked));
                loaded.config.data.directory = data_directory;
            }
            auto prepared = learn::prepare(loaded.config);
            if (const auto* error = std::get_if<learn::Error>(&prepared)) return *error;
            task = std::get<std::shared_ptr<const learn::Task>>(prepared);
            if (const auto other = learn::of_other_data(*task, checkpoint); other && set.empty())
                std::fprintf(stderr, "note: %s was trained on other data than are here under the same name\n", path.c_str());
            if (const auto said = checkpoint.metadata.find("shape"); said != checkpoint.metadata.end()) {  // a forest's tensors do not show it
                const auto shape = nlohmann::json::parse(said->second, nullptr, false);
                const auto is = [&](const char* key, std::size_t here) { return !shape.is_object() || !shape.contains(key) || shape[key] == here; };
                const learn::Dataset& train_set = *task->sets.train;
                if (!is("features", train_set.features) || !is("classes", train_set.classes))
                    return Error{path + " was trained on rows of another shape: " + said->second, "data as it was trained on; these have " + std::to_string(train_set.features) + " numbers a row and " + std::to_string(train_set.classes) + " classes"};
            }
            loaded.learner = learn::make_learner(loaded.config, 0, 1, task, learn::split(*task->sets.train, {}, 1, 1)[0], kernels::make_cpu_backend(1));
        }
        auto snapshot = learn::to_snapshot(task->table, checkpoint);
        if (const auto* error = std::get_if<learn::Error>(&snapshot)) return *error;
        loaded.models.push_back(std::get<Snapshot>(std::move(snapshot)));
    }
    return loaded;
}

Snapshot averaged(const std::vector<Snapshot>& models) {
    Snapshot mean = models.front();
    auto values = std::make_shared<std::vector<float>>(mean.range.count);
    for (std::uint64_t i = 0; i < mean.range.count; ++i) {
        double sum = 0;
        for (const Snapshot& m : models) sum += reinterpret_cast<const float*>(m.bytes.data)[i];
        (*values)[i] = static_cast<float>(sum / static_cast<double>(models.size()));
    }
    mean.bytes = {reinterpret_cast<const std::byte*>(values->data()), values->size() * sizeof(float), values};
    return mean;
}

namespace {

int run(const Arguments& a) {
    if (a.positional.empty()) return complain({"eval wants a model file", "for example: grapevine eval runs/demo/peer-1/final.safetensors"}, usage);
    auto loaded = load_models(a.positional, a.get("data-dir").value_or(""), a.get("data").value_or(""));
    if (const auto* error = std::get_if<Error>(&loaded)) return complain(*error, usage);
    auto& models = std::get<Models>(loaded);
    auto list = nlohmann::ordered_json::array();
    bool numbers = true;
    const auto show = [&](const std::string& name, const Snapshot& model) {
        const Evaluation e = models.learner->evaluate(model);
        numbers = numbers && std::isfinite(e.loss);
        list.push_back({{"model", name}, {"loss", e.loss}, {"accuracy", e.accuracy ? nlohmann::ordered_json(*e.accuracy) : nlohmann::ordered_json(nullptr)}});
        const std::string measure = config::measure_of(models.config);
        const auto quality = record::quality(measure, e.loss);
        if (quality) list.back()[measure] = quality->value;
        if (a.has("json")) return;
        std::printf("%-50s loss %.4f", name.c_str(), e.loss);
        if (e.accuracy) std::printf("  accuracy %.4f", *e.accuracy);
        if (quality) std::printf("  %s %.4f", quality->name, quality->value);
        std::printf("\n");
    };
    for (std::size_t i = 0; i < models.models.size(); ++i) show(a.positional[i], models.models[i]);
    if (models.models.size() > 1) show("merged", averaged(models.models));
    if (a.has("json")) std::printf("%s\n", list.dump(2).c_str());
    if (!numbers) return complain({"a model holds values that are no numbers", "the training that made it has diverged"}, failed);
    return finished;
}

}  // namespace

Verb eval_verb() {
    return {"eval", "MODEL... [--data SET]", "a model's loss and accuracy on held-out data",
            "Evaluates models that a node or 'grapevine export' has written (safetensors, checkpoints, npz), and with several of them also their average.",
            {{"data", "SET", "another data set than the one it was trained on"}, {"data-dir", "DIR", "where the data set's files are"}, {"json", "", "as JSON"}}, 1000, run};
}

}  // namespace grapevine::cli
