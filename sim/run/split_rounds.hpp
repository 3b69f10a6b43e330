#pragma once

#include <cstdint>
#include <unordered_map>

#include "grapevine/sim/world.hpp"

namespace grapevine::sim {

// Counts the groups' rounds that some members mixed and others gave up, as no peer can: the generals cannot agree.
class SplitRounds {
public:
    void see(const Note& note) {
        if (const auto* mixed = std::get_if<gossip::MixedWith>(&note.event)) add(mixed->group, 1);
        else if (const auto* failed = std::get_if<gossip::Failed>(&note.event)) add(failed->group, 2);
    }
    std::uint64_t count() const { return count_; }

private:
    static constexpr std::size_t most = 1 << 18;  // rounds remembered, twice over: a round's end is not far from its beginning

    void add(std::uint64_t group, std::uint8_t what) {
        if (group == 0) return;
        const auto before = earlier_.find(group);
        std::uint8_t& seen = before != earlier_.end() ? before->second : latest_[group];
        count_ += seen != 3 && (seen | what) == 3;
        seen |= what;
        if (latest_.size() < most) return;
        earlier_ = std::move(latest_);
        latest_.clear();
    }

    std::unordered_map<std::uint64_t, std::uint8_t> latest_, earlier_;  // by the group's name; looked up only, never walked
    std::uint64_t count_ = 0;
};

}  // namespace grapevine::sim
