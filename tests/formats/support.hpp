#pragma once

#include <doctest/doctest.h>

#include <cstddef>
#include <span>
#include <string>
#include <variant>

#include "grapevine/formats/fault.hpp"

namespace grapevine::formats {

inline std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

// "3:7: 'x' is no number", or "" where it was decoded.
template <class T>
std::string complaint(const std::variant<T, Fault>& decoded) {
    const auto* fault = std::get_if<Fault>(&decoded);
    if (!fault) return "";
    CHECK(!fault->hint.empty());
    std::string text = fault->in("");
    return text.substr(text.find_first_not_of(": "));
}

inline bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace grapevine::formats
