#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "grapevine/keys/keys.hpp"

namespace grapevine::keys {

// The lines of a short text of somebody's: without comments ("# ..." to the end) and space at their ends.
class Lines {
public:
    explicit Lines(std::string_view text) : rest_(text) {}
    std::optional<std::string_view> next();  // the next that is not empty
    std::size_t number() const { return number_; }

private:
    std::string_view rest_;
    std::size_t number_ = 0;
};

// A regular file, whole, if it has no more than `most` bytes; more is not read.
std::variant<std::string, Error> whole_file(const std::string& path, std::size_t most, const char* what_it_is);

// Printable, for an error: what a hostile file says goes to no terminal as it is.
std::string shown(std::string_view text);

}  // namespace grapevine::keys
