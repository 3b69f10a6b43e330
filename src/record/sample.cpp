#include "grapevine/record/sample.hpp"

#include <array>
#include <cmath>

#include "grapevine/record/run.hpp"
#include "json.hpp"
#include "known_values.hpp"

namespace grapevine::record {
namespace {

struct Metric {
    const char* name;
    std::optional<double> Sample::*value;
};

// In the order in which they are written. `t` stands before them, `mean`, the only list, behind.
constexpr std::array<Metric, 33> metrics{{{"unix_time", &Sample::unix_time},
                                          {"peers_alive", &Sample::peers_alive},
                                          {"consensus_distance", &Sample::consensus_distance},
                                          {"consensus_relative", &Sample::consensus_relative},
                                          {"loss", &Sample::loss},
                                          {"accuracy", &Sample::accuracy},
                                          {"worst_accuracy", &Sample::worst_accuracy},
                                          {"merged_loss", &Sample::merged_loss},
                                          {"merged_accuracy", &Sample::merged_accuracy},
                                          {"evaluated_peers", &Sample::evaluated_peers},
                                          {"steps", &Sample::steps},
                                          {"samples", &Sample::samples},
                                          {"shard_rows", &Sample::shard_rows},
                                          {"epochs", &Sample::epochs},
                                          {"samples_per_epoch", &Sample::samples_per_epoch},
                                          {"bytes_payload", &Sample::bytes_payload},
                                          {"bytes_control", &Sample::bytes_control},
                                          {"messages", &Sample::messages},
                                          {"refused_mixes", &Sample::refused_mixes},
                                          {"energy_joules", &Sample::energy_joules},
                                          {"views_full", &Sample::views_full},
                                          {"disagreements", &Sample::disagreements},
                                          {"suspects", &Sample::suspects},
                                          {"largest_component", &Sample::largest_component},
                                          {"mass", &Sample::mass},
                                          {"mass_lost", &Sample::mass_lost},
                                          {"push_sum_potential", &Sample::push_sum_potential},
                                          {"cluster_loss", &Sample::cluster_loss},
                                          {"cluster_accuracy", &Sample::cluster_accuracy},
                                          {"cluster_worst_accuracy", &Sample::cluster_worst_accuracy},
                                          {"tally_error", &Sample::tally_error},
                                          {"cluster_consensus_distance", &Sample::cluster_consensus_distance},
                                          {"cluster_consensus_relative", &Sample::cluster_consensus_relative}}};

}  // namespace

std::optional<double> value_of(const Sample& sample, const std::string& metric) {
    if (metric == "t") return sample.t;
    if (metric == "mean") return sample.mean && !sample.mean->empty() ? std::optional(sample.mean->front()) : std::nullopt;
    for (const Metric& known : metrics)
        if (metric == known.name) {
            const auto& value = sample.*known.value;
            return value && std::isfinite(*value) ? value : std::nullopt;
        }
    return {};
}

std::vector<std::pair<const char*, double>> known_values(const Sample& sample) {
    std::vector<std::pair<const char*, double>> known;
    for (const Metric& metric : metrics)
        if (const auto& value = sample.*metric.value; value && std::isfinite(*value)) known.emplace_back(metric.name, *value);
    if (const auto mean = value_of(sample, "mean"); mean && std::isfinite(*mean)) known.emplace_back("mean", *mean);
    return known;
}

Json::Object object_of(const Sample& sample) {
    Json::Object out{{"t", sample.t}};
    for (const Metric& metric : metrics)
out.emplace_back(metric.name, sample.*metric.value);
    Json mean;
    if (sample.mean) mean = Json::List(sample.mean->begin(), sample.mean->end());
    out.emplace_back("mean", std::move(mean));
    return out;
}

Sample sample_of(Fields& fields) {
    Sample sample;
    sample.t = fields.must_number("t");
    for (const Metric& metric : metrics)
sample.*metric.value = fields.number(metric.name);
    if (const Json::List* mean = fields.list("mean")) {
        sample.mean.emplace();
        for (const Json& item : *mean) {
            const auto value = item.number();
            if (!value && !item.null()) fields.fault("'mean' holds something that is no number");
            sample.mean->push_back(value.value_or(NAN));
        }
    }
    return sample;
}

std::string to_json(const Sample& sample) { return dump(Json(object_of(sample))); }

std::string to_json(const RunEvent& event) {
    Json::Object out{{"t", event.t}, {"peer", null_if_empty(event.peer)}, {"kind", event.kind}, {"about", null_if_empty(event.about)}};
    for (const auto& [name, value] : event.fields) out.emplace_back(name, std::visit([](const auto& v) { return Json(v); }, value));
    return dump(Json(std::move(out)));
}

namespace {

std::string at_line(const std::string& file, std::size_t number) { return file + ":" + std::to_string(number); }

Error no_json(const std::string& where, const std::string& why) {
    return {where + ": " + why, "was the file cut or changed by hand? take the line out, or run again"};
}

}  // namespace

std::variant<Sample, Error> parse_sample(const std::string& line, const std::string& file, std::size_t number) {
    const auto parsed = parse(line);
    if (const auto* why = std::get_if<std::string>(&parsed)) return no_json(at_line(file, number), *why);
    Fields fields(std::get<Json>(parsed), at_line(file, number));
    Sample sample = sample_of(fields);
    if (fields.error()) return *fields.error();
    return sample;
}

std::variant<RunEvent, Error> parse_event(const std::string& line, const std::string& file, std::size_t number) {
    const auto parsed = parse(line);
    if (const auto* why = std::get_if<std::string>(&parsed)) return no_json(at_line(file, number), *why);
    const Json& object = std::get<Json>(parsed);
    Fields fields(object, at_line(file, number));
    RunEvent event;
    event.t = fields.must_number("t");
    event.peer = fields.text("peer");
    event.kind = fields.text("kind");
    event.about = fields.text("about");
    if (fields.error()) return *fields.error();
    for (const auto& [name, value] : std::get<Json::Object>(object.is)) {
        if (name == "t" || name == "peer" || name == "kind" || name == "about") continue;
        if (const auto number_value = value.number()) event.fields.emplace_back(name, *number_value);
        else if (const auto* truth = std::get_if<bool>(&value.is)) event.fields.emplace_back(name, *truth);
        else if (const auto* text = std::get_if<std::string>(&value.is)) event.fields.emplace_back(name, *text);
    }
    return event;
}

}  // namespace grapevine::record
