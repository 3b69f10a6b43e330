#include "status_pages.hpp"

#include <cstdio>
#include <nlohmann/json.hpp>

namespace grapevine::node {

namespace {

using Json = nlohmann::ordered_json;

std::string dump(const Json& j) { return j.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"; }

std::string hex(std::uint64_t x) {
    char text[17];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(x));
    return text;
}

Json known(const std::optional<double>& x) { return x ? Json(*x) : Json(nullptr); }

}  // namespace

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
    j["mixes"] = f.mixes;
    j["exchanges_failed"] = f.failures;
    j["exchanges_skipped"] = f.skipped;
    j["staleness"] = f.staleness;
    j["distance"] = f.distance;
    j["bytes_payload"] = known(s.bytes_payload);
    j["bytes_control"] = known(s.bytes_control);
    j["seconds"] = {{"training", seconds(f.times.training)}, {"mixing", seconds(f.times.mixing)}, {"evaluating", seconds(f.times.evaluating)}};
    return dump(j);
}

std::string members_json(const StatusFacts& f, const Contact& self, const membership::Membership& members, const membership::Book& book) {
    static constexpr const char* standings[] = {"alive", "suspect", "dead", "left"};
    Json list = Json::array();
    const auto add = [&](const Contact& c, std::uint32_t incarnation, const char* standing, const Json& round_trip, bool me) {
        list.push_back({{"name", c.name}, {"id", hex(c.id.value)}, {"standing", standing}, {"incarnation", incarnation},
                        {"control", c.control}, {"bulk", c.bulk}, {"round_trip", round_trip}, {"self", me}});
    };
    add(self, book.incarnation(members.self()), members.leaving() ? "left" : "alive", nullptr, true);
    for (const auto& e : members.roster().entries()) {
        const PeerId id = book.id(e.record);
        const auto trip = members.round_trips().mean(id);
        add(book.at(e.record).contact, book.incarnation(e.record), standings[static_cast<int>(e.standing)], trip ? Json(seconds(*trip)) : Json(nullptr), false);
    }
    return dump({{"run", hex(f.run)}, {"run_name", f.run_name}, {"node", f.name}, {"local_health", members.local_health()}, {"members", list}});
}

std::string prometheus_text(const StatusFacts& f, const record::Sample& s, const net::Counters& traffic) {
    std::string text;
    const auto metric = [&](const std::string& name, const char* type, const char* help, std::optional<double> value, const std::string& labels = "") {
        if (!value) return;
        char number[40];
        std::snprintf(number, sizeof number, "%.17g", *value);
        if (help) text += "# HELP " + name + " " + help + "\n# TYPE " + name + " " + type + "\n";
        text += name + labels + " " + number + "\n";
    };
    metric("grapevine_peers_alive", "gauge", "Members this node holds for present, itself included.", s.peers_alive);
    metric("grapevine_steps_total", "counter", "Local training steps taken.", s.steps);
    metric("grapevine_samples_total", "counter", "Training samples used.", s.samples);
    metric("grapevine_loss", "gauge", "Mean loss on held-out data.", s.loss);
    metric("grapevine_accuracy_ratio", "gauge", "Accuracy on held-out data.", s.accuracy);
    metric("grapevine_mixes_total", "counter", "Times that parameters of others were mixed in.", static_cast<double>(f.mixes));
    metric("grapevine_exchanges_failed_total", "counter", "Exchanges that came to nothing.", static_cast<double>(f.failures));
    metric("grapevine_parameters_refused_total", "counter", "Parameters not mixed because they were not numbers.", static_cast<double>(f.refused));
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
