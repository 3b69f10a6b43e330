#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "grapevine/record/sample.hpp"

namespace grapevine::record {

// A JSON value, in the order in which it is written. Numbers that are not finite are null.
struct Json {
    using List = std::vector<Json>;
    using Object = std::vector<std::pair<std::string, Json>>;
    std::variant<std::nullptr_t, bool, double, std::uint64_t, std::string, List, Object> is = nullptr;

    Json() = default;
    Json(bool b) : is(b) {}
    Json(double d) : is(d) {}
    Json(std::uint64_t n) : is(n) {}
    Json(std::uint32_t n) : is(std::uint64_t{n}) {}
    Json(std::string s) : is(std::move(s)) {}
    Json(const char* s) : is(std::string(s)) {}
    Json(List l) : is(std::move(l)) {}
    Json(Object o) : is(std::move(o)) {}
    template <class T> Json(const std::optional<T>& maybe) {
        if (maybe) *this = Json(*maybe);
    }

    bool null() const { return std::holds_alternative<std::nullptr_t>(is); }
    const Json* find(std::string_view key) const;  // null if this is no object or has no such key
    std::optional<double> number() const;          // of either kind
};

Json null_if_empty(const std::string& text);

std::string dump(const Json& value);                 // on one line
std::string dump_indented(const Json& value);        // objects over lines, lists of numbers on one

// Hostile text included: depth is bounded, memory is proportional to the text.
std::variant<Json, std::string> parse(const std::string& text);

// Reads members of one object; the first thing that is wrong stays. Absent and null are the same.
class Fields {
public:
    Fields(const Json& object, std::string where);
    const Json* member(const char* key) const;
    std::optional<double> number(const char* key);
    double must_number(const char* key);
    std::uint64_t whole(const char* key);          // 0 if absent
    std::string text(const char* key);             // "" if absent
    bool truth(const char* key);
    const Json::List* list(const char* key);
    void fault(const std::string& what);
    void take(const Fields& other) {
        if (other.error_) fault_once(*other.error_);
    }
    const std::string& where() const { return where_; }
    const std::optional<Error>& error() const { return error_; }

private:
    void fault_once(const Error& error) {
        if (!error_) error_ = error;
    }
    const Json& object_;
    std::string where_;
    std::optional<Error> error_;
};

Json::Object object_of(const Sample& sample);
Sample sample_of(Fields& fields);

}  // namespace grapevine::record
