#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "grapevine/peer_id.hpp"
#include "grapevine/snapshot.hpp"
#include "grapevine/time.hpp"

namespace grapevine::gossip {

// Who trains on which part of the data, where nobody has a rank and nobody deals. The rows lie in a fixed number of blocks, and a block
// belongs to the member for whom a hash of both is highest (highest random weight: Thaler and Ravishankar 1998), by weights: -ln h / w is
// smallest, h uniform in (0, 1]. The minimum of such is at a member with a chance of its weight over the sum of all, so faster
// members have more. Who comes takes its part of every other's blocks and nothing else moves; what a member had who goes is dealt to all
// others. Each reckons its own by its own view: while views differ some blocks are trained by two or by none.
//
// Hashes are integers and the logarithm is our own: two members with one view agree to the block, whatever built them.
inline constexpr std::uint32_t data_blocks = 4096;

// Where a block's rows lie in an order of all of them that everybody has: none in some blocks, where there are fewer rows than blocks.
constexpr Range rows_of_block(std::uint32_t block, std::uint64_t rows) { return part({0, rows}, block, data_blocks); }

// Speeds in steps of a quarter of an octave, in a byte, so that they don't change all the time and all others see the same.
//     0 not known: counts as the median of those that are    1 .. 254 2^((level - 33) / 4) samples a second    255 takes no blocks
using SpeedLevel = std::uint8_t;
inline constexpr SpeedLevel unknown_speed = 0, takes_none = 255;
// Of so many samples a second, for a member that has said `told` of itself: that stays while the speed is within a quarter of an octave of it.
SpeedLevel speed_level(double samples_per_second, SpeedLevel told = unknown_speed);

struct Claimant {
    std::uint64_t key = 0;            // another for each member, and the same in all views: a hash of what it is called
    SpeedLevel speed = unknown_speed;
};

std::uint64_t claimant_key(std::string_view name);  // of a name that is an identity: who comes again under it has its blocks again
std::uint64_t claimant_key(PeerId id);               // of one without

// The blocks that are ours, ascending, of those that have rows. Never none while rows > 0: who would have none (more members than blocks)
// has the one it is nearest to, together with its owner. Takes about blocks times ln(members).
std::vector<std::uint16_t> blocks_of(const Claimant& ours, std::span<const Claimant> others, std::uint64_t rows);

// When to deal anew: some time after who is there has changed, and not more often than that.
class Resharding {
public:
    static constexpr Duration calm = std::chrono::seconds(1);

    void stir(Instant now) {
        if (!due_) due_ = std::max(now, last_ + calm);
    }
    // Our blocks, if it is time and they are others than they were.
    std::optional<std::vector<std::uint16_t>> woken(Instant now, const Claimant& ours, std::span<const Claimant> others, std::uint64_t rows);
    bool due(Instant now) const { return due_ && now >= *due_; }
    const std::vector<std::uint16_t>& blocks() const { return blocks_; }

private:
    std::optional<Instant> due_;
    Instant last_{};
    std::vector<std::uint16_t> blocks_;
};

}  // namespace grapevine::gossip
