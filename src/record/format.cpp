#include "grapevine/record/format.hpp"

#include <cmath>
#include <cstdio>

namespace grapevine::record {
namespace {

std::string print(const char* format, double value) {
    char text[64];
    std::snprintf(text, sizeof text, format, value);
    return text;
}

// Three significant digits, without an exponent, for 0.1 <= value < 1000.
std::string three(double value) { return print(value < 9.995 ? "%.2f" : value < 99.95 ? "%.1f" : "%.0f", value); }

bool finite(const std::optional<double>& value) { return value && std::isfinite(*value); }

}  // namespace

std::string format_seconds(std::optional<double> seconds) {
    if (!finite(seconds)) return "-";
    const double s = std::abs(*seconds);
    const std::string sign = *seconds < 0 ? "-" : "";
    if (s == 0) return "0 s";
    if (s < 1e-6) return sign + three(s * 1e9) + " ns";
    if (s < 1e-3) return sign + three(s * 1e6) + " us";
    if (s < 0.9995) return sign + three(s * 1e3) + " ms";
    if (s < 119.5) return sign + three(s) + " s";
    if (s < 7170) {
        const auto whole = std::llround(s);
        return sign + std::to_string(whole / 60) + " min" + (whole % 60 ? " " + std::to_string(whole % 60) + " s" : "");
    }
    if (s < 172'800) return sign + three(s / 3600) + " h";
    return sign + print("%.3g", s / 86'400) + " d";
}

std::string format_count(std::optional<double> count) {
    if (!finite(count)) return "-";
    const double n = std::abs(*count);
    const std::string sign = *count < 0 ? "-" : "";
    if (n < 10'000 && n == std::floor(n)) return sign + print("%.0f", n);
    if (n < 999.5) return sign + print("%.3g", n);
    struct { double factor; const char* name; } const units[] = {{1e3, "k"}, {1e6, "M"}, {1e9, "G"}, {1e12, "T"}, {1e15, "P"}};
    for (const auto& unit : units)
        if (n < unit.factor * 999.5) return sign + three(n / unit.factor) + " " + unit.name;
    return print("%.3g", *count);
}

std::string format_bytes(std::optional<double> bytes) {
    const std::string count = format_count(bytes);
    if (count == "-") return count;
    return count + (count.find(' ') == std::string::npos ? " B" : "B");
}

std::string format_percent(std::optional<double> share) {
    if (!finite(share)) return "-";
    return print("%.2f %%", *share * 100);
}

std::string format_short(std::optional<double> value) {
    if (!finite(value)) return "-";
    return print("%.4g", *value);
}

}  // namespace grapevine::record
