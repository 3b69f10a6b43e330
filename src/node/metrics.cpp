#include "metrics.hpp"

#include <cstdio>

namespace grapevine::node {

std::string prometheus_text(const StatusFacts& f, const record::Sample& s, const net::Counters& traffic,
                            const membership::Membership& members, const membership::Book& book) {
    std::string text;
    const auto metric = [&](const std::string& name, const char* type, const char* help, std::optional<double> value, const std::string& labels = "") {
        if (!value) return;
        char number[40];
        std::snprintf(number, sizeof number, "%.17g", *value);
        if (help) text += "# HELP " + name + " " + help + "\n# TYPE " + name + " " + type + "\n";
        text += name + labels + " " + number + "\n";
    };
    metric("grapevine_peers_alive", "gauge", "Members this node holds for present, itself included.", s.peers_alive);
    const auto count = count_members(members, book);
    for (std::size_t i = 0; i < count.size(); ++i)
        metric("grapevine_members", "gauge", i == 0 ? "Members this node knows, itself included, by status." : nullptr, static_cast<double>(count[i]),
               std::string("{status=\"") + status_words[i] + "\"}");
    metric("grapevine_local_health", "gauge", "How much this node doubts itself: 0 well, 8 the most.", static_cast<double>(members.local_health()));
    metric("grapevine_rumors_waiting", "gauge", "News about members that is still being told.", static_cast<double>(members.rumors_waiting()));
    metric("grapevine_steps_total", "counter", "Local training steps taken.", s.steps);
    metric("grapevine_samples_total", "counter", "Training samples used.", s.samples);
    metric("grapevine_loss", "gauge", "Mean loss on held-out data.", s.loss);
    metric("grapevine_accuracy_ratio", "gauge", "Accuracy on held-out data.", s.accuracy);
    metric("grapevine_cluster_loss", "gauge", "Mean of all peers' losses on held-out data, as of the last tally.", s.cluster_loss);
    metric("grapevine_cluster_accuracy_ratio", "gauge", "Mean of all peers' accuracies on held-out data, as of the last tally.", s.cluster_accuracy);
    metric("grapevine_cluster_worst_accuracy_ratio", "gauge", "The least of all peers' accuracies, as of the last tally.", s.cluster_worst_accuracy);
    metric("grapevine_mixes_total", "counter", "Times that parameters of others were mixed in.", static_cast<double>(f.mixes));
    const auto failed = [&](const char* reason, std::optional<double> times, const char* help = nullptr) {
        metric("grapevine_exchanges_failed_total", "counter", help, times, std::string("{reason=\"") + reason + "\"}");
    };
    failed("declined", f.counts.declined, "Exchanges that came to nothing, by reason.");
    failed("overdue", f.counts.overdue);
    failed("undelivered", f.counts.undelivered);
    failed("partner_gone", f.counts.partner_gone);
    failed("other_layout", f.counts.other_layout);
    failed("no_graph", f.counts.no_graph);
    failed("clipped", f.counts.clipped);
    metric("grapevine_exchanges_skipped_total", "counter", "Exchanges not begun because one was out.", f.counts.skipped);
    metric("grapevine_parameters_refused_total", "counter", "Parameters not mixed because they were no numbers, garbled, or in another encoding than the run's.", static_cast<double>(f.refused));
    metric("grapevine_distance_ratio", "gauge", "Distance to the last partner's parameters over the norm of ours.", f.distance);
    metric("grapevine_staleness_steps", "gauge", "Local steps taken between publishing and mixing, last time.", static_cast<double>(f.staleness));
    metric("grapevine_sent_bytes_total", "counter", "Bytes sent.", static_cast<double>(traffic.control.bytes_out), "{plane=\"control\"}");
    metric("grapevine_sent_bytes_total", "counter", nullptr, static_cast<double>(traffic.bulk.bytes_out), "{plane=\"bulk\"}");
    metric("grapevine_received_bytes_total", "counter", "Bytes received.", static_cast<double>(traffic.control.bytes_in), "{plane=\"control\"}");
    metric("grapevine_received_bytes_total", "counter", nullptr, static_cast<double>(traffic.bulk.bytes_in), "{plane=\"bulk\"}");
    for (std::size_t i = 0; i < net::drop_reasons; ++i) {
        const std::string reason = net::to_string(static_cast<net::Drop>(i));
        metric("grapevine_dropped_total", "counter", i == 0 ? "What was dropped, by reason." : nullptr, static_cast<double>(traffic.dropped[i]),
               "{reason=\"" + reason + "\"}");
    }
    metric("grapevine_learner_seconds_total", "counter", "Time of the learner's thread.", seconds(f.times.training), "{kind=\"training\"}");
    metric("grapevine_learner_seconds_total", "counter", nullptr, seconds(f.times.mixing), "{kind=\"mixing\"}");
    metric("grapevine_learner_seconds_total", "counter", nullptr, seconds(f.times.evaluating), "{kind=\"evaluating\"}");
    return text;
}

}  // namespace grapevine::node
