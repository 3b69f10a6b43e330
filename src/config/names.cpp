#include "names.hpp"

namespace grapevine::config {

const char* to_string(ModelKind kind) { return word_of(kind, model_kinds); }
const char* to_string(ExchangeKind kind) { return word_of(kind, exchange_kinds); }
const char* to_string(Clock clock) { return word_of(clock, clocks); }
const char* to_string(Form form) { return word_of(form, forms); }
const char* to_string(Algorithm algorithm) { return word_of(algorithm, algorithms); }
const char* to_string(Mode mode) { return word_of(mode, modes); }
const char* to_string(Clip clip) { return word_of(clip, clips); }
const char* to_string(Encoding encoding) { return word_of(encoding, encodings); }

std::string graph_name(const Exchange& exchange) {
    if (exchange.graph == Graph::base) return "base-" + std::to_string(exchange.base);
    if (exchange.graph == Graph::file) return "file:" + exchange.graph_file;
    return word_of(exchange.graph, graphs);
}

bool has_graph(const Exchange& exchange) {
    return exchange.kind == ExchangeKind::dpsgd || (exchange.kind == ExchangeKind::push_sum && exchange.robust);
}

Rhythm rhythm(ExchangeKind kind) {
    using enum ExchangeKind;
    switch (kind) {
        case gossip:
        case epidemic:
        case push_sum:
        case group: return {std::chrono::milliseconds(250), {}};
        case outer:
        case fedavg: return {{}, 50};
        case dpsgd:
        case allreduce:
        case parameter_server:
        case local:
        case single: return {{}, 1};
    }
    return {};
}
const char* to_string(MembershipKind kind) { return word_of(kind, membership_kinds); }
const char* to_string(DataFiles::Format format) { return word_of(format, data_formats); }
const char* to_string(DataFiles::Normalize normalize) { return word_of(normalize, normalizations); }
const char* to_string(TrainOptions::Optimizer optimizer) { return word_of(optimizer, optimizers); }
const char* to_string(TrainOptions::Precision precision) { return word_of(precision, precisions); }
const char* to_string(Compute compute) { return word_of(compute, computes); }
const char* to_string(Schedule::Kind kind) { return word_of(kind, schedules); }
const char* to_string(Split::Kind kind) { return word_of(kind, splits); }
const char* to_string(Data::Shards shards) { return word_of(shards, shard_kinds); }
const char* to_string(Event::Kind kind) { return word_of(kind, event_kinds); }
const char* to_string(Event::Sends sends) { return word_of(sends, lies); }
const char* to_string(Event::Shape shape) { return word_of(shape, shapes); }
const char* to_string(Distribution::Kind kind) { return word_of(kind, distributions); }
const char* to_string(Expect::Over over) { return word_of(over, overs); }

const std::vector<std::string>& metric_names() {
    static const std::vector<std::string> names{
        "peers_alive", "consensus_distance", "consensus_relative", "mean", "loss", "accuracy", "worst_accuracy", "merged_loss", "merged_accuracy",
        "evaluated_peers", "steps", "samples", "shard_rows", "epochs", "samples_per_epoch", "bytes_payload", "bytes_control", "messages", "refused_mixes", "views_full", "disagreements", "suspects",
        "largest_component", "mass", "mass_lost", "push_sum_potential",
        "energy_joules",
        "cluster_loss", "cluster_accuracy", "cluster_worst_accuracy", "tally_error",
        "cluster_consensus_distance", "cluster_consensus_relative"};
    return names;
}

const std::vector<std::string>& staleness_names() {
    static const std::vector<std::string> names = [] {
        std::vector<std::string> all{"0", "1"};
        for (std::uint32_t from = 2; from < 1024; from *= 2) all.push_back(std::to_string(from) + "-" + std::to_string(2 * from - 1));
        all.push_back("1024+");
        return all;
    }();
    return names;
}

const std::vector<ExchangeKind>& exchange_kinds_known() {
    static const std::vector<ExchangeKind> all = [] {
        std::vector<ExchangeKind> kinds;
        for (const auto& name : exchange_kinds) kinds.push_back(name.value);
        return kinds;
    }();
    return all;
}

bool is_of_views(const std::string& metric) {
    for (const char* name : {"views_full", "disagreements", "suspects", "largest_component"})
        if (metric == name || metric == std::string("final.") + name) return true;
    return metric == "membership.views_full_at_seconds";
}

const std::vector<std::string>& summary_paths() {
    static const std::vector<std::string> paths = [] {
        std::vector<std::string> all{"peers",
                                     "peers_max",
                                     "split_rounds",
                                     "simulated_seconds",
                                     "wall_seconds",
                                     "cpu_seconds",
                                     "events",
                                     "events_per_cpu_second",
                                     "peak_bytes",
                                     "bytes_per_peer",
                                     "target.reached_at_seconds",
                                     "target.reached_at_samples",
                                     "target.reached_at_bytes",
                                     "time.computing",
                                     "time.mixing",
                                     "time.waiting",
                                     "membership.leave_suspicions",
                                     "membership.false_positives",
                                     "membership.false_positives_at_healthy",
                                     "membership.false_positives_about_healthy",
                                     "membership.false_positives_among_healthy",
                                     "membership.false_detections",
                                     "membership.false_detections_per_member_period",
                                     "membership.refutations",
                                     "membership.refutations_max",
                                     "membership.views_full_at_seconds",
                                     "membership.probe_messages_per_member_period",
                                     "membership.messages_per_member_period"};
        for (const char* what : {"first_ping_seconds", "first_detection_seconds", "first_suspicion_seconds", "full_dissemination_seconds",
                                 "leave_dissemination_seconds"})
            for (const char* part : {"median", "p99", "p9999", "max", "mean"}) all.push_back(std::string("membership.") + what + "." + part);
        for (const std::string& name : metric_names()) all.push_back("final." + name);
        for (const char* name : {"loss", "accuracy", "worst_accuracy", "merged_loss", "merged_accuracy"}) all.push_back(std::string("last5.") + name);
        all.insert(all.end(), {"ema_loss", "ema_accuracy"});
        for (const char* name : {"started", "mixed", "declined", "overdue", "undelivered", "partner_gone", "other_layout", "no_graph", "clipped", "skipped"})
            all.push_back(std::string("exchange_counts.") + name);
        for (const char* name : {"lost", "garbled", "misread", "shut_out"}) all.push_back(std::string("network.") + name);
        all.insert(all.end(), {"staleness.mean", "staleness.max"});
        for (const std::string& name : staleness_names()) all.push_back("staleness." + name);
        return all;
    }();
    return paths;
}

}  // namespace grapevine::config
