#include "partners.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "status_pages.hpp"

namespace grapevine::node {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::uint32_t in_trouble_after = 3;  // failures in a row

const char* word(gossip::Failure why) {
    switch (why) {
        case gossip::Failure::declined: return "declined";
        case gossip::Failure::overdue: return "timed_out";
        case gossip::Failure::undelivered: return "undelivered";
        case gossip::Failure::partner_gone: return "partner_gone";
        case gossip::Failure::other_layout: return "other_layout";
        case gossip::Failure::no_graph: return "no_graph";
        case gossip::Failure::clipped: return "clipped";
    }
    return "";
}

}  // namespace

Partners::Partner& Partners::at(double t, PeerId who) {
    if (!all_.contains(who) && all_.size() == most)
        all_.erase(std::min_element(all_.begin(), all_.end(), [](const auto& a, const auto& b) { return a.second.heard_of < b.second.heard_of; }));
    Partner& partner = all_[who];
    partner.heard_of = t;
    return partner;
}

void Partners::sent(double t, PeerId to, std::uint64_t bytes) { at(t, to).sent_bytes += bytes; }
void Partners::received(double t, PeerId from, std::uint64_t bytes) { at(t, from).received_bytes += bytes; }

void Partners::mixed(double t, const gossip::MixedWith& mix) {
    if (!mix.with) return;  // with everybody at once
    Partner& partner = at(t, mix.with);
    ++partner.mixes;
    partner.failures_in_a_row = 0;
    partner.why.reset();
    partner.last = {t, seconds(mix.took), mix.staleness, mix.norm > 0 ? std::optional(mix.distance / mix.norm) : std::nullopt};
}

void Partners::failed(double t, const gossip::Failed& failed) {
    if (!failed.with) return;
    Partner& partner = at(t, failed.with);
    ++partner.failures;
    partner.why = failed.why;
    if (failed.why == gossip::Failure::overdue || failed.why == gossip::Failure::undelivered) ++partner.failures_in_a_row;
    else if (failed.why == gossip::Failure::declined) partner.failures_in_a_row = 0;  // it answered
}

std::string Partners::json(double t, const std::string& node, const net::Counters& traffic, const membership::Membership& members, const membership::Book& book) const {
    std::map<PeerId, const net::BulkPath*> paths;
    for (const net::BulkPath& path : traffic.paths) paths[path.peer] = &path;
    const auto known = [](const auto& x) { return x ? Json(*x) : Json(nullptr); };
    const auto time = [](Duration d) { return d > Duration::zero() ? Json(seconds(d)) : Json(nullptr); };
    Json list = Json::array();
    for (const auto& [id, p] : all_) {
        const auto* entry = members.roster().find(id);
        const auto path = paths.find(id);
        const bool goes = path != paths.end();
        list.push_back({{"name", entry ? Json(book.name(entry->record)) : Json(nullptr)},
                        {"id", hex(id.value)},
                        {"status", entry ? Json(status_words[static_cast<std::size_t>(status_of(entry->standing, book.degraded(entry->record)))]) : Json(nullptr)},
                        {"sent_bytes", p.sent_bytes},
                        {"received_bytes", p.received_bytes},
                        {"window_bytes", goes ? Json(path->second->window) : Json(nullptr)},
                        {"round_trip", goes ? time(path->second->round_trip) : Json(nullptr)},
                        {"least_round_trip", goes ? time(path->second->least) : Json(nullptr)},
                        {"mixes", p.mixes},
                        {"failures", p.failures},
                        {"last_failure", p.why ? Json(word(*p.why)) : Json(nullptr)},
                        {"in_trouble", p.failures_in_a_row >= in_trouble_after},
                        {"age", p.last ? Json(std::max(0.0, t - p.last->t)) : Json(nullptr)},
                        {"staleness", p.last ? Json(p.last->staleness) : Json(nullptr)},
                        {"distance", p.last ? known(p.last->distance) : Json(nullptr)},
                        {"took", p.last ? Json(p.last->took) : Json(nullptr)}});
    }
    return Json{{"node", node}, {"t", t}, {"links", list}}.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace grapevine::node
