#include "energy.hpp"

#include <algorithm>

namespace grapevine::sim {

std::optional<double> energy(const World& world, const std::vector<config::Group>& groups) {
    if (std::none_of(groups.begin(), groups.end(), [](const auto& g) { return g.power.has_value(); })) return {};
    double joules = 0;
    for (std::uint32_t i = 0; i < world.size(); ++i) {
        const auto& power = groups[world.group(i)].power;
        if (!power) continue;
        const World::Spent spent = world.spent(i);
        joules += power->busy * seconds(spent.busy) + power->idle * seconds(spent.up - spent.busy) + power->per_byte * static_cast<double>(spent.bytes);
    }
    return joules;
}

}  // namespace grapevine::sim
