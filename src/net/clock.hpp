#pragma once

#include <chrono>

#include "grapevine/time.hpp"

namespace grapevine::net {

// Monotonic; the same for all threads of a process, of no meaning to another.
inline Instant now() {
    return Instant(std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch()));
}

// For a poll: never shorter than asked for, so that a deadline is over when it returns. -1 is not among them.
inline long milliseconds_up(Duration d) {
    return d <= Duration::zero() ? 0 : static_cast<long>((d.count() + 999'999) / 1'000'000);
}

}  // namespace grapevine::net
