#pragma once

#include <charconv>
#include <cmath>
#include <optional>
#include <string_view>

namespace grapevine::formats {

inline std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

// A number of a text file, all of it; NaN and infinite ones are numbers here.
inline std::optional<double> number_of(std::string_view text) {
    if (text.size() > 1 && text.front() == '+' && text[1] != '-') text.remove_prefix(1);
    double value = 0;
    const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (wrong != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

// As float32, or nothing where it would be infinite or is no number.
inline std::optional<float> finite_float(double value) {
    const auto narrow = static_cast<float>(value);
    return std::isfinite(narrow) ? std::optional(narrow) : std::nullopt;
}

}  // namespace grapevine::formats
