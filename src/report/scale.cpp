#include "scale.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace grapevine::report {
namespace {

struct Measure {
    double factor;
    const char* name;
};

// The unit in which numbers up to `most` read best.
Measure measure_of(double most, Unit unit) {
    const double m = std::abs(most);
    switch (unit) {
        case Unit::share: return {0.01, "%"};
        case Unit::seconds:
            if (m < 1e-3) return {1e-6, "us"};
            if (m < 1) return {1e-3, "ms"};
            if (m <= 180) return {1, "s"};
            if (m <= 3 * 3600) return {60, "min"};
            if (m <= 3 * 86'400) return {3600, "h"};
            return {86'400, "d"};
        case Unit::bytes:
            if (m < 2e3) return {1, "B"};
            if (m < 2e6) return {1e3, "kB"};
            if (m < 2e9) return {1e6, "MB"};
            if (m < 2e12) return {1e9, "GB"};
            return {1e12, "TB"};
        case Unit::count:
            if (m < 1e4) return {1, ""};
            if (m < 1e6) return {1e3, "thousand"};
            if (m < 1e9) return {1e6, "million"};
            return {1e9, "billion"};
        case Unit::plain: break;
    }
    return {1, ""};
}

// 1, 2 or 5 times a power of ten; for minutes and hours what a clock shows.
double nice_step(double rough, const Measure& measure) {
    if (std::string(measure.name) == "min" || std::string(measure.name) == "h")
        for (const double step : {1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0})
            if (rough <= step && rough > 0.5) return step;
    const double power = std::pow(10, std::floor(std::log10(rough)));
    for (const double step : {1.0, 2.0, 5.0})
        if (rough <= step * power * 1.0001) return step * power;
    return 10 * power;
}

std::string label_of(double value, double step) {
    char text[64];
    const int digits = step >= 1 ? 0 : std::min(9, static_cast<int>(std::ceil(-std::log10(step) - 1e-9)));
    if (std::abs(value) >= 1e6 || (digits == 9 && value != 0)) std::snprintf(text, sizeof text, "%.3g", value);
    else std::snprintf(text, sizeof text, "%.*f", digits, std::abs(value) < step / 1000 ? 0.0 : value);
    return text;
}

std::string power_of_ten(int exponent) {
    static const char* const raised[] = {"\u2070", "\u00b9", "\u00b2", "\u00b3", "\u2074", "\u2075", "\u2076", "\u2077", "\u2078", "\u2079"};
    std::string out = "10";
    if (exponent < 0) out += "\u207b";
    for (const char digit : std::to_string(std::abs(exponent))) out += raised[digit - '0'];
    return out;
}

}  // namespace

double Scale::place(double value) const {
    if (log) return (std::log10(value) - std::log10(low)) / (std::log10(high) - std::log10(low));
    return (value - low) / (high - low);
}

Scale linear_scale(double low, double high, Unit unit, int about, bool round_ends) {
    if (!(std::isfinite(low) && std::isfinite(high)) || std::abs(low) > 1e300 || std::abs(high) > 1e300) low = 0, high = 1;
    if (!(high - low > std::max(std::abs(low), std::abs(high)) * 1e-9)) {  // one value, or all alike
        const double room = low == 0 ? 1 : std::abs(low) * 0.1;
        if (low != 0) low -= room;
        high += room;
    }
    const Measure measure = measure_of(std::max(std::abs(low), std::abs(high)), unit);
    const double step = nice_step((high - low) / measure.factor / about, measure) * measure.factor;
    Scale scale;
    scale.unit = measure.name;
    scale.low = round_ends ? std::floor(low / step + 1e-6) * step : low;
    scale.high = round_ends ? std::ceil(high / step - 1e-6) * step : high;
    for (double i = std::ceil(scale.low / step - 1e-6); i * step <= scale.high + step * 1e-6 && scale.ticks.size() < 50; ++i)
        scale.ticks.push_back({i * step, label_of(i * step / measure.factor, step / measure.factor)});
    return scale;
}

Scale log_scale(double low, double high, Unit unit, int about) {
    Scale scale;
    scale.log = true;
    const int from = static_cast<int>(std::floor(std::log10(low) + 1e-9));
    const int to = std::max(from + 1, static_cast<int>(std::ceil(std::log10(high) - 1e-9)));
    scale.low = std::pow(10, from);
    scale.high = std::pow(10, to);
    const int every = std::max(1, (to - from + about - 1) / about);
    for (int k = from; k <= to; k += every) {
        const double value = std::pow(10, k);
        if (unit == Unit::bytes && k >= 0) {
            const Measure measure = measure_of(value * 2.1, unit);  // "100 kB", "1 MB"
            char text[32];
            std::snprintf(text, sizeof text, "%g %s", value / measure.factor, measure.name);
            scale.ticks.push_back({value, text});
        } else {
            scale.ticks.push_back({value, from >= -3 && to <= 4 ? label_of(value, std::min(1.0, value)) : power_of_ten(k)});
        }
    }
    return scale;
}

}  // namespace grapevine::report
