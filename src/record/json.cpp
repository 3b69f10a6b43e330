#include "json.hpp"

#include <charconv>
#include <cmath>

#include <nlohmann/json.hpp>

namespace grapevine::record {
namespace {

constexpr std::size_t deepest = 32;

// Builds our value from nlohmann's events; false ends the parse.
struct Builder : nlohmann::json_sax<nlohmann::json> {
    Json root;
    std::vector<Json*> open;
    std::string key_, error;

    bool put(Json value) {
        if (open.empty()) return root = std::move(value), true;
        if (auto* list = std::get_if<Json::List>(&open.back()->is)) list->push_back(std::move(value));
        else std::get<Json::Object>(open.back()->is).emplace_back(std::move(key_), std::move(value));
        return true;
    }
    bool begin(Json value) {
        if (open.size() >= deepest) return error = "nested too deeply", false;
        const bool outermost = open.empty();
        put(std::move(value));
        if (outermost) open.push_back(&root);
        else if (auto* list = std::get_if<Json::List>(&open.back()->is)) open.push_back(&list->back());
        else open.push_back(&std::get<Json::Object>(open.back()->is).back().second);
        return true;
    }
    bool end() { return open.pop_back(), true; }

    bool null() override { return put({}); }
    bool boolean(bool b) override { return put(b); }
    bool number_integer(number_integer_t n) override { return put(static_cast<double>(n)); }
    bool number_unsigned(number_unsigned_t n) override { return put(std::uint64_t{n}); }
    bool number_float(number_float_t n, const string_t&) override { return put(n); }
    bool string(string_t& s) override { return put(std::move(s)); }
    bool binary(binary_t&) override { return false; }
    bool start_object(std::size_t) override { return begin(Json::Object{}); }
    bool key(string_t& s) override { return key_ = std::move(s), true; }
    bool end_object() override { return end(); }
    bool start_array(std::size_t) override { return begin(Json::List{}); }
    bool end_array() override { return end(); }
    bool parse_error(std::size_t at, const std::string&, const nlohmann::detail::exception&) override {
        error = "no JSON from byte " + std::to_string(at) + " on";
        return false;
    }
};

void write_text(std::string& out, const std::string& text) {
    out += '"';
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto c = static_cast<unsigned char>(text[i]);
        if (c == '"' || c == '\\') out += '\\', out += text[i];
        else if (c == '\n') out += "\\n";
        else if (c == '\t') out += "\\t";
        else if (c < 0x20 || c == 0x7f) {
            char code[8];
            std::snprintf(code, sizeof code, "\\u%04x", c);
            out += code;
        } else if (c < 0x80) {
            out += text[i];
        } else {
            // Names may come from strangers: what is no UTF-8 would make the whole file unreadable.
            const std::size_t length = c >= 0xf0 && c < 0xf5 ? 4 : c >= 0xe0 ? 3 : c >= 0xc2 ? 2 : 0;
            bool good = length >= 2 && c < 0xf5 && i + length <= text.size();
            for (std::size_t k = 1; good && k < length; ++k) good = (static_cast<unsigned char>(text[i + k]) & 0xc0) == 0x80;
            if (good && length > 2) {  // overlong forms, surrogates, beyond U+10FFFF
                const auto next = static_cast<unsigned char>(text[i + 1]);
                good = !((c == 0xe0 && next < 0xa0) || (c == 0xed && next >= 0xa0) || (c == 0xf0 && next < 0x90) || (c == 0xf4 && next >= 0x90));
            }
            if (good) out.append(text, i, length), i += length - 1;
            else out += "\xef\xbf\xbd";
        }
    }
    out += '"';
}

void write(std::string& out, const Json& value, int indent);

void write_number(std::string& out, double d) {
    if (!std::isfinite(d)) {
        out += "null";
        return;
    }
    char digits[32];
    const bool whole = std::abs(d) < 9e15 && d == std::floor(d);
    const auto end = whole ? std::to_chars(digits, digits + sizeof digits, static_cast<std::int64_t>(d))
                           : std::to_chars(digits, digits + sizeof digits, d);
    out.append(digits, end.ptr);
}

void line(std::string& out, int indent) {
    if (indent < 0) return;
    out += '\n';
    out.append(static_cast<std::size_t>(indent) * 2, ' ');
}

// indent < 0: all on one line.
void write(std::string& out, const Json& value, int indent) {
    if (value.null()) out += "null";
    else if (const auto* b = std::get_if<bool>(&value.is)) out += *b ? "true" : "false";
    else if (const auto* d = std::get_if<double>(&value.is)) write_number(out, *d);
    else if (const auto* n = std::get_if<std::uint64_t>(&value.is)) out += std::to_string(*n);
    else if (const auto* s = std::get_if<std::string>(&value.is)) write_text(out, *s);
    else if (const auto* list = std::get_if<Json::List>(&value.is)) {
        const bool lines = indent >= 0 && !list->empty() && std::holds_alternative<Json::Object>(list->front().is);
        out += '[';
        for (std::size_t i = 0; i < list->size(); ++i) {
            if (i) out += lines ? "," : ", ";
            if (lines) line(out, indent + 1);
            write(out, (*list)[i], lines ? indent + 1 : -1);
        }
        if (lines) line(out, indent);
        out += ']';
    } else {
        const auto& object = std::get<Json::Object>(value.is);
        out += '{';
        for (std::size_t i = 0; i < object.size(); ++i) {
            if (i) out += indent < 0 ? ", " : ",";
            line(out, indent < 0 ? -1 : indent + 1);
            write_text(out, object[i].first);
            out += ": ";
            write(out, object[i].second, indent < 0 ? -1 : indent + 1);
        }
        if (!object.empty()) line(out, indent);
        out += '}';
    }
}

std::string short_text(const std::string& text) {
    std::string out;
    for (const char c : text.substr(0, 40)) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
    return out;
}

}  // namespace

