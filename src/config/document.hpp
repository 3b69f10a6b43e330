#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "grapevine/config/config.hpp"

// A TOML file as a tree of values that know where they stand. Only document.cpp knows who parsed it.
namespace grapevine::config {

struct Place {
    std::uint32_t file = 0;  // index into Reading::files
    std::uint32_t line = 1, column = 1;  // line 0: all of it, a flag that was typed
};

// One reading of a configuration: its files, and what is wrong with them. The first thing said stays, what
// follows from it is not said. So a reader may go on with a default after a fault, and nobody needs to ask
// after each value.
class Reading {
public:
    std::vector<std::string> files;  // names as shown
    bool may_open_files = true;      // text that came from the network may not
    bool tell_places = true;         // not of text that nobody has written

    void say(Place place, const std::string& what, const std::string& hint) {
        if (first_) return;
        first_ = Error{where(place) + ": " + what, hint};
    }
    std::string where(Place place) const {
        if (!tell_places || place.line == 0) return files.at(place.file);
        return files.at(place.file) + ":" + std::to_string(place.line) + ":" + std::to_string(place.column);
    }
    void say(const Error& error) {
        if (!first_) first_ = error;
    }
    bool any() const { return first_.has_value(); }
    const std::optional<Error>& first() const { return first_; }

private:
    std::optional<Error> first_;
};

struct Value;
struct Entry;

struct Date {};  // TOML has dates; no key of ours wants one
using Array = std::vector<Value>;
struct Table {
    std::vector<Entry> entries;  // in the order of the file
    bool is_inline = false;      // { a = 1 }: one value, an including file replaces it whole
    const Entry* find(const std::string& key) const;
    Entry* find(const std::string& key);
};

struct Value {
    std::variant<std::string, std::int64_t, double, bool, Date, Array, Table> is;
    Place place;
};

struct Entry {
    std::string key;
    Place place;
    Value value;
};

// "a string", "the integer 250", ...
std::string kind_of(const Value& value);
// In quotes, short and printable: names come from files, and files from strangers.
std::string in_quotes(const std::string& word);

// The tree of `text`, or a fault said. Work and depth are bounded by the length, which the caller bounds.
Table parse_document(const std::string& text, std::uint32_t file, Reading& reading);

// A file with all it includes, merged. Its directory is where relative paths start.
Table read_document(const std::string& path, Reading& reading);

// The bytes of a regular file or a pipe; else says why not.
std::optional<std::string> read_bytes(const std::string& path, Error& error);

}  // namespace grapevine::config
