#include "greeting.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdio>
#include <functional>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>
#include <vector>

namespace grapevine::node {

namespace {

using Json = nlohmann::json;

std::string hex(std::uint64_t x) {
    char text[17];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(x));
    return text;
}

bool read(const Json& object, const char* key, std::string& into, std::size_t longest) {
    const auto it = object.find(key);
    if (it == object.end() || !it->is_string()) return false;
    into = it->get<std::string>();
    return into.size() <= longest;
}

bool read_hex(const Json& object, const char* key, std::uint64_t& into) {
    std::string text;
    if (!read(object, key, text, 16) || text.size() != 16 || text.find_first_not_of("0123456789abcdef") != std::string::npos) return false;
    into = std::stoull(text, nullptr, 16);
    return true;
}

bool read_number(const Json& object, const char* key, std::uint64_t& into, std::uint64_t most) {
    const auto it = object.find(key);
    if (it == object.end() || !it->is_number_unsigned()) return false;
    into = it->get<std::uint64_t>();
    return into <= most;
}

// Bytes that are no text, as two digits each.
std::string to_hex(const std::string& bytes) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string text;
    for (const char c : bytes) text += {digits[static_cast<unsigned char>(c) >> 4], digits[c & 15]};
    return text;
}

bool read_bytes(const Json& object, const char* key, std::string& into, std::size_t longest) {
    std::string text;
    if (!read(object, key, text, 2 * longest) || text.size() % 2 != 0 || text.find_first_not_of("0123456789abcdef") != std::string::npos) return false;
    into.clear();
    for (std::size_t i = 0; i < text.size(); i += 2) into.push_back(static_cast<char>(std::stoi(text.substr(i, 2), nullptr, 16)));
    return true;
}

std::string to_hex(const std::vector<float>& values) {
    std::string text;
    for (const float value : values) text += hex(std::bit_cast<std::uint32_t>(value)).substr(8);
    return text;
}

// None, or as many of one as of the other; all of them numbers.
bool read_floats(const Json& object, const char* key, std::vector<float>& into) {
    std::string bytes;
    if (!object.contains(key)) return true;
    if (!read_bytes(object, key, bytes, 4 * most_figures) || bytes.size() % 4 != 0) return false;
    for (std::size_t i = 0; i < bytes.size(); i += 4) {
        std::uint32_t word = 0;
        for (std::size_t k = 0; k < 4; ++k) word = word << 8 | static_cast<unsigned char>(bytes[i + k]);
        into.push_back(std::bit_cast<float>(word));
        if (!std::isfinite(into.back())) return false;
    }
    return true;
}

}  // namespace

