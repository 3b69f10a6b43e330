#include "normals.hpp"

#include <bit>
#include <vector>

#include "support.hpp"

using namespace grapevine;
using namespace grapevine::learn;

TEST_CASE("normal numbers drawn many at a time are those drawn one by one, to the bit, and as many draws are made") {
    for (const std::size_t count : {0, 1, 2, 255, 256, 257, 1000, 300'000}) {
        for (const std::uint64_t seed : {1, 2, 3}) {
            CAPTURE(count);
            CAPTURE(seed);
            Random one_by_one = Random(seed).split(count), at_once = one_by_one;
            std::vector<float> expected(count), found(count);
            for (float& x : expected) x = static_cast<float>(0.1 * one_by_one.normal());
            draw_normals(found, 0.1, at_once);
            std::size_t different = 0;
            for (std::size_t i = 0; i < count; ++i) different += std::bit_cast<std::uint32_t>(expected[i]) != std::bit_cast<std::uint32_t>(found[i]);
            CHECK(different == 0);
            CHECK(at_once.drawn() == one_by_one.drawn());
        }
    }
}
