#include "metrics.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <utility>
#include <vector>

#include "process.hpp"

namespace grapevine::node {

namespace {

using Labels = std::vector<std::pair<const char*, std::string>>;
using Value = std::optional<double>;

// The text, a family after the other: its words first, then its values.
class Text {
public:
    void gauge(const char* name, const char* help) { family(name, "gauge", help); }
    void counter(const char* name, const char* help) { family(name, "counter", help); }

    void gauge(const char* name, const char* help, Value value) { gauge(name, help), add(value); }
    void counter(const char* name, const char* help, Value value) { counter(name, help), add(value); }

    void add(Value value, const Labels& labels = {}) {
        if (value && std::isfinite(*value)) line(name_, labels, *value);
    }

    // `counts` of each stretch by itself, up to each of `bounds` and above the last.
    void histogram(const char* name, const char* help, const std::vector<double>& bounds, const std::vector<double>& counts, double sum) {
        family(name, "histogram", help);
        double all = 0;
        for (std::size_t i = 0; i < counts.size(); ++i) {
            all += counts[i];
            line(name_ + "_bucket", {{"le", i < bounds.size() ? number(bounds[i]) : "+Inf"}}, all);
        }
        line(name_ + "_sum", {}, sum);
        line(name_ + "_count", {}, all);
    }

    std::string take() { return std::move(text_); }

private:
    void family(const char* name, const char* type, const char* help) {
        name_ = name;
        text_ += "# HELP " + name_ + " " + help + "\n# TYPE " + name_ + " " + type + "\n";
    }
    static std::string number(double x) {
        char text[40];
        std::snprintf(text, sizeof text, "%.17g", x);
        if (char shorter[40]; std::snprintf(shorter, sizeof shorter, "%.15g", x) > 0 && std::strtod(shorter, nullptr) == x) return shorter;
        return text;
    }
    void line(const std::string& name, const Labels& labels, double value) {
        text_ += name;
        for (std::size_t i = 0; i < labels.size(); ++i) text_ += std::string(i ? "," : "{") + labels[i].first + "=\"" + escaped(labels[i].second) + "\"";
        text_ += (labels.empty() ? " " : "} ") + number(value) + "\n";
    }
    static std::string escaped(const std::string& text) {
        std::string out;
        for (const char c : text) out += c == '\\' ? "\\\\" : c == '"' ? "\\\"" : c == '\n' ? "\\n" : std::string(1, c);
        return out;
    }

