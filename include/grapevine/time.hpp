#pragma once

#include <chrono>
#include <cstdint>

namespace grapevine {

// The clock of every protocol. It has no now(): a protocol is told the time and cannot ask for it.
struct Timeline {
    using rep = std::int64_t;
    using period = std::nano;
    using duration = std::chrono::duration<rep, period>;
    using time_point = std::chrono::time_point<Timeline>;
    static constexpr bool is_steady = true;
};

using Duration = Timeline::duration;
using Instant = Timeline::time_point;

constexpr double seconds(Duration d) { return static_cast<double>(d.count()) / 1e9; }
constexpr double seconds(Instant t) { return seconds(t.time_since_epoch()); }

// The nearest nanosecond; saturates instead of overflowing (292 years).
constexpr Duration from_seconds(double s) {
    constexpr double limit = 9.2e18;
    const double ns = s * 1e9;
    if (!(ns > -limit)) return Duration(-static_cast<std::int64_t>(limit));
    if (!(ns < limit)) return Duration(static_cast<std::int64_t>(limit));
    return Duration(static_cast<std::int64_t>(ns < 0 ? ns - 0.5 : ns + 0.5));
}

// `d` times a factor that is not negative, to the nearest nanosecond.
constexpr Duration scaled(Duration d, double factor) { return from_seconds(seconds(d) * factor); }

}  // namespace grapevine
