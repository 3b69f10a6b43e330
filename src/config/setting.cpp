#include <algorithm>
#include <charconv>

#include "setting.hpp"
#include "units.hpp"

namespace grapevine::config {
namespace {

template <class Items, class Text> std::string joined(const Items& items, Text text) {
    std::string out;
    for (const auto& item : items) out += (out.empty() ? "" : ", ") + text(item);
    return out;
}

// The one value that a text is, as it would stand behind "key = ".
std::optional<Value> parse_value(const std::string& text) {
    Reading reading;
    reading.files.push_back("value");
    Table table = parse_document("x = " + text, 0, reading);
    if (reading.any() || table.entries.size() != 1) return {};
    return std::move(table.entries.front().value);
}

// Values are written by hand on a command line: what is no TOML is a text (lan:4, 500ms).
std::string as_value(const std::string& typed) { return parse_value(typed) ? typed : quote(typed); }

std::vector<std::string> words_of(const std::string& path) {
    std::vector<std::string> words{""};
    for (const char c : path) {
        if (c == '.') words.emplace_back();
        else words.back() += c;
    }
    return words;
}

// "membership.lifeguard=false" at its "=".
std::optional<std::pair<std::string, std::string>> halves(const std::string& typed) {
    const auto at = typed.find('=');
    if (at == std::string::npos || at == 0 || at + 1 == typed.size()) return {};
    return std::pair(typed.substr(0, at), typed.substr(at + 1));
}

}  // namespace

std::string text_of(const Value& value) {
    if (const auto* text = std::get_if<std::string>(&value.is)) return quote(*text);
    if (const auto* integer = std::get_if<std::int64_t>(&value.is)) return std::to_string(*integer);
    if (const auto* number = std::get_if<double>(&value.is)) return format_number(*number);
    if (const auto* truth = std::get_if<bool>(&value.is)) return *truth ? "true" : "false";
    if (const auto* list = std::get_if<Array>(&value.is)) return "[" + joined(*list, text_of) + "]";
    if (const auto* table = std::get_if<Table>(&value.is))
        return "{ " + joined(table->entries, [](const Entry& e) { return quote(e.key) + " = " + text_of(e.value); }) + " }";
    return "1970-01-01";  // a date: whoever reads it says that no key wants one
}

void lay_over(Table& table, const Setting& setting, Reading& reading) {
    const auto file = static_cast<std::uint32_t>(reading.files.size());
    reading.files.push_back(setting.where);
    const Place place{file, 0, 0};
    auto value = parse_value(setting.value);
    if (!value) return reading.say(place, in_quotes(setting.value) + " is no value", "a text in quotes, a number, true, false, a list or a table");
    value->place = place;

    const std::vector<std::string> words = words_of(setting.path);
    const char* hint = "tables by name and [[tables]] by number from 0: membership.period, event.0.nodes";
    Table* here = &table;
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (words[i].empty()) return reading.say(place, in_quotes(setting.path) + " is no path of a key", hint);
        Entry* entry = here->find(words[i]);
        if (!entry && i + 1 < words.size() && !words[i + 1].empty() && words[i + 1].find_first_not_of("0123456789") == std::string::npos)
            return reading.say(place, in_quotes(setting.path) + ": there is no [[" + words[i] + "]] " + in_quotes(words[i + 1]), "there is none at all: write the first into the file");
        if (!entry) {
            here->entries.push_back({words[i], place, {Table{}, place}});
            entry = &here->entries.back();
        }
        if (i + 1 == words.size()) {
            entry->value = std::move(*value);
            return;
        }
        if (auto* inner = std::get_if<Table>(&entry->value.is)) {
            here = inner;
            continue;
        }
        auto* list = std::get_if<Array>(&entry->value.is);
        if (!list || list->empty() || !std::holds_alternative<Table>(list->front().is))
            return reading.say(place, in_quotes(setting.path) + ": '" + words[i] + "' is " + kind_of(entry->value) + " and has no keys", hint);
        const std::string& number = words[++i];
        std::size_t index = 0;
        const auto read = std::from_chars(number.data(), number.data() + number.size(), index);
        if (read.ec != std::errc() || read.ptr != number.data() + number.size() || index >= list->size())
            return reading.say(place, in_quotes(setting.path) + ": there is no [[" + words[i - 1] + "]] " + in_quotes(number),
                               "there are " + std::to_string(list->size()) + ", numbered from 0");
        here = std::get_if<Table>(&(*list)[index].is);
        if (!here || i + 1 == words.size()) return reading.say(place, in_quotes(setting.path) + " is a whole table", "name the key of it: " + setting.path + ".nodes");
    }
}

std::variant<Setting, Error> parse_setting(const std::string& typed, const std::string& flag) {
    const auto parts = halves(typed);
    if (!parts) return Error{flag + " wants a key and its value, not " + in_quotes(typed), flag + " membership.period=500ms"};
    return Setting{parts->first, as_value(parts->second), flag + " " + typed};
}

std::variant<std::vector<Setting>, Error> parse_axis(const std::string& typed, const std::string& flag) {
    const auto parts = halves(typed);
    if (!parts) return Error{flag + " wants a key and its values, not " + in_quotes(typed), flag + " event.0.for=500ms,2s"};
    std::vector<std::string> values{""};
    int depth = 0;
    char quoted = 0;
    for (const char c : parts->second) {  // commas within a list, a table or quotes are the value's own
        if (quoted) quoted = c == quoted ? 0 : quoted;
        else if (c == '"' || c == '\'') quoted = c;
        else if (c == '[' || c == '{') ++depth;
        else if (c == ']' || c == '}') --depth;
        if (c == ',' && depth == 0 && !quoted) values.emplace_back();
        else values.back() += c;
    }
    std::vector<Setting> axis;
    for (const std::string& value : values) {
        if (value.empty()) return Error{flag + " " + typed + ": one of the values is empty", flag + " event.0.for=500ms,2s"};
        axis.push_back({parts->first, as_value(value), flag + " " + typed});
    }
    return axis;
}

}  // namespace grapevine::config
