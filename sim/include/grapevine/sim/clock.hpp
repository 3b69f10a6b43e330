#pragma once

#include <cmath>
#include <limits>

#include "grapevine/time.hpp"

namespace grapevine::sim {

// The clock of one machine, told from the world's: it shows `showed` at the world's instant `since`, and from then on
// gains `drift` seconds a second. Both ways in whole nanoseconds, so that no rounding piles up: what it shows never
// falls, and there() is the first instant at which it shows that much.
class LocalClock {
    __extension__ using Wide = __int128;

public:
    constexpr LocalClock() = default;  // the world's own

    // What it shows at an instant of the world, not before it was last set.
    constexpr Instant here(Instant world) const {
        const Wide passed = (world - since_).count();
        return Instant(whole(showed_.time_since_epoch().count() + passed + floor_of(passed * drift_)));
    }
    // The first instant of the world at which it shows `local`; when it was last set, if that is over.
    constexpr Instant there(Instant local) const {
        if (local <= showed_) return since_;
        const Wide ahead = Wide(local.time_since_epoch().count()) - showed_.time_since_epoch().count(), rate = billion + drift_;
        return Instant(whole(since_.time_since_epoch().count() + (ahead * billion + rate - 1) / rate));
    }

    // From `now` on it shows `ahead` more, and gains `drift` a second (more than -1, to a billionth). A clock is never
    // set back: `ahead` is not negative.
    void set(Instant now, Duration ahead, double drift) {
        showed_ = here(now) + ahead;
        since_ = now;
        drift_ = static_cast<std::int64_t>(std::floor(drift * billion + 0.5));
    }
    constexpr double drift() const { return static_cast<double>(drift_) / billion; }

private:
    static constexpr std::int64_t billion = 1'000'000'000;
    static constexpr Wide floor_of(Wide billionths) { return billionths >= 0 ? billionths / billion : -((-billionths + billion - 1) / billion); }
    static constexpr Duration whole(Wide ns) {  // the end of time is far, and nothing lies beyond it
        constexpr Wide most = std::numeric_limits<std::int64_t>::max();
        return Duration(static_cast<std::int64_t>(ns > most ? most : ns));
    }
    Instant since_{}, showed_{};
    std::int64_t drift_ = 0;  // in billionths
};

}  // namespace grapevine::sim
