#include "clipping.hpp"

#include <algorithm>
#include <limits>

#include "grapevine/portable_math.hpp"

namespace grapevine::gossip {

namespace {
constexpr std::size_t fewest_seen = 3, most_seen = 15;
constexpr double radius = 2;     // of the median
constexpr double balance = 0.3;  // of our own norm, at the beginning
}  // namespace

Guard Clipping::guard(Instant now, std::uint64_t steps) const {
    switch (config_.clip) {
        case Clip::off: return {};
        case Clip::balance: {
            double share = 0;
            if (config_.until_steps && *config_.until_steps > 0) share = static_cast<double>(steps) / static_cast<double>(*config_.until_steps);
            else if (config_.until && *config_.until > Duration::zero()) share = seconds(now.time_since_epoch()) / seconds(*config_.until);
            return {.clip = 0, .refuse = balance * portable::exp(-std::min(share, 1.0))};
        }
        case Clip::self_centred: break;
    }
    if (seen_.size() < fewest_seen) return {.clip = 0, .refuse = 1};
    std::vector<double> distances;
    for (const Seen& s : seen_) distances.push_back(s.distance);
    const auto middle = distances.begin() + static_cast<std::ptrdiff_t>(distances.size() / 2);
    std::nth_element(distances.begin(), middle, distances.end());
    // Never 0, which would mean no radius: those who are alike stay so by it.
    const double clip = std::max(radius * *middle, std::numeric_limits<double>::min());
    return {.clip = clip, .refuse = clip <= norm_ ? 1.0 : 0.0};
}

void Clipping::saw(PeerId whose, const Combined& combined) {
    if (config_.clip != Clip::self_centred) return;
    norm_ = combined.norm;
    std::erase_if(seen_, [&](const Seen& s) { return s.whose == whose; });
    // What is no number is farther than all others, and can be ordered.
    const bool number = combined.distance <= std::numeric_limits<double>::max();
    seen_.push_back({whose, number ? combined.distance : std::numeric_limits<double>::max()});
    if (seen_.size() > most_seen) seen_.erase(seen_.begin());
}

}  // namespace grapevine::gossip
