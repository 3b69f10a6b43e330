#include "greeting.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <sstream>

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

}  // namespace

std::string to_text(const Greeting& g) {
    const Contact& contact = g.record.contact;
    return Json{{"software", g.software}, {"run", hex(g.run)}, {"provisional", g.provisional}, {"layout", hex(g.layout)},
                {"layout_text", g.layout_text}, {"data", hex(g.data)}, {"data_text", g.data_text}, {"exchange", g.exchange},
                {"id", hex(contact.id.value)}, {"name", contact.name}, {"control", contact.control},
                {"bulk", contact.bulk}, {"incarnation", g.record.incarnation}, {"generation", hex(g.record.generation)}, {"key", to_hex(g.record.key)},
                {"metadata", to_hex(g.record.metadata)}, {"failing", g.record.failing}, {"degraded", g.record.degraded}, {"elapsed", g.elapsed}, {"config", g.config}}
        .dump(-1, ' ', false, Json::error_handler_t::replace);
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
                       read_number(j, "incarnation", incarnation, 0xffffffff) && read_number(j, "failing", failing, 100);
    if (!whole) return std::nullopt;
    g.record.incarnation = static_cast<std::uint32_t>(incarnation);
    g.record.failing = static_cast<std::uint8_t>(failing);
    const auto elapsed = j.find("elapsed"), provisional = j.find("provisional"), degraded = j.find("degraded");
    if (elapsed == j.end() || !elapsed->is_number() || provisional == j.end() || !provisional->is_boolean() || degraded == j.end() || !degraded->is_boolean())
        return std::nullopt;
    g.record.degraded = degraded->get<bool>();
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
// The lines of [exchange], as the configuration writes them.
std::vector<std::string> exchange_lines(const config::Config& config) {
    std::istringstream text(config::to_toml(config, false));
    std::vector<std::string> lines;
    bool inside = false;
    for (std::string line; std::getline(text, line);) {
        if (line.starts_with("[")) inside = line == "[exchange]";
        else if (inside && !line.empty()) lines.push_back(line);
    }
    return lines;
}
}  // namespace

std::string conflict(const config::Config& ours, const config::Config& theirs) {
    const auto number = [](double x) {
        char text[32];
        std::snprintf(text, sizeof text, "%.10g", x);
        return std::string(text);
    };
    const auto differ = [](const char* what, const std::string& a, const std::string& b) { return std::string("another ") + what + ": ours is " + a + ", theirs " + b; };
    const auto& a = ours.train;
    const auto& b = theirs.train;
    // Initial parameters come from the seed: the average of two models that began apart is none.
    if (ours.seed != theirs.seed) return differ("seed", std::to_string(ours.seed), std::to_string(theirs.seed));
    if (a.optimizer != b.optimizer) return differ("optimizer", config::to_string(a.optimizer), config::to_string(b.optimizer));
    if (a.learning_rate != b.learning_rate) return differ("learning_rate", number(a.learning_rate), number(b.learning_rate));
    if (a.optimizer != config::TrainOptions::Optimizer::sgd && a.momentum != b.momentum) return differ("momentum", number(a.momentum), number(b.momentum));
    if (a.weight_decay != b.weight_decay) return differ("weight_decay", number(a.weight_decay), number(b.weight_decay));
    const auto said = exchange_lines(ours), heard = exchange_lines(theirs);
    const auto others = [](const std::vector<std::string>& of, const std::vector<std::string>& than) {
        std::string text;
        for (const std::string& line : of)
            if (std::find(than.begin(), than.end(), line) == than.end()) text += (text.empty() ? "" : ", ") + line;
        return text.empty() ? std::string("without that") : text;
    };
    if (said != heard) return differ("[exchange]", others(said, heard), others(heard, said));
    return "";
}

}  // namespace grapevine::node
