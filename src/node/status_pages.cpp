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
    return {{"loss", known(s.cluster_loss)}, {"accuracy", known(s.cluster_accuracy)}, {"worst_accuracy", known(s.cluster_worst_accuracy)},
            {"consensus_distance", known(s.consensus_distance)}, {"consensus_relative", known(s.consensus_relative)}};
}

// Of a member, or of ourselves: what it says of itself, as far as we can read it.
void add_metadata(Json& j, const std::optional<Metadata>& m, double unix_time) {
    j["age"] = m && m->started > 0 ? Json(std::max(0.0, unix_time - m->started)) : Json(nullptr);
    j["steps"] = m ? Json(m->steps) : Json(nullptr);
    j["speed"] = m && m->speed > 0 ? Json(m->speed) : Json(nullptr);
    j["rows"] = m && m->rows > 0 ? Json(m->rows) : Json(nullptr);
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
    j["clock_offset"] = known(f.clock_offset);
    j["peers_alive"] = known(s.peers_alive);
    j["steps"] = known(s.steps);
    j["samples"] = known(s.samples);
    j["shard_rows"] = known(s.shard_rows);
    j["epochs"] = known(s.epochs);
    j["samples_per_epoch"] = known(s.samples_per_epoch);
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
        j["reach"] = record.outbound ? "outbound" : "dialable";
        j["in_reach"] = me || members.reaches(c.id);
        static constexpr const char* ways[] = {"open", "doubtful", "narrow", "shut"};
        j["bulk_way"] = ways[static_cast<std::size_t>(me ? membership::Way::open : members.bulk_way(c.id))];
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
    j["addresses"] = {{"control", self.contact.control}, {"bulk", self.contact.bulk}, {"status", status_url(f.status_host, f.status_port)}};
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

}  // namespace grapevine::node
