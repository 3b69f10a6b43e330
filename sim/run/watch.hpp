#pragma once

#include <map>
#include <optional>
#include <vector>

#include "grapevine/record/summary.hpp"
#include "grapevine/sim/world.hpp"

namespace grapevine::sim {

// Watches who is held for dead, and when it was true: what membership did right, late and wrong.
class Watch {
public:
    // What is done to peers, told when it is done. See notes before: it counts what was so when they were told.
    void crashed(Instant at, std::uint32_t peer);
    void leaves(Instant at, std::uint32_t peer, const World& world);
    bool is_leaving(std::uint32_t peer) const { return peer < peers_.size() && peers_[peer].farewell && peers_[peer].up; }
    void paused(std::uint32_t peer);
    void resumed(std::uint32_t peer) { --of(peer).paused; }
    void touched(std::uint32_t peer) { of(peer).touched = true; }  // its links are no longer what the file's [[link]] says

    void see(const Note& note, const World& world);

    // Nothing was done to it so far: never paused, cut off one way or the other, or lossy.
    bool healthy(std::uint32_t peer) const { return peer >= peers_.size() || !peers_[peer].touched; }

    record::MembershipResult figures(const World& world, Duration period) const;

private:
    struct State {
        bool up = true, touched = false;
        std::uint32_t paused = 0;
        std::optional<std::size_t> death, farewell;  // places in the lists below
    };
    struct Death {
        Instant at;
        std::uint32_t peer;
        std::optional<Instant> suspected, detected;
        Instant last{};  // verdict of anybody
    };
    struct Farewell {
        Instant at;
        std::map<std::uint32_t, std::optional<Instant>> told;  // those who knew it when it left, and when they heard
    };
    State& of(std::uint32_t peer) {
        if (peer >= peers_.size()) peers_.resize(peer + std::size_t{1});
        return peers_[peer];
    }
    void gone(const Note& note, const membership::Gone& gone);
    record::Quantiles full_dissemination(const World& world) const;
    record::Quantiles leave_dissemination(const World& world) const;

    std::vector<State> peers_;
    std::vector<Death> deaths_;
    std::vector<Farewell> farewells_;
    std::uint64_t false_positives_ = 0, at_healthy_ = 0, about_healthy_ = 0, among_healthy_ = 0;
    std::uint64_t false_detections_ = 0, leave_suspicions_ = 0;
};

// Quantiles by nearest rank, and the mean; `never` more are beyond all others, and a figure that would lie there is null.
record::Quantiles quantiles(std::vector<double> values, std::size_t never = 0);

}  // namespace grapevine::sim
