#include "greeting.hpp"

#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

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

}  // namespace

std::string to_text(const Greeting& g) {
    return Json{{"software", g.software}, {"run", hex(g.run)}, {"provisional", g.provisional}, {"layout", hex(g.layout)},
                {"layout_text", g.layout_text}, {"data", hex(g.data)}, {"data_text", g.data_text}, {"exchange", g.exchange},
                {"id", hex(g.contact.id.value)}, {"name", g.contact.name}, {"control", g.contact.control},
                {"bulk", g.contact.bulk}, {"elapsed", g.elapsed}, {"config", g.config}}
        .dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::optional<Greeting> parse_greeting(const std::string& text) {
    const Json j = Json::parse(text, nullptr, false);
    if (!j.is_object()) return std::nullopt;
    Greeting g;
    const bool whole = read(j, "software", g.software, 64) && read_hex(j, "run", g.run) && read_hex(j, "layout", g.layout) &&
                       read(j, "layout_text", g.layout_text, 4096) && read_hex(j, "data", g.data) && read(j, "data_text", g.data_text, 256) &&
                       read(j, "exchange", g.exchange, 64) && read_hex(j, "id", g.contact.id.value) && read(j, "name", g.contact.name, 64) &&
                       read(j, "control", g.contact.control, 128) && read(j, "bulk", g.contact.bulk, 128) && read(j, "config", g.config, 16384);
    if (!whole || !g.contact.id) return std::nullopt;
    const auto elapsed = j.find("elapsed"), provisional = j.find("provisional");
    if (elapsed == j.end() || !elapsed->is_number() || provisional == j.end() || !provisional->is_boolean()) return std::nullopt;
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

}  // namespace grapevine::node
