#include "grapevine/gossip/sharding.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "grapevine/portable_math.hpp"
#include "grapevine/random.hpp"

namespace grapevine::gossip {

namespace {

constexpr int per_octave = 4, level_of_one = 33;  // sample a second

double weight(SpeedLevel level) {
    constexpr double within[per_octave] = {1, 1.189207115002721, 1.4142135623730951, 1.681792830507429};
    const int steps = level + per_octave * 256 - level_of_one;
    return std::ldexp(within[steps % per_octave], steps / per_octave - 256);
}

// The median of those that are known; of two in the middle the lower. Anything, if none is.
SpeedLevel usual(const Claimant& ours, std::span<const Claimant> others) {
    std::vector<SpeedLevel> known;
    const auto add = [&](const Claimant& c) {
        if (c.speed != unknown_speed && c.speed != takes_none) known.push_back(c.speed);
    };
    add(ours);
    for (const Claimant& other : others) add(other);
    if (known.empty()) return level_of_one;
    const auto middle = known.begin() + static_cast<std::ptrdiff_t>((known.size() - 1) / 2);
    std::nth_element(known.begin(), middle, known.end());
    return *middle;
}

struct Weighed {
    std::uint64_t key;
    double weight;
};

// How far a member is from a block: the smallest has it.
double distance(const Weighed& member, std::uint32_t block) {
    const std::uint64_t hash = Random(member.key).split(block).bits();
    return -portable::log((static_cast<double>(hash >> 11) + 1) * 0x1.0p-53) / member.weight;
}

}  // namespace

SpeedLevel speed_level(double samples_per_second, SpeedLevel told) {
    if (!(samples_per_second > 0) || std::isinf(samples_per_second)) return told;
    const double exact = per_octave * portable::log(samples_per_second) / (portable::ln2_high + portable::ln2_low) + level_of_one;
    if (told != unknown_speed && told != takes_none && std::abs(exact - told) <= 1) return told;
    return static_cast<SpeedLevel>(std::clamp(std::floor(exact + 0.5), 1.0, 254.0));
}

std::uint64_t claimant_key(std::string_view name) {
    std::uint64_t key = name.size();
    for (const char c : name) key = Random::mix(key * 0x100 + static_cast<unsigned char>(c) + 1);
    return key;
}

std::uint64_t claimant_key(PeerId id) { return Random::mix(id.value + 1); }

std::vector<std::uint16_t> blocks_of(const Claimant& ours, std::span<const Claimant> others, std::uint64_t rows) {
    if (ours.speed == takes_none) return {};
    const SpeedLevel median = usual(ours, others);
    const auto weigh = [&](const Claimant& c) { return Weighed{c.key, weight(c.speed == unknown_speed ? median : c.speed)}; };
    const Weighed us = weigh(ours);
    std::vector<Weighed> rivals;
    rivals.reserve(others.size());
    for (const Claimant& other : others)
        if (other.speed != takes_none && other.key != ours.key) rivals.push_back(weigh(other));
    // The heaviest first: they beat us soonest where they do.
    std::sort(rivals.begin(), rivals.end(), [](const Weighed& a, const Weighed& b) { return a.weight != b.weight ? a.weight > b.weight : a.key < b.key; });
    std::vector<std::uint16_t> blocks;
    std::uint16_t nearest = 0;
    double least = 0;
    bool any = false;
    for (std::uint32_t block = 0; block < data_blocks; ++block) {
        if (rows_of_block(block, rows).count == 0) continue;
        const double our = distance(us, block);
        if (!any || our < least) nearest = static_cast<std::uint16_t>(block), least = our;
        any = true;
        const bool beaten = std::any_of(rivals.begin(), rivals.end(), [&](const Weighed& rival) {
            const double theirs = distance(rival, block);
            return theirs < our || (theirs == our && rival.key < us.key);
        });
        if (!beaten) blocks.push_back(static_cast<std::uint16_t>(block));
    }
    if (blocks.empty() && any) blocks.push_back(nearest);
    return blocks;
}

std::optional<std::vector<std::uint16_t>> Resharding::woken(Instant now, const Claimant& ours, std::span<const Claimant> others, std::uint64_t rows) {
    if (!due(now)) return std::nullopt;
    due_.reset();
    last_ = now;
    auto blocks = blocks_of(ours, others, rows);
    if (blocks == blocks_) return std::nullopt;
    return blocks_ = std::move(blocks);
}

}  // namespace grapevine::gossip
