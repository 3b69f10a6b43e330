#include "document.hpp"

#include <algorithm>
#include <cctype>
#include <exception>
#include <string_view>

#include <toml++/toml.h>

namespace grapevine::config {
namespace {

Place place_of(const toml::source_region& region, std::uint32_t file) {
    return {file, std::max<std::uint32_t>(1, region.begin.line), std::max<std::uint32_t>(1, region.begin.column)};
}

Value copy(const toml::node& node, std::uint32_t file);

Table copy_table(const toml::table& table, std::uint32_t file) {
    Table out;
    out.is_inline = table.is_inline();
    for (const auto& [key, node] : table)
        out.entries.push_back({std::string(key.str()), place_of(key.source(), file), copy(node, file)});
    std::sort(out.entries.begin(), out.entries.end(), [](const Entry& x, const Entry& y) {
        return std::pair(x.place.line, x.place.column) < std::pair(y.place.line, y.place.column);
    });
    return out;
}

Value copy(const toml::node& node, std::uint32_t file) {
    Value value{Date{}, place_of(node.source(), file)};
    if (const auto* text = node.as_string()) value.is = text->get();
    else if (const auto* integer = node.as_integer()) value.is = integer->get();
    else if (const auto* number = node.as_floating_point()) value.is = number->get();
    else if (const auto* truth = node.as_boolean()) value.is = truth->get();
    else if (const auto* table = node.as_table()) value.is = copy_table(*table, file);
    else if (const auto* array = node.as_array()) {
        Array items;
        items.reserve(array->size());
        for (const auto& item : *array) items.push_back(copy(item, file));
        value.is = std::move(items);
    }
    return value;
}

// A dotted name makes one table inside another for each dot, and tables are destroyed by recursion: a
// megabyte of "a.a.a.a" would overflow the stack. This counts the dots that may join names (in a decimal
// number a lone dot stands between two digits), over all lines that are not comments.
std::size_t joining_dots(std::string_view text) {
    const auto digit = [](char c) { return c >= '0' && c <= '9'; };
    const auto bare = [&](char c) { return digit(c) || c == '_' || c == '-' || c == '+' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    std::size_t dots = 0, in_word = 0;
    bool line_start = true, comment = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '\n') line_start = true, comment = false;
        else if (line_start && c == '#') comment = true;
        else if (c != ' ' && c != '\t' && c != '\r') line_start = false;
        if (comment) continue;
        if (c != '.') {
            if (!bare(c)) in_word = 0;
            continue;
        }
        const bool decimal = i > 0 && digit(text[i - 1]) && i + 1 < text.size() && digit(text[i + 1]) && in_word == 0;
        ++in_word;
        if (!decimal) ++dots;
    }
    return dots;
}

constexpr std::size_t most_dots = 2000;

// toml++ speaks of its grammar ("Error while parsing key-value pair: ..."); the last part says what happened.
std::string in_our_words(std::string_view description) {
    const auto colon = description.find(": ");
    if (description.starts_with("Error while parsing") && colon != std::string_view::npos) description.remove_prefix(colon + 2);
    std::string text;
    for (const char c : description.substr(0, 200))
        text += (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) ? ' ' : c;
    return text;
}

std::string advice_for(std::string_view description) {
    const auto speaks_of = [&](std::string_view word) { return description.find(word) != std::string_view::npos; };
    if (speaks_of("redefine") || speaks_of("duplicate") || speaks_of("already"))
        return "the same name was given before: keep one of the two ([[name]] makes a list of tables)";
    if (speaks_of("string")) return "text stands in double quotes on one line: name = \"run\"";
    if (speaks_of("UTF-8") || speaks_of("utf-8")) return "save the file as UTF-8";
    if (speaks_of("array")) return "a list is written [1, 2, 3]";
    if (speaks_of("inline table")) return "a table on one line is written { kind = \"iid\", alpha = 0.5 }";
    if (speaks_of("table")) return "a section is written [train], one of several [[group]]";
    return "a line is written key = value, with text in quotes: period = \"250ms\"";
}

}  // namespace

const Entry* Table::find(const std::string& key) const {
    for (const Entry& entry : entries)
        if (entry.key == key) return &entry;
    return nullptr;
}

Entry* Table::find(const std::string& key) { return const_cast<Entry*>(static_cast<const Table*>(this)->find(key)); }

std::string in_quotes(const std::string& word) {
    std::string out = "'";
    std::size_t n = 0;
    for (const char c : word) {
        if (++n > 60 && (static_cast<unsigned char>(c) & 0xc0) != 0x80) {
            out += "...";
            break;
        }
        out += (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) ? '?' : c;
    }
    return out + "'";
}

std::string kind_of(const Value& value) {
    if (const auto* text = std::get_if<std::string>(&value.is)) return "the text " + in_quotes(*text);
    if (const auto* integer = std::get_if<std::int64_t>(&value.is)) return "the bare number " + std::to_string(*integer);
    if (const auto* number = std::get_if<double>(&value.is)) {
        char digits[32];
        std::snprintf(digits, sizeof digits, "%.6g", *number);
        return std::string("the bare number ") + digits;
    }
    if (const auto* truth = std::get_if<bool>(&value.is)) return *truth ? "true" : "false";
    if (std::holds_alternative<Array>(value.is)) return "a list";
    if (std::holds_alternative<Table>(value.is)) return "a table";
    return "a date";
}

Table parse_document(const std::string& text, std::uint32_t file, Reading& reading) {
    if (joining_dots(text) > most_dots) {
        reading.say({file, 1, 1}, "more than " + std::to_string(most_dots) + " dots that join names", "write [sections] instead of dotted.names");
        return {};
    }
    try {
        return copy_table(toml::parse(std::string_view(text)), file);
    } catch (const toml::parse_error& error) {
        reading.say(place_of(error.source(), file), "this is not TOML: " + in_our_words(error.description()), advice_for(error.description()));
    } catch (const std::exception& error) {
        reading.say({file, 1, 1}, std::string("this could not be read as TOML: ") + error.what(), "is it a TOML file?");
    }
    return {};
}

}  // namespace grapevine::config
