#pragma once

#include <optional>
#include <vector>

#include "grapevine/config/config.hpp"
#include "grapevine/sim/world.hpp"
#include "mass.hpp"

namespace grapevine::swarm {

// What must hold after every event, whatever goes wrong:
//
//   - membership's own invariants, which the world watches (sim/invariants.hpp);
//   - nobody's parameters cease to be numbers, if nobody lies;
//   - under a convex exchange nobody leaves the hull of where all began and what they train towards;
//   - push-sum neither makes mass nor forgets any (mass.hpp).
class Safety {
public:
    explicit Safety(const config::Config& config);
    sim::Tap& tap() { return mass_; }
    std::optional<sim::Violation> after(sim::World& world);
    std::optional<sim::Violation> ended(sim::World& world);

private:
    void meet(sim::World& world);
    std::optional<sim::Violation> of_models(sim::World& world);

    const config::Config& config_;
    bool honest_, convex_, conserves_;
    std::vector<double> low_, high_;  // of where all began, by coordinate
    std::uint32_t met_ = 0;           // peers
    MassAccount mass_;
    bool quiet_ = false;              // the account was looked at when the faults were over
};

}  // namespace grapevine::swarm
