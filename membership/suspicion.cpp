// The arithmetic of suspicion and of telling, apart from the timers: tests hold it in tables.
#include <algorithm>

#include "grapevine/membership/membership.hpp"
#include "grapevine/portable_math.hpp"

namespace grapevine::membership {

Duration remaining_suspicion(std::uint32_t confirmations, std::uint32_t k, Duration elapsed, Duration min, Duration max) {
    if (k == 0) return min - elapsed;
    const double share = portable::log(confirmations + 1.0) / portable::log(k + 1.0);
    const Duration whole = max - scaled(max - min, share);
    return std::max(whole, min) - elapsed;
}

Duration shortest_suspicion(std::size_t n, double alpha, Duration period) {
    const double decades = portable::log(static_cast<double>(std::max<std::size_t>(n, 1))) / portable::log(10.0);
    return scaled(period, alpha * std::max(1.0, decades));
}

std::uint32_t telling_limit(std::size_t n, std::uint32_t lambda) {
    std::uint32_t digits = 0;  // ceil(log10(n + 1)), exactly: the digits of n
    for (std::size_t rest = n; rest > 0; rest /= 10) ++digits;
    return lambda * std::max(digits, 1u);
}

void RoundTrips::heard(PeerId peer, Duration sample) {
    for (Entry& e : entries_)
        if (e.peer == peer) {
            const Duration off = sample > e.mean ? sample - e.mean : e.mean - sample;
            e.deviation += (off - e.deviation) / 4;
            e.mean += (sample - e.mean) / 8;
            return;
        }
    const Entry first{peer, sample, sample / 2};
    if (entries_.size() < kept) {
        entries_.push_back(first);
    } else {
        entries_[next_] = first;
        next_ = (next_ + 1) % kept;
    }
}

Duration RoundTrips::timeout(PeerId peer, Duration most) const {
    for (const Entry& e : entries_)
        if (e.peer == peer)
            return std::min(std::max(e.mean + 4 * e.deviation, Duration(std::chrono::milliseconds(50))), most);
    return most;
}

std::optional<Duration> RoundTrips::mean(PeerId peer) const {
    for (const Entry& e : entries_)
        if (e.peer == peer) return e.mean;
    return std::nullopt;
}

}  // namespace grapevine::membership
