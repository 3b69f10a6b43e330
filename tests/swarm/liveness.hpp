#pragma once

#include <optional>
#include <vector>

#include "grapevine/config/config.hpp"
#include "grapevine/sim/tap.hpp"
#include "grapevine/sim/world.hpp"

namespace grapevine::swarm {

// What must come true once nothing goes wrong any more, among those who are left and can know of each other (a newcomer whose
// contact died before it was welcomed knows nobody, and nobody it): they see each other and nobody else, suspect nobody,
// train, mix, and come together. On links that lose messages, or are late without bound, a suspicion may be about at any time: there it
// must have come true at some second since `settled`, elsewhere it holds at all of them.
class Liveness final : public sim::Tap {
public:
    explicit Liveness(const config::Config& config);
    void told(Instant at, std::uint32_t peer, const Peer::Event& event) override;
    void after(sim::World& world);
    std::optional<sim::Violation> ended(sim::World& world);

private:
    void faults_are_over(sim::World& world);
    void look(const sim::World& world);
    std::optional<sim::Violation> what_is_wrong_with_views(const sim::World& world) const;
    std::optional<sim::Violation> of_exchanges(const sim::World& world) const;
    std::optional<sim::Violation> of_distance(sim::World& world);
    bool with_others(const sim::World& world, std::uint32_t peer) const;

    const config::Config& config_;
    bool calm_;
    Instant next_look_;
    std::vector<std::uint32_t> island_;        // by peer: equal for those who can know of each other
    double distance_ = 0;                      // when the faults were over
    std::vector<std::uint64_t> steps_;         // at `settled`
    std::vector<std::uint64_t> mixes_;         // since
    std::optional<sim::Violation> disagreed_;  // the last look, or in calm worlds any
    bool settled_ = false;
};

}  // namespace grapevine::swarm
