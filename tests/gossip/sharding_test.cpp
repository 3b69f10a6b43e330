#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "grapevine/gossip/sharding.hpp"
#include "grapevine/random.hpp"

using namespace grapevine;
using namespace grapevine::gossip;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t rows = 60'000;

std::vector<Claimant> members(std::size_t n, std::vector<SpeedLevel> speeds = {}) {
    std::vector<Claimant> all;
    for (std::size_t i = 0; i < n; ++i) all.push_back({Random::mix(1000 + i), speeds.empty() ? unknown_speed : speeds[i % speeds.size()]});
    return all;
}

std::vector<std::uint16_t> of(const std::vector<Claimant>& all, std::size_t i, std::uint64_t n = rows) {
    std::vector<Claimant> others = all;
    others.erase(others.begin() + static_cast<std::ptrdiff_t>(i));
    return blocks_of(all[i], others, n);
}

// Whose each block is; everybody's own reckoning must give it to one.
std::vector<std::size_t> owners(const std::vector<Claimant>& all) {
    std::vector<std::size_t> owner(data_blocks, all.size());
    for (std::size_t i = 0; i < all.size(); ++i)
        for (const auto block : of(all, i)) {
            REQUIRE(owner[block] == all.size());
            owner[block] = i;
        }
    return owner;
}

std::size_t moved(const std::vector<std::size_t>& a, const std::vector<std::size_t>& b) {
    std::size_t n = 0;
    for (std::size_t block = 0; block < a.size(); ++block) n += a[block] != b[block];
    return n;
}

}  // namespace

TEST_CASE("every block belongs to one member, and members alike have about as many each") {
    for (const std::size_t n : {1, 2, 3, 5, 8, 50, 200}) {
        const auto all = members(n);
        const auto owner = owners(all);
        CHECK(std::count(owner.begin(), owner.end(), n) == 0);
        const double mean = static_cast<double>(data_blocks) / static_cast<double>(n), deviation = std::sqrt(mean);
        for (std::size_t i = 0; i < n; ++i)  // of 269 binomial counts none is five deviations off; the keys are fixed
            CHECK(std::abs(static_cast<double>(std::count(owner.begin(), owner.end(), i)) - mean) <= 5 * deviation);
    }
}

TEST_CASE("who comes takes its part, who goes leaves its own to the others, and nothing else moves") {
    for (const std::size_t n : {2, 5, 20}) {
        const auto fewer = owners(members(n)), more = owners(members(n + 1));
        std::size_t taken = 0;
        for (std::size_t block = 0; block < data_blocks; ++block) {
            if (more[block] == n) ++taken;
            else CHECK(more[block] == fewer[block]);
        }
        const double part = static_cast<double>(data_blocks) / static_cast<double>(n + 1);
        CHECK(taken == moved(fewer, more));
        CHECK(std::abs(static_cast<double>(taken) - part) <= 4 * std::sqrt(part));
    }
}

TEST_CASE("blocks follow speeds") {
    const SpeedLevel one = speed_level(1000);
    const std::vector<SpeedLevel> speeds = {one, static_cast<SpeedLevel>(one + 4), static_cast<SpeedLevel>(one + 8), static_cast<SpeedLevel>(one + 12)};
    const auto owner = owners(members(4, speeds));
    for (std::size_t i = 0; i < 4; ++i) {
        const double p = std::exp2(static_cast<double>(i)) / 15, mean = data_blocks * p;
        CHECK(std::abs(static_cast<double>(std::count(owner.begin(), owner.end(), i)) - mean) <= 4 * std::sqrt(mean * (1 - p)));
    }
    SUBCASE("who becomes faster takes from all and gives none away") {
        auto faster = members(4, speeds);
        faster[1].speed = static_cast<SpeedLevel>(faster[1].speed + 1);
        const auto after = owners(faster);
        for (std::size_t block = 0; block < data_blocks; ++block) CHECK((after[block] == owner[block] || after[block] == 1));
    }
    SUBCASE("who has not said its speed counts as the median of those who have") {
        auto silent = members(4, speeds), median = silent;
        silent[0].speed = unknown_speed;
        median[0].speed = speeds[2];
        CHECK(owners(silent) == owners(median));
    }
    SUBCASE("who takes none has none, and nobody reckons with it") {
        auto three = members(4, speeds), four = three;
        four[3].speed = takes_none;
        three.pop_back();
        CHECK(of(four, 3).empty());
        for (std::size_t i = 0; i < 3; ++i) CHECK(of(four, i) == of(three, i));
    }
}

