#pragma once

#include <map>
#include <optional>
#include <vector>

#include "grapevine/sim/world.hpp"

namespace grapevine::sim {

// Watches who is held for dead, and when it was true: what membership did right, late and wrong.
class Watch {
public:
    void crashed(Instant at, std::uint32_t peer);
    void see(const Note& note, const World& world);

    struct Figures {
        std::optional<double> median, p99, max;  // seconds
    };
    Figures first_suspicion() const;
    Figures first_detection() const;
    Figures full_dissemination(const World& world) const;
    std::uint64_t false_positives() const { return false_positives_; }  // dead verdicts about a running member, per observer

private:
    struct Death {
        Instant at;
        std::uint32_t peer;
        std::optional<Instant> suspected, detected;
        std::map<std::uint32_t, Instant> verdicts;  // by observer
    };
    static Figures figures(std::vector<double> values);
    std::vector<Death> deaths_;
    std::uint64_t false_positives_ = 0;
};

}  // namespace grapevine::sim
