#include "admission.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <random>
#include <utility>

#include "grapevine/wire/wire.hpp"

namespace grapevine::node {

namespace {
constexpr const char* purpose = "grapevine member 1";  // to be counted up when a record means something else
}

Admission::Admission(keys::Pair pair, std::vector<keys::Allowed> allowed, std::string list) : pair_(std::move(pair)), list_(std::move(list)) {
    if (list_.empty()) allowed = {{pair_.public_key, ""}};
    allowed_ = known(allowed);
    for (const keys::Allowed& a : allowed) order_.push_back(a.key);
    read_ = seen_ = stamp();
}

std::map<std::string, Admission::Known> Admission::known(const std::vector<keys::Allowed>& allowed) {
    std::map<std::string, Known> known;
    for (const keys::Allowed& a : allowed) known[a.key] = {keys::curve_public(a.key), a.label};
    return known;
}

std::string Admission::sign(const membership::Record& record) {
    std::string signature = keys::sign(pair_, purpose, wire::signed_part(record));
    if (listener_) listener_(signature);
    return signature;
}

bool Admission::genuine(const membership::Record& record) const {
    const auto holder = allowed_.find(record.key);
    return holder != allowed_.end() && net::may_bear(holder->second.curve, record.contact.id) &&
           keys::is_signed(record.key, purpose, wire::signed_part(record), record.signature);
}

PeerId Admission::draw_id() const { return net::id_under(keys::curve_public(pair_.public_key), std::random_device{}()); }

std::string Admission::label(const std::string& key) const {
    const auto found = allowed_.find(key);
    return found != allowed_.end() && !found->second.label.empty() ? found->second.label : keys::to_text(key).substr(0, 12) + "...";
}

net::Keys Admission::for_transport() const { return {keys::curve_public(pair_.public_key), keys::curve_secret(pair_), allowed()}; }

std::vector<std::string> Admission::allowed() const {
    std::vector<std::string> all;
    for (const std::string& key : order_) all.push_back(allowed_.at(key).curve);
    return all;
}

std::string Admission::transport_key(const std::string& key) const {
    const auto found = allowed_.find(key);
    return found == allowed_.end() ? std::string() : found->second.curve;
}

std::vector<std::string> Admission::expected(const std::string& key) const {
    if (!key.empty()) return allows(key) ? std::vector{transport_key(key)} : std::vector<std::string>{};
    std::vector<std::string> all;
    for (const std::string& other : order_)
        if (other != pair_.public_key) all.push_back(allowed_.at(other).curve);
    if (all.size() >= net::most_candidates) all.resize(net::most_candidates - 1);
    if (allows(pair_.public_key)) all.push_back(transport_key(pair_.public_key));
    return all;
}

Admission::Stamp Admission::stamp() const {
    struct stat s {};
    if (list_.empty() || stat(list_.c_str(), &s) != 0) return {};
    return {s.st_mtim.tv_sec, s.st_mtim.tv_nsec, s.st_size, s.st_ino};
}

std::optional<Admission::Change> Admission::look() {
    if (list_.empty()) return std::nullopt;
    const Stamp now = stamp();
    if (now != std::exchange(seen_, now) || now == read_) return std::nullopt;
    read_ = now;
    auto read = keys::read_allow_list(list_);
    if (auto* error = std::get_if<keys::Error>(&read)) return Change{{}, {}, std::move(*error)};
    const auto& list = std::get<std::vector<keys::Allowed>>(read);
    auto next = known(list);
    Change change;
    for (const auto& [key, of] : next)
        if (!allowed_.contains(key)) change.in.push_back(key);
    for (const auto& [key, of] : allowed_)
        if (!next.contains(key)) change.out.push_back(key);
    allowed_ = std::move(next);
    order_.clear();
    for (const keys::Allowed& a : list) order_.push_back(a.key);
    return change;
}

Seed seed_of(const std::string& text) {
    const std::size_t at = text.find('@'), scheme = text.find("://");
    if (at == std::string::npos) return {"", text};
    const std::size_t begin = scheme == std::string::npos ? 0 : scheme + 3;
    if (at < begin) return {"", text};
    const auto key = keys::parse_key(std::string_view(text).substr(begin, at - begin));
    if (!key) return {"", text};  // no key, and no address either: greeting it says so
    return {*key, text.substr(0, begin) + text.substr(at + 1)};
}

}  // namespace grapevine::node
