#include "status_pages.hpp"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace grapevine::node {

namespace {

using Json = nlohmann::ordered_json;

std::string dump(const Json& j) { return j.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"; }

Json known(const std::optional<double>& x) { return x ? Json(*x) : Json(nullptr); }

Json cluster_of(const record::Sample& s) {
    return {{"loss", known(s.cluster_loss)}, {"accuracy", known(s.cluster_accuracy)}, {"worst_accuracy", known(s.cluster_worst_accuracy)}};
}

// Of a member, or of ourselves: what it says of itself, as far as we can read it.
void add_metadata(Json& j, const std::optional<Metadata>& m, double unix_time) {
    j["age"] = m && m->started > 0 ? Json(std::max(0.0, unix_time - m->started)) : Json(nullptr);
    j["steps"] = m ? Json(m->steps) : Json(nullptr);
    j["speed"] = m && m->speed > 0 ? Json(m->speed) : Json(nullptr);
    j["device"] = m ? Json(to_string(m->device)) : Json(nullptr);
    j["layout"] = m ? Json(hex(m->layout)) : Json(nullptr);
}

}  // namespace

std::string status_url(const std::string& host, std::uint16_t port) {
    return "http://" + (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + std::to_string(port) + "/";
}

std::string hex(std::uint64_t x) {
    char text[17];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(x));
    return text;
}

Status status_of(membership::Standing standing, bool degraded) {
    switch (standing) {
        case membership::Standing::alive: return degraded ? Status::degraded : Status::alive;
        case membership::Standing::suspect: return Status::suspect;
        case membership::Standing::dead: return Status::dead;
        case membership::Standing::left: return Status::left;
    }
    return Status::alive;
}

std::array<std::size_t, 5> count_members(const membership::Membership& members, const membership::Book& book) {
    std::array<std::size_t, 5> count{};
    const auto add = [&](membership::Standing standing, membership::Handle record) { ++count[static_cast<std::size_t>(status_of(standing, book.degraded(record)))]; };
    add(members.leaving() ? membership::Standing::left : membership::Standing::alive, members.self());
    for (const auto& e : members.roster().entries()) add(e.standing, e.record);
    return count;
}

std::string status_json(const StatusFacts& f, const record::Sample& s) {
    Json j;
    j["name"] = f.name;
    j["run"] = hex(f.run);
    j["run_name"] = f.run_name;
    j["phase"] = f.phase;
    j["device"] = f.device;
    j["exchange"] = f.exchange;
    j["t"] = s.t;
    j["unix_time"] = known(s.unix_time);
    j["peers_alive"] = known(s.peers_alive);
    j["steps"] = known(s.steps);
    j["samples"] = known(s.samples);
    j["training_loss"] = f.training_loss;
    j["loss"] = known(s.loss);
    j["accuracy"] = known(s.accuracy);
    j["cluster"] = cluster_of(s);
    j["mixes"] = f.mixes;
    j["exchanges_failed"] = f.failures;
    j["exchanges_skipped"] = f.skipped;
    j["staleness"] = f.staleness;
    j["distance"] = f.distance;
    j["bytes_payload"] = known(s.bytes_payload);
    j["bytes_control"] = known(s.bytes_control);
    j["samples_per_second"] = f.rates.samples;
    j["seconds"] = {{"training", seconds(f.times.training)}, {"mixing", seconds(f.times.mixing)}, {"evaluating", seconds(f.times.evaluating)}};
    return dump(j);
}

std::string members_json(const StatusFacts& f, double unix_time, const membership::Membership& members, const membership::Book& book,
                         const std::map<PeerId, PeerId>& accusers) {
    Json list = Json::array();
    const auto name_of = [&](PeerId id) {
        if (id == f.self.id) return f.name;
        const auto* e = members.roster().find(id);
        return e ? std::string(book.name(e->record)) : hex(id.value);
    };
    const auto add = [&](membership::Handle handle, membership::Standing standing, bool me) {
        const membership::Record& record = book.at(handle);
        const Contact& c = record.contact;
        const auto trip = me ? std::nullopt : members.round_trips().mean(c.id);
        const auto accuser = accusers.find(c.id);
        Json j{{"name", c.name}, {"id", hex(c.id.value)}, {"generation", record.generation},
               {"status", status_words[static_cast<std::size_t>(status_of(standing, record.degraded))]},
               {"suspected_by", standing == membership::Standing::suspect && accuser != accusers.end() ? Json(name_of(accuser->second)) : Json(nullptr)},
               {"control", c.control}, {"bulk", c.bulk}, {"round_trip", trip ? Json(seconds(*trip)) : Json(nullptr)}};
        add_metadata(j, me ? std::optional(f.metadata) : unpack(record.metadata), unix_time);
        if (!membership::present(standing)) j["age"] = nullptr;  // it does not run any more, as far as we know
        j["incarnation"] = record.incarnation;
        j["failing"] = record.failing / 100.0;
        j["self"] = me;
        list.push_back(std::move(j));
    };
    add(members.self(), members.leaving() ? membership::Standing::left : membership::Standing::alive, true);
    for (const auto& e : members.roster().entries()) add(e.record, e.standing, false);
    return dump({{"run", hex(f.run)}, {"run_name", f.run_name}, {"node", f.name}, {"local_health", members.local_health()}, {"members", list}});
}

std::string info_json(const StatusFacts& f, const record::Sample& s, const membership::Membership& members, const membership::Book& book) {
    const membership::Record& self = book.at(members.self());
    Json j{{"name", f.name}, {"id", hex(f.self.id.value)}, {"generation", self.generation}, {"incarnation", self.incarnation},
           {"version", f.version}, {"wire_version", net::wire_version}, {"pid", getpid()}};
    j["run"] = hex(f.run);
    j["run_name"] = f.run_name;
    j["phase"] = f.phase;
    j["model"] = f.model;
    j["exchange"] = f.exchange;
    j["device"] = f.device;
    j["addresses"] = {{"control", f.self.control}, {"bulk", f.self.bulk}, {"status", status_url(f.status_host, f.status_port)}};
    j["directory"] = f.directory.empty() ? Json(nullptr) : Json(f.directory);
    j["t"] = s.t;
    add_metadata(j, f.metadata, s.unix_time.value_or(0));
    j["loss"] = known(s.loss);
    j["accuracy"] = known(s.accuracy);
    j["cluster"] = cluster_of(s);
    j["mixes"] = f.mixes;
    Json counted;
    const auto count = count_members(members, book);
    for (std::size_t i = 0; i < count.size(); ++i) counted[status_words[i]] = count[i];
    j["members"] = counted;
    j["health"] = {{"local_health", members.local_health()}, {"failing", self.failing / 100.0}, {"degraded", self.degraded},
                   {"round_trip", seconds(members.round_trips().typical())},
                   {"rumors_waiting", members.rumors_waiting()}, {"rumor_cap", members.config().rumor_cap},
                   {"remembered", members.roster().entries().size()}, {"most_members", members.config().most_members}, {"records", book.size()}};
    j["per_second"] = {{"messages_sent", f.rates.messages_out}, {"messages_received", f.rates.messages_in},
                       {"bytes_sent", f.rates.bytes_out}, {"bytes_received", f.rates.bytes_in}};
    return dump(j);
}

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