    std::string text_, name_;
};

double of(std::uint64_t n) { return static_cast<double>(n); }

void about_the_process(Text& text) {
    const Process p = this_process();
    text.gauge("process_resident_memory_bytes", "Memory of the process that is in RAM.", p.resident_bytes);
    text.gauge("process_virtual_memory_bytes", "Address space of the process.", p.virtual_bytes);
    text.counter("process_cpu_seconds_total", "Time of all processors, user and system.", p.cpu_seconds);
    text.gauge("process_start_time_seconds", "When the process started, since 1970.", p.started);
    text.gauge("process_threads", "Threads of the process.", p.threads);
    text.gauge("process_open_fds", "Files and sockets that are open.", p.open_files);
    text.gauge("process_max_fds", "How many may be.", p.most_files);
}

void about_members(Text& text, const MetricFacts& more, const record::Sample& s, const membership::Membership& members, const membership::Book& book) {
    text.gauge("grapevine_peers_alive", "Members this node holds for present, itself included.", s.peers_alive);
    text.gauge("grapevine_members", "Members this node knows, itself included, by status.");
    const auto count = count_members(members, book);
    for (std::size_t i = 0; i < count.size(); ++i) text.add(of(count[i]), {{"status", status_words[i]}});
    text.counter("grapevine_member_events_total", "What this node heard of members.");
    for (const auto& [kind, n] : {std::pair{"joined", more.happened.joined}, {"suspected", more.happened.suspected}, {"refuted", more.happened.refuted},
                                  {"dead", more.happened.dead}, {"left", more.happened.left}})
        text.add(of(n), {{"kind", kind}});
    const membership::Record& self = book.at(members.self());
    text.gauge("grapevine_local_health", "How much this node doubts itself: 0 well, 8 the most.", of(members.local_health()));
    text.gauge("grapevine_failed_pings_ratio", "Share of this node's last pings that nobody answered directly.", self.failing / 100.0);
    text.gauge("grapevine_degraded", "1 while this node finds its own links bad, and is not mixed with.", self.degraded ? 1 : 0);
    text.gauge("grapevine_bulk_unreachable", "Members that answer pings and whose bulk plane does not answer this node.", of(members.bulk_unreachable()));
    text.gauge("grapevine_round_trip_seconds", "Typical round trip of this node's pings.", seconds(members.round_trips().typical()));
    text.gauge("grapevine_rumors_waiting", "News about members that is still being told.", of(members.rumors_waiting()));
    text.gauge("grapevine_member_records", "Records of members that are kept, of the dead and the past too.", of(book.size()));
}

void about_training(Text& text, const StatusFacts& f, const MetricFacts& more, const record::Sample& s) {
    text.counter("grapevine_steps_total", "Local training steps taken.", s.steps);
    text.counter("grapevine_samples_total", "Training samples used.", s.samples);
    text.gauge("grapevine_shard_rows", "Rows of the data that this node trains on.", s.shard_rows);
    text.counter("grapevine_epochs_total", "Passes over the rows that this node trains on.", s.epochs);
    text.gauge("grapevine_samples_per_epoch", "How often one pass of all nodes uses a row of the data, mean since the start.", s.samples_per_epoch);
    text.gauge("grapevine_training_loss", "Mean loss of the last order of steps, on training data.", s.steps.value_or(0) > 0 ? Value(f.training_loss) : std::nullopt);
    text.gauge("grapevine_loss", "Mean loss on held-out data.", s.loss);
    text.gauge("grapevine_accuracy_ratio", "Accuracy on held-out data.", s.accuracy);
    text.gauge("grapevine_cluster_loss", "Mean of all peers' losses on held-out data, as of the last tally.", s.cluster_loss);
    text.gauge("grapevine_cluster_accuracy_ratio", "Mean of all peers' accuracies on held-out data, as of the last tally.", s.cluster_accuracy);
    text.gauge("grapevine_cluster_worst_accuracy_ratio", "The least of all peers' accuracies, as of the last tally.", s.cluster_worst_accuracy);
    text.gauge("grapevine_consensus_distance", "Mean over peers of the squared distance to the mean model.", s.consensus_distance);
    text.gauge("grapevine_consensus_ratio", "Its square root over the norm of the mean model.", s.consensus_relative);
    const double training = seconds(f.times.training), mixing = seconds(f.times.mixing), evaluating = seconds(f.times.evaluating);
    text.counter("grapevine_learner_seconds_total", "Time of the learner's thread, by what it did.");
    text.add(training, {{"kind", "training"}});
    text.add(mixing, {{"kind", "mixing"}});
    text.add(evaluating, {{"kind", "evaluating"}});
    text.add(std::max(0.0, s.t - training - mixing - evaluating), {{"kind", "waiting"}});
    text.gauge("grapevine_checkpoint_age_seconds", "Since the last checkpoint was written.", more.checkpoint_age);
    text.counter("grapevine_checkpoints_failed_total", "Checkpoints that could not be written.", of(more.checkpoints_failed));
}

void about_exchanges(Text& text, const StatusFacts& f, const MetricFacts& more) {
    text.counter("grapevine_mixes_total", "Times that parameters of others were mixed in.", of(f.mixes));
    text.counter("grapevine_exchanges_failed_total", "Exchanges that came to nothing, by reason.");
    for (const auto& [reason, n] : {std::pair{"declined", f.counts.declined}, {"overdue", f.counts.overdue}, {"undelivered", f.counts.undelivered},
                                    {"partner_gone", f.counts.partner_gone}, {"other_layout", f.counts.other_layout}, {"no_graph", f.counts.no_graph},
                                    {"clipped", f.counts.clipped}})
        text.add(n, {{"reason", reason}});
    text.counter("grapevine_exchanges_skipped_total", "Exchanges not begun because one was out.", f.counts.skipped);
    text.counter("grapevine_parameters_refused_total", "Parameters not mixed because they were no numbers, garbled, or in another encoding than the run's.", of(f.refused));
    text.gauge("grapevine_distance_ratio", "Distance to the last partner's parameters over the norm of ours.", f.mixes > 0 ? Value(f.distance) : std::nullopt);
    text.gauge("grapevine_staleness_steps", "Local steps taken between publishing and mixing, last time.", f.mixes > 0 ? Value(of(f.staleness)) : std::nullopt);
    std::vector<double> bounds, counts;  // of 0, 1, 2-3, 4-7, ... steps
    for (std::size_t i = 0; i < record::Staleness::bins; ++i) {
        counts.push_back(more.staleness.counts[i].value_or(0));
        if (i + 1 < record::Staleness::bins) bounds.push_back(std::exp2(static_cast<double>(i)) - 1);
    }
    text.histogram("grapevine_mix_staleness_steps", "Local steps taken between publishing and mixing, of all mixes.", bounds, counts, more.staleness.mean.value_or(0) * of(f.mixes));
    text.histogram("grapevine_exchange_duration_seconds", "From the offer, or the publishing, to the mix.", {Durations::bounds.begin(), Durations::bounds.end()},
                   {more.took.counts().begin(), more.took.counts().end()}, more.took.sum());
}

void about_traffic(Text& text, const net::Counters& traffic) {
    const auto planes = [&](std::uint64_t net::PlaneCounters::*value) {
        text.add(of(traffic.control.*value), {{"plane", "control"}});
        text.add(of(traffic.bulk.*value), {{"plane", "bulk"}});
    };
    text.counter("grapevine_sent_bytes_total", "Bytes sent, with our headers."), planes(&net::PlaneCounters::bytes_out);
    text.counter("grapevine_received_bytes_total", "Bytes received, with our headers."), planes(&net::PlaneCounters::bytes_in);
    text.counter("grapevine_sent_frames_total", "Frames sent."), planes(&net::PlaneCounters::frames_out);
    text.counter("grapevine_received_frames_total", "Frames received."), planes(&net::PlaneCounters::frames_in);
    text.gauge("grapevine_connections", "Connections that are open or were heard on lately."), planes(&net::PlaneCounters::connections);
    text.counter("grapevine_sent_parameter_bytes_total", "Encoded parameters sent, without any headers.", of(traffic.body_bytes_out));
    text.counter("grapevine_parcels_total", "Parameters of one message each, by what became of them.");
    text.add(of(traffic.parcels_out), {{"kind", "sent"}});
    text.add(of(traffic.parcels_in), {{"kind", "received"}});
    text.add(of(traffic.undelivered), {{"kind", "undelivered"}});
    text.counter("grapevine_dropped_total", "What was dropped, by reason.");
    for (std::size_t i = 0; i < net::drop_reasons; ++i) text.add(of(traffic.dropped[i]), {{"reason", net::to_string(static_cast<net::Drop>(i))}});
    text.gauge("grapevine_receive_buffers_in_use", "Buffers in which parameters come in or lie that came.", of(traffic.buffers_in_use));
    text.counter("grapevine_receive_buffers_made_total", "Buffers that were made; else one was used again.", of(traffic.buffers_made));
    text.gauge("grapevine_receive_buffer_bytes", "Memory of all that there are.", of(traffic.buffer_bytes));
    double window = 0;
    for (const net::BulkPath& path : traffic.paths) window += of(path.window);
    text.gauge("grapevine_bulk_paths", "Peers that parameters have gone to lately.", of(traffic.paths.size()));
    text.gauge("grapevine_bulk_window_bytes", "Bytes of parameters that may be on their way to all of them together.", window);
}

}  // namespace

void Durations::add(double seconds) {
    ++counts_[static_cast<std::size_t>(std::lower_bound(bounds.begin(), bounds.end(), seconds) - bounds.begin())];
    sum_ += seconds;
}

std::string prometheus_text(const StatusFacts& f, const MetricFacts& more, const record::Sample& s, const net::Counters& traffic,
                            const membership::Membership& members, const membership::Book& book) {
    Text text;
    text.gauge("grapevine_build_info", "1, with the versions of the program and of its protocol.");
    text.add(1, {{"version", f.version}, {"wire_version", std::to_string(net::wire_version)}});
    text.gauge("grapevine_phase", "1 for what the node is doing: running, finishing, leaving or gone.");
    for (const char* phase : {"running", "finishing", "leaving", "gone"}) text.add(f.phase == phase ? 1 : 0, {{"phase", phase}});
    text.gauge("grapevine_ready", "1 when it trains, as /readyz says.", more.ready ? 1 : 0);
    text.gauge("grapevine_uptime_seconds", "Since the node started.", s.t);
    about_members(text, more, s, members, book);
    about_training(text, f, more, s);
    about_exchanges(text, f, more);
    about_traffic(text, traffic);
    about_the_process(text);
    return text.take();
}

}  // namespace grapevine::node
