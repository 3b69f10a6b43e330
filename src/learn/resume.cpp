#include "grapevine/learn/resume.hpp"

#include <cassert>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "grapevine/learn/encoding.hpp"
#include "grapevine/learn/ordered_learner.hpp"

namespace grapevine::learn {
namespace {

constexpr const char *rows_key = "state.rows", *taken_key = "batches_taken", *drawn_key = "batches_drawn", *data_key = "data";

std::string hex(std::uint64_t n) {
    char text[17];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(n));
    return text;
}

}  // namespace

Error not_of_this_run(const std::string& what) {
    return {"the checkpoint cannot be gone on from: " + what, "the same configuration, data and --shard as when it was written; 'grapevine eval' takes any model"};
}

bool between_steps(const Learner& learner) { return dynamic_cast<const OrderedLearner&>(learner).between_steps(); }

void describe(const Task& task, const config::Config& config, const std::string& config_text, Checkpoint& to) {
    to.metadata["config"] = config_text;
    to.metadata["seed"] = std::to_string(config.seed);
    if (!task.sets.train) return;  // one of the laws
    to.metadata[data_key] = hex(task.sets.fingerprint);
    if (!task.sets.classes.empty()) to.metadata["classes"] = nlohmann::json(task.sets.classes).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    const Dataset& set = *task.sets.train;
    nlohmann::json shape = {{"features", set.features}, {"classes", set.classes}};
    if (set.picture.size() > 0) shape.update({{"height", set.picture.height}, {"width", set.picture.width}, {"channels", set.picture.channels}});
    to.metadata["shape"] = shape.dump();
    const Figures& figures = task.sets.figures;
    if (figures.scale.empty()) return;
    to.tensors.push_back({"data.scale", {figures.scale.size()}, figures.scale});
    to.tensors.push_back({"data.shift", {figures.shift.size()}, figures.shift});
}

std::optional<Error> of_other_data(const Task& task, const Checkpoint& from) {
    const auto data = from.metadata.find(data_key);
    if (data == from.metadata.end() || data->second == hex(task.sets.fingerprint)) return std::nullopt;
    return not_of_this_run("it was trained on other data (fingerprint " + data->second + ", not " + hex(task.sets.fingerprint) + ")");
}

Checkpoint state_of(const Task& task, Learner& learner) {
    const Completion done = learner.carry_out({0, Publish{model_slot, {0, learner.size()}}});
    Checkpoint checkpoint = to_checkpoint(task.table, std::get<Published>(done.what).snapshot);
    dynamic_cast<const OrderedLearner&>(learner).save_state(checkpoint);  // all of make_learner() are
    return checkpoint;
}

std::optional<Error> go_on_from(const Task& task, Learner& learner, const Checkpoint& from) {
    auto model = to_snapshot(task.table, from);
    if (auto* error = std::get_if<Error>(&model)) return *error;
    const auto& whole = std::get<Snapshot>(model);
    if (!well_formed(whole)) return not_of_this_run("its parameters are no numbers");
    auto& ordered = dynamic_cast<OrderedLearner&>(learner);
    if (auto error = ordered.load_state(from)) return error;
    ordered.resume(whole.steps, whole.samples);
    return std::nullopt;
}

void save_state(const Batches& batches, Checkpoint& to) {
    Batches::Place place = batches.place();
    to.states.push_back({rows_key, std::move(place.rows)});
    to.metadata[taken_key] = std::to_string(place.taken);
    to.metadata[drawn_key] = std::to_string(place.drawn);
}

const std::vector<std::uint32_t>* rows_of_state(const Checkpoint& from) { return from.state<std::uint32_t>(rows_key); }

std::optional<Error> load_state(const Checkpoint& from, Batches& batches) {
    const auto* rows = rows_of_state(from);
    const auto taken = from.number(taken_key), drawn = from.number(drawn_key);
    if (!rows || !taken || !drawn) return not_of_this_run("it holds a model and not where its training was");
    if (!batches.go_on_from({*rows, *taken, *drawn})) return not_of_this_run("it was trained on another part of the data");
    return std::nullopt;
}

}  // namespace grapevine::learn