TEST_CASE("the order in which others are known plays no part, nor that one is known twice as ourselves") {
    auto all = members(9, {40, 44, 47});
    auto others = std::vector(all.begin() + 1, all.end());
    const auto blocks = blocks_of(all[0], others, rows);
    std::reverse(others.begin(), others.end());
    CHECK(blocks_of(all[0], others, rows) == blocks);
    others.push_back(all[0]);
    CHECK(blocks_of(all[0], others, rows) == blocks);
}

// Numbers of a run of gcc 12 on x86-64: another compiler or machine must have the same.
TEST_CASE("whose a block is does not depend on who built the program") {
    const auto owner = owners(members(5, {30, 33, 38}));
    std::uint64_t hash = 0;
    for (const std::size_t o : owner) hash = Random::mix(hash ^ o);
    CHECK(hash == 9572793589216425767u);
    CHECK(std::vector<std::size_t>(owner.begin(), owner.begin() + 8) == std::vector<std::size_t>{2, 2, 3, 2, 0, 3, 2, 2});
}

TEST_CASE("with few rows some blocks are empty and nobody's; nobody goes without") {
    for (const std::uint64_t few : {1, 7, 100, 4095}) {
        const auto all = members(12);
        std::uint64_t held = 0;
        for (std::size_t i = 0; i < all.size(); ++i) {
            std::uint64_t mine = 0;
            for (const auto block : of(all, i, few)) mine += rows_of_block(block, few).count;
            CHECK(mine > 0);
            held += mine;
        }
        CHECK(held >= few);
        if (few > 1000) CHECK(held == few);
    }
    std::uint64_t sum = 0;
    for (std::uint32_t block = 0; block < data_blocks; ++block) sum += rows_of_block(block, rows).count;
    CHECK(sum == rows);
    CHECK(blocks_of({1}, {}, 0).empty());
}

TEST_CASE("a speed's level is within a quarter of an octave, and stays while the speed hardly moves") {
    for (double speed = 0.01; speed < 1e9; speed *= 1.37) {
        const SpeedLevel level = speed_level(speed);
        CHECK(std::abs(4 * std::log2(speed) + 33 - level) <= 0.5001);
        CHECK(speed_level(speed * 1.08, level) == level);
        CHECK(speed_level(speed / 1.08, level) == level);
        CHECK(speed_level(speed * 1.31, level) > level);
        CHECK(speed_level(speed / 1.31, level) < level);
    }
    const struct {
        double speed;
        SpeedLevel told, is;
    } table[] = {{1, 0, 33}, {2, 0, 37}, {1024, 0, 73}, {1024, 74, 74}, {1024, 75, 73}, {0, 0, 0}, {0, 40, 40}, {-1, 40, 40}, {NAN, 40, 40}, {INFINITY, 40, 40}, {1e300, 0, 254}, {1e-300, 0, 1}};
    for (const auto& line : table) CHECK(speed_level(line.speed, line.told) == line.is);
}

TEST_CASE("it is dealt anew a while after something has changed, once for all that has, and only told if it is otherwise") {
    Resharding resharding;
    const auto all = members(3);
    const std::vector<Claimant> nobody, one = {all[1]}, two = {all[1], all[2]};
    const Instant zero{};
    CHECK(!resharding.woken(zero + 5s, all[0], nobody, rows));
    resharding.stir(zero + 5s);
    CHECK(resharding.due(zero + 5s));
    CHECK(resharding.woken(zero + 5s, all[0], nobody, rows)->size() == data_blocks);
    resharding.stir(zero + 5200ms);
    CHECK(!resharding.woken(zero + 5900ms, all[0], one, rows));
    resharding.stir(zero + 5900ms);
    const auto blocks = resharding.woken(zero + 6s, all[0], two, rows);
    REQUIRE(blocks);
    CHECK(*blocks == blocks_of(all[0], two, rows));
    resharding.stir(zero + 20s);
    CHECK(!resharding.woken(zero + 20s, all[0], two, rows));
    CHECK(resharding.blocks() == *blocks);
}
