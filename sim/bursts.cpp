#include "grapevine/sim/bursts.hpp"

#include <algorithm>

namespace grapevine::sim {

BurstLoss::BurstLoss(config::Bursts law, Random random)
    : random_(random), cell_(static_cast<std::uint64_t>(law.longest.count())), longest_(static_cast<double>(law.longest.count())),
      root_(std::max(1.0 / 32, law.mean)), chance_(std::min(1.0, 32 * law.mean)) {
    shortest_ = longest_ * root_ * root_;
}

bool BurstLoss::silent(Instant at, std::uint32_t from, std::uint32_t to) const {
    const Random way = random_.split(std::uint64_t{from} << 32 | to);
    Random phase = way.split(~std::uint64_t{0});
    const std::uint64_t since = static_cast<std::uint64_t>(at.time_since_epoch().count()) + phase.below(cell_);
    Random cell = way.split(since / cell_);
    if (!cell.chance(chance_)) return false;
    const double x = 1 - cell.uniform() * (1 - root_);  // the inverse of P(longer than d) = (sqrt(shortest / d) - root) / (1 - root)
    const double lasts = std::min(longest_, shortest_ / (x * x)), begins = cell.uniform() * (longest_ - lasts);
    const double now = static_cast<double>(since % cell_);
    return now >= begins && now < begins + lasts;
}

}  // namespace grapevine::sim