std::string to_text(const Greeting& g) {
    const Contact& contact = g.record.contact;
    Json json{{"software", g.software}, {"run", hex(g.run)}, {"provisional", g.provisional}, {"layout", hex(g.layout)},
                {"layout_text", g.layout_text}, {"data", hex(g.data)}, {"data_text", g.data_text}, {"exchange", g.exchange},
                {"id", hex(contact.id.value)}, {"name", contact.name}, {"control", contact.control},
                {"bulk", contact.bulk}, {"incarnation", g.record.incarnation}, {"generation", hex(g.record.generation)}, {"key", to_hex(g.record.key)},
                {"metadata", to_hex(g.record.metadata)}, {"failing", g.record.failing}, {"degraded", g.record.degraded}, {"outbound", g.record.outbound}, {"signature", to_hex(g.record.signature)}, {"elapsed", g.elapsed}, {"config", g.config}};
    if (!g.scale.empty()) json["scale"] = to_hex(g.scale), json["shift"] = to_hex(g.shift);
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::optional<Greeting> parse_greeting(const std::string& text) {
    const Json j = Json::parse(text, nullptr, false);
    if (!j.is_object()) return std::nullopt;
    Greeting g;
    Contact& contact = g.record.contact;
    std::uint64_t incarnation = 0, failing = 0;
    const bool whole = read(j, "software", g.software, 64) && read_hex(j, "run", g.run) && read_hex(j, "layout", g.layout) &&
                       read(j, "layout_text", g.layout_text, 4096) && read_hex(j, "data", g.data) && read(j, "data_text", g.data_text, 256) &&
                       read(j, "exchange", g.exchange, 64) && read_hex(j, "id", contact.id.value) && read(j, "name", contact.name, 64) &&
                       read(j, "control", contact.control, 128) && read(j, "bulk", contact.bulk, 128) && read(j, "config", g.config, 16384) && read_hex(j, "generation", g.record.generation) &&
                       read_bytes(j, "key", g.record.key, membership::longest_key) && read_bytes(j, "metadata", g.record.metadata, membership::longest_metadata) &&
                       read_bytes(j, "signature", g.record.signature, membership::signature_bytes) &&
                       read_number(j, "incarnation", incarnation, 0xffffffff) && read_number(j, "failing", failing, 100);
    if (!whole || !read_floats(j, "scale", g.scale) || !read_floats(j, "shift", g.shift) || g.scale.size() != g.shift.size()) return std::nullopt;
    g.record.incarnation = static_cast<std::uint32_t>(incarnation);
    g.record.failing = static_cast<std::uint8_t>(failing);
    const auto elapsed = j.find("elapsed"), provisional = j.find("provisional"), degraded = j.find("degraded"), outbound = j.find("outbound");
    if (elapsed == j.end() || !elapsed->is_number() || provisional == j.end() || !provisional->is_boolean() || degraded == j.end() || !degraded->is_boolean() ||
        outbound == j.end() || !outbound->is_boolean())
        return std::nullopt;
    g.record.degraded = degraded->get<bool>();
    g.record.outbound = outbound->get<bool>();
    if (!membership::within_limits(g.record)) return std::nullopt;
    g.elapsed = elapsed->get<double>();
    if (!(g.elapsed >= 0) || g.elapsed > 1e9) return std::nullopt;
    g.provisional = provisional->get<bool>();
    return g;
}

std::string difference(const Greeting& ours, const Greeting& theirs) {
    if (ours.layout != theirs.layout) return "another model: ours is " + ours.layout_text + "; theirs is " + theirs.layout_text;
    if (ours.exchange != theirs.exchange) return "another exchange: ours is " + ours.exchange + ", theirs " + theirs.exchange;
    if (ours.data != theirs.data)
        return "other training data: ours is " + ours.data_text + " (" + hex(ours.data) + "), theirs " + theirs.data_text + " (" + hex(theirs.data) + ")";
    return "";
}

namespace {

using Keys = std::vector<std::pair<std::string, std::string>>;  // of one section, as the configuration writes them

Keys keys_of(const config::Config& config, const std::string& title) {
    std::istringstream text(config::to_toml(config, false));
    Keys keys;
    bool inside = false;
    for (std::string line; std::getline(text, line);) {
        if (line.starts_with("[")) inside = line == title;
        else if (const auto sign = line.find(" = "); inside && sign != std::string::npos) keys.emplace_back(line.substr(0, sign), line.substr(sign + 3));
    }
    return keys;
}

// What a peer of `average` and `quadratic` starts from and aims at is its own, and so are how long it trains in one go and when it has enough.
bool belongs_to_a_peer(const std::string& key) {
    constexpr std::array own{"initial", "a", "b", "noise", "order", "pace", "compute", "target"};
    return std::find(own.begin(), own.end(), key) != own.end();
}

// The rest of [data] stands in the data's fingerprint, or is a matter of each machine.
bool of_the_data(const std::string& key) { return key == "augment" || key == "validation" || key == "shards"; }

std::string value_of(const Keys& keys, const std::string& key) {
    const auto at = std::find_if(keys.begin(), keys.end(), [&](const auto& k) { return k.first == key; });
    return at == keys.end() ? "without it" : at->second;
}

// Quotes are the file's.
std::string bare(const std::string& value) { return value.size() > 2 && value.front() == '"' && value.back() == '"' ? value.substr(1, value.size() - 2) : value; }

std::string differ(const std::string& what, const std::string& a, const std::string& b) { return "another " + what + ": ours is " + bare(a) + ", theirs " + bare(b); }

std::string first_difference(const Keys& ours, const Keys& theirs, const std::function<bool(const std::string&)>& counts) {
    for (const Keys* keys : {&ours, &theirs})
        for (const auto& [key, value] : *keys)
            if (counts(key) && value_of(ours, key) != value_of(theirs, key)) return differ(key, value_of(ours, key), value_of(theirs, key));
    return "";
}

std::string lines_beyond(const Keys& of, const Keys& than) {
    std::string text;
    for (const auto& line : of)
        if (std::find(than.begin(), than.end(), line) == than.end()) text += (text.empty() ? "" : ", ") + line.first + " = " + line.second;
    return text.empty() ? "without that" : text;
}

}  // namespace

std::string conflict(const config::Config& ours, const config::Config& theirs) {
    const auto of_the_run = [](const std::string& key) { return !belongs_to_a_peer(key); };
    // Initial parameters come from the seed: the average of two models that began apart is none.
    if (ours.seed != theirs.seed) return differ("seed", std::to_string(ours.seed), std::to_string(theirs.seed));
    for (const auto& [title, counts] : std::initializer_list<std::pair<const char*, std::function<bool(const std::string&)>>>{{"[model]", of_the_run}, {"[data]", of_the_data}, {"[train]", of_the_run}}) {
        const std::string what = first_difference(keys_of(ours, title), keys_of(theirs, title), counts);
        if (!what.empty()) return what;
    }
    const Keys said = keys_of(ours, "[exchange]"), heard = keys_of(theirs, "[exchange]");
    return said == heard ? "" : differ("[exchange]", lines_beyond(said, heard), lines_beyond(heard, said));
}

}  // namespace grapevine::node
