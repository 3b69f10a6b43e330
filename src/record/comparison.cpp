#include "grapevine/record/comparison.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>

#include "grapevine/record/run_files.hpp"
#include "json.hpp"
#include "read_lines.hpp"
#include "summary_json.hpp"

namespace grapevine::record {
namespace {

// The 97.5 % point of Student's t: 2.5 % lie beyond it on either side.
double student(std::size_t freedom) {
    constexpr std::array<double, 30> table{12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
                                           2.120,  2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042};
    if (freedom <= table.size()) return table[freedom - 1];
    const double z = 1.959964;
    return z + (z * z * z + z) / (4 * static_cast<double>(freedom));  // Cornish-Fisher; off by 0.002 at most
}

std::vector<double> known(const MethodResult& method, const std::function<std::optional<double>(const Summary&)>& value) {
    std::vector<double> values;
    for (const Summary& run : method.runs)
        if (const auto v = value(run); v && std::isfinite(*v)) values.push_back(*v);
    return values;
}

Censored target_of(const MethodResult& method, std::optional<double> TargetResult::*when) {
    std::vector<std::optional<double>> values;
    for (const Summary& run : method.runs) values.push_back(run.target ? (*run.target).*when : std::nullopt);
    return censored(values);
}

Json json_of(const Interval& i) { return Json::Object{{"mean", i.mean}, {"low", i.low}, {"high", i.high}}; }

Json json_of(const Censored& c) { return Json::Object{{"median", c.median}, {"mean", c.mean.mean}, {"low", c.mean.low}, {"high", c.mean.high}}; }

Json json_of(const TriedRate& t) {
    return Json::Object{{"learning_rate", t.learning_rate},
                        {"seeds", t.seeds},
                        {"reached", t.reached},
                        {"seconds_to_target", t.seconds_to_target},
                        {"accuracy", t.accuracy}};
}

Json json_of(const TuningResult& t) {
    return Json::Object{{"first_seed", t.first_seed}, {"seeds", t.seeds}, {"validation", t.validation}, {"by", t.by}};
}

Json json_of(const MethodResult& method, const MethodResult* reference) {
    const MethodStatistics s = statistics_of(method);
    Json::List runs, grid;
    for (const TriedRate& rate : method.grid) grid.push_back(json_of(rate));
    for (const Summary& run : method.runs) runs.push_back(json_of(run));
    return Json::Object{{"method", method.method},
                        {"exchange", null_if_empty(method.exchange)},
                        {"learning_rate", method.learning_rate},
                        {"grid", std::move(grid)},
                        {"seeds", s.seeds},
                        {"reached", s.reached},
                        {"seconds_to_target", json_of(s.seconds_to_target)},
                        {"samples_to_target", json_of(s.samples_to_target)},
                        {"bytes_to_target", json_of(s.bytes_to_target)},
                        {"merged_accuracy", json_of(s.merged_accuracy)},
                        {"mean_accuracy", json_of(s.mean_accuracy)},
                        {"worst_accuracy", json_of(s.worst_accuracy)},
                        {"merged_loss", json_of(s.merged_loss)},
                        {"last5_merged_accuracy", json_of(s.last5_merged_accuracy)},
                        {"last5_mean_accuracy", json_of(s.last5_mean_accuracy)},
                        {"last5_worst_accuracy", json_of(s.last5_worst_accuracy)},
                        {"last5_merged_loss", json_of(s.last5_merged_loss)},
                        {"difference", &method == reference ? Json() : Json(json_of(reference ? paired_difference(method, *reference) : Interval{}))},
                        {"ema_accuracy", json_of(s.ema_accuracy)},
                        {"bytes", json_of(s.bytes)},
                        {"idle_share", json_of(s.idle_share)},
                        {"runs", std::move(runs)}};
}

// A part of a path, from a name that may be anything.
std::string as_directory(const std::string& name) {
    std::string out;
    for (const char c : name.substr(0, 64))
        out += (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ? c : '-';
    return out.empty() ? "-" : out;
}

MethodResult method_of(Fields& fields) {
    MethodResult method;
    method.method = fields.text("method");
    method.exchange = fields.text("exchange");
    method.learning_rate = fields.number("learning_rate");
    if (const Json::List* grid = fields.list("grid"))
        for (const Json& rate : *grid) {
            Fields inner(rate, fields.where() + ": the grid of '" + as_directory(method.method) + "'");
            TriedRate& t = method.grid.emplace_back();
            t.learning_rate = inner.must_number("learning_rate");
            t.seeds = static_cast<std::uint32_t>(inner.whole("seeds"));
            t.reached = static_cast<std::uint32_t>(inner.whole("reached"));
            t.seconds_to_target = inner.number("seconds_to_target");
            t.accuracy = inner.number("accuracy");
            fields.take(inner);
        }
    if (const Json::List* runs = fields.list("runs"))
        for (const Json& run : *runs) {
            Fields inner(run, fields.where() + ": a run of '" + as_directory(method.method) + "'");
            method.runs.push_back(summary_of(inner));
            fields.take(inner);
        }
    return method;
}

Scene scene_of(Fields& fields) {
    Scene scene;
    scene.name = fields.text("name");
    if (const Json::List* methods = fields.list("methods"))
        for (const Json& method : *methods) {
            Fields inner(method, fields.where());
            scene.methods.push_back(method_of(inner));
            fields.take(inner);
        }
    return scene;
}

}  // namespace

Interval interval_of(const std::vector<double>& values) {
    Interval interval;
    if (values.empty()) return interval;
    const auto n = static_cast<double>(values.size());
    double sum = 0;
    for (const double v : values) sum += v;
    const double mean = sum / n;
    interval.mean = mean;
    if (values.size() < 2) return interval;
    double squares = 0;
    for (const double v : values) squares += (v - mean) * (v - mean);
    const double half = student(values.size() - 1) * std::sqrt(squares / (n - 1) / n);
    interval.low = mean - half;
    interval.high = mean + half;
    return interval;
}

const MethodResult* reference_of(const Scene& scene) {
    for (const MethodResult& method : scene.methods)
        if (method.method == "allreduce") return &method;
    return scene.methods.empty() ? nullptr : &scene.methods.front();
}

Interval paired_difference(const MethodResult& method, const MethodResult& reference) {
    std::vector<double> differences;
    for (const Summary& ours : method.runs)
        for (const Summary& theirs : reference.runs)
            if (ours.seed == theirs.seed && ours.last5.merged_accuracy && theirs.last5.merged_accuracy)
                differences.push_back(*ours.last5.merged_accuracy - *theirs.last5.merged_accuracy);
    return interval_of(differences);
}

Censored censored(const std::vector<std::optional<double>>& values) {
    Censored result;
    if (values.empty()) return result;
    std::vector<double> sorted, reached;
    for (const auto& value : values) {
        sorted.push_back(value.value_or(HUGE_VAL));
        if (value) reached.push_back(*value);
    }
    std::sort(sorted.begin(), sorted.end());
    const std::size_t half = sorted.size() / 2;
    const double median = sorted.size() % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
    if (std::isfinite(median)) result.median = median;
    if (reached.size() == values.size()) result.mean = interval_of(reached);
    return result;
}

MethodStatistics statistics_of(const MethodResult& method) {
    MethodStatistics s;
    s.seeds = static_cast<std::uint32_t>(method.runs.size());
    for (const Summary& run : method.runs)
        if (run.target && run.target->reached_at_seconds) ++s.reached;
    s.seconds_to_target = target_of(method, &TargetResult::reached_at_seconds);
    s.samples_to_target = target_of(method, &TargetResult::reached_at_samples);
    s.bytes_to_target = target_of(method, &TargetResult::reached_at_bytes);
    s.merged_accuracy = interval_of(known(method, [](const Summary& r) { return r.final.merged_accuracy; }));
    s.mean_accuracy = interval_of(known(method, [](const Summary& r) { return r.final.accuracy; }));
    s.worst_accuracy = interval_of(known(method, [](const Summary& r) { return r.final.worst_accuracy; }));
    s.merged_loss = interval_of(known(method, [](const Summary& r) { return r.final.merged_loss; }));
    s.last5_merged_accuracy = interval_of(known(method, [](const Summary& r) { return r.last5.merged_accuracy; }));
    s.last5_mean_accuracy = interval_of(known(method, [](const Summary& r) { return r.last5.accuracy; }));
    s.last5_worst_accuracy = interval_of(known(method, [](const Summary& r) { return r.last5.worst_accuracy; }));
    s.last5_merged_loss = interval_of(known(method, [](const Summary& r) { return r.last5.merged_loss; }));
    s.ema_accuracy = interval_of(known(method, [](const Summary& r) { return r.ema_accuracy; }));
    s.bytes = interval_of(known(method, [](const Summary& r) -> std::optional<double> {
        if (!r.final.bytes_payload) return {};
        return *r.final.bytes_payload + r.final.bytes_control.value_or(0);
    }));
    s.idle_share = interval_of(known(method, [](const Summary& r) { return r.time.waiting; }));
    return s;
}

std::string to_json(const Comparison& comparison) {
    Json::List scenes, notes;
    for (const Scene& scene : comparison.scenes) {
        Json::List methods;
        const MethodResult* reference = reference_of(scene);
        for (const MethodResult& method : scene.methods) methods.push_back(json_of(method, reference));
        scenes.push_back(Json::Object{{"name", scene.name}, {"reference", reference ? Json(reference->method) : Json()}, {"methods", std::move(methods)}});
    }
    for (const std::string& note : comparison.notes) notes.push_back(note);
    Json target;
    if (comparison.target_value) target = Json::Object{{"metric", comparison.target_metric}, {"value", *comparison.target_value}};
    return dump_indented(
        Json::Object{{"name", comparison.name},
                     {"first_seed", comparison.first_seed},
                     {"target", std::move(target)},
                     {"tuning", comparison.tuning ? json_of(*comparison.tuning) : Json()},
                     {"scenes", std::move(scenes)}, {"notes", std::move(notes)}});
}

std::variant<Comparison, Error> parse_comparison(const std::string& text, const std::string& file) {
    const auto parsed = parse(text);
    if (const auto* why = std::get_if<std::string>(&parsed))
        return Error{file + ": " + *why, "was the file cut or changed by hand? run compare again"};
    Fields fields(std::get<Json>(parsed), file);
    Comparison comparison;
    comparison.name = fields.text("name");
    comparison.first_seed = fields.whole("first_seed");
    if (const Json* tuning = fields.member("tuning")) {
        Fields inner(*tuning, file + ": 'tuning'");
        comparison.tuning = TuningResult{inner.whole("first_seed"), static_cast<std::uint32_t>(inner.whole("seeds")), inner.must_number("validation"), inner.text("by")};
        fields.take(inner);
    }
    if (const Json* target = fields.member("target")) {
        Fields inner(*target, file + ": 'target'");
        comparison.target_metric = inner.text("metric");
        comparison.target_value = inner.must_number("value");
        fields.take(inner);
    }
    if (const Json::List* scenes = fields.list("scenes"))
        for (const Json& scene : *scenes) {
            Fields inner(scene, file);
            comparison.scenes.push_back(scene_of(inner));
            fields.take(inner);
        }
    if (const Json::List* notes = fields.list("notes"))
        for (const Json& note : *notes)
            if (const auto* words = std::get_if<std::string>(&note.is)) comparison.notes.push_back(*words);
    if (fields.error()) return *fields.error();
    return comparison;
}

std::optional<Error> write_comparison(const std::string& directory, const Comparison& comparison) {
    if (const auto error = make_directory(directory)) return error;
    return replace_file((std::filesystem::path(directory) / "comparison.json").string(), to_json(comparison));
}

std::variant<Comparison, Error> load_comparison(const std::string& directory) {
    const std::string path = (std::filesystem::path(directory) / "comparison.json").string();
    const auto text = whole_file(path);
    if (const auto* error = std::get_if<Error>(&text)) return *error;
    return parse_comparison(std::get<std::string>(text), path);
}

std::string run_directory(const std::string& directory, const std::string& scene, const std::string& method, std::uint64_t seed) {
    return (std::filesystem::path(directory) / as_directory(scene) / as_directory(method) / ("seed-" + std::to_string(seed))).string();
}

std::vector<Run> load_runs(const std::string& directory, const Comparison& comparison) {
    std::vector<Run> runs;
    for (const Scene& scene : comparison.scenes)
        for (const MethodResult& method : scene.methods)
            for (const Summary& summary : method.runs) {
                auto run = load_run(run_directory(directory, scene.name, method.method, summary.seed));
                if (std::holds_alternative<Error>(run)) continue;
                runs.push_back(std::move(std::get<Run>(run)));
                runs.back().scene = scene.name;
                runs.back().method = method.method;
            }
    return runs;
}

}  // namespace grapevine::record