const Json* Json::find(std::string_view key) const {
    if (const auto* object = std::get_if<Object>(&is))
        for (const auto& [name, value] : *object)
            if (name == key) return &value;
    return nullptr;
}

std::optional<double> Json::number() const {
    if (const auto* d = std::get_if<double>(&is)) return *d;
    if (const auto* n = std::get_if<std::uint64_t>(&is)) return static_cast<double>(*n);
    return {};
}

Json null_if_empty(const std::string& text) { return text.empty() ? Json() : Json(text); }

std::string dump(const Json& value) {
    std::string out;
    write(out, value, -1);
    return out;
}

std::string dump_indented(const Json& value) {
    std::string out;
    write(out, value, 0);
    return out + "\n";
}

std::variant<Json, std::string> parse(const std::string& text) {
    Builder builder;
    try {
        if (nlohmann::json::sax_parse(text, &builder)) return std::move(builder.root);
    } catch (const std::exception& error) {
        builder.error = error.what();
    }
    return builder.error.empty() ? "no JSON" : builder.error;
}

Fields::Fields(const Json& object, std::string where) : object_(object), where_(std::move(where)) {
    if (!std::holds_alternative<Json::Object>(object.is)) fault("this is no object");
}

void Fields::fault(const std::string& what) {
    fault_once({where_ + ": " + what, "is it a file of grapevine, and was it changed by hand? a newer version may also have written it"});
}

const Json* Fields::member(const char* key) const {
    const Json* found = object_.find(key);
    return found && !found->null() ? found : nullptr;
}

std::optional<double> Fields::number(const char* key) {
    const Json* found = member(key);
    if (!found) return {};
    const auto value = found->number();
    if (!value) fault("'" + std::string(key) + "' is no number");
    return value;
}

double Fields::must_number(const char* key) {
    if (!member(key)) fault("'" + std::string(key) + "' is missing");
    return number(key).value_or(0);
}

std::uint64_t Fields::whole(const char* key) {
    const Json* found = member(key);
    if (!found) return 0;
    if (const auto* n = std::get_if<std::uint64_t>(&found->is)) return *n;
    fault("'" + std::string(key) + "' is no whole number");
    return 0;
}

std::string Fields::text(const char* key) {
    const Json* found = member(key);
    if (!found) return {};
    if (const auto* text = std::get_if<std::string>(&found->is)) return *text;
    fault("'" + std::string(key) + "' is no text");
    return {};
}

bool Fields::truth(const char* key) {
    const Json* found = member(key);
    if (!found) return false;
    if (const auto* truth = std::get_if<bool>(&found->is)) return *truth;
    fault("'" + std::string(key) + "' is neither true nor false");
    return false;
}

const Json::List* Fields::list(const char* key) {
    const Json* found = member(key);
    if (!found) return nullptr;
    if (const auto* list = std::get_if<Json::List>(&found->is)) return list;
    fault("'" + short_text(key) + "' is no list");
    return nullptr;
}

}  // namespace grapevine::record
