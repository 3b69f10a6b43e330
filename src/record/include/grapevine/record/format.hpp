#pragma once

#include <optional>
#include <string>

// Numbers for people: three or four digits and a unit. Null is "-".
namespace grapevine::record {

std::string format_seconds(std::optional<double> seconds);  // "61 ms", "4.15 s", "2 min 5 s"
std::string format_bytes(std::optional<double> bytes);      // "7.52 MB"
std::string format_count(std::optional<double> count);      // "12.4 k", "9.81 M"
std::string format_percent(std::optional<double> share);    // "88.61 %"
std::string format_short(std::optional<double> value);      // "0.2836", "1.2e-09"

}  // namespace grapevine::record
