#include "grapevine/membership/wall_time.hpp"

#include <algorithm>
#include <cassert>

namespace grapevine::membership {

// Far clocks are those of others: all sums below are of numbers that are held to within 2^62.
void WallTime::set(std::int64_t at_zero) {
    at_zero = std::clamp<std::int64_t>(at_zero, 1, latest);
    if (at_zero_ != 0)
        for (std::size_t i = 0; i < count_; ++i) others_[i].ahead = std::clamp(others_[i].ahead - (at_zero - at_zero_), -latest, latest);
    at_zero_ = at_zero;
}

std::int64_t WallTime::at(Instant now) const {
    if (at_zero_ == 0) return 0;
    const std::int64_t since = now.time_since_epoch().count();
    return since < latest - at_zero_ ? at_zero_ + since : latest;
}

void WallTime::answered(Instant sent, Instant now, PeerId by, std::int64_t showed) {
    if (showed <= 0 || showed > latest || at_zero_ == 0) return;
    const std::int64_t ahead = showed - at(now - (now - sent) / 2);
    const auto known = std::find_if(others_.begin(), others_.begin() + static_cast<std::ptrdiff_t>(count_), [&](const Other& o) { return o.who == by; });
    if (known != others_.begin() + static_cast<std::ptrdiff_t>(count_)) {
        known->ahead = ahead;
        return;
    }
    others_[next_] = {by, ahead};
    next_ = (next_ + 1) % kept;
    count_ = std::min(count_ + 1, kept);
}

std::optional<Duration> WallTime::others_ahead() const {
    if (count_ == 0) return std::nullopt;
    std::array<std::int64_t, kept> sorted{};
    for (std::size_t i = 0; i < count_; ++i) sorted[i] = others_[i].ahead;
    std::sort(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(count_));
    const std::int64_t low = sorted[(count_ - 1) / 2], high = sorted[count_ / 2];
    return Duration(low > -high ? low : high);  // if they lie on both sides of ours: the nearer, and so it is otherwise
}

}  // namespace grapevine::membership
