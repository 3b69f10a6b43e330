#include <doctest/doctest.h>

#include <limits>

#include "grapevine/membership/book.hpp"
#include "metadata.hpp"

using namespace grapevine::node;

TEST_CASE("what a node says of itself comes back, and fits into its record") {
    const Metadata all[] = {
        {},
        {Metadata::Device::cuda, 123'456'789'012, 0x937d3a8879694be1, 9.81e6f, 1'795'252'458, 73, 60'000},
        {Metadata::Device::cpu, ~0ull, ~0ull, std::numeric_limits<float>::max(), ~0u, 255, ~0u},
    };
    for (const Metadata& m : all) {
        const std::string bytes = pack(m);
        CHECK(bytes.size() <= grapevine::membership::longest_metadata);
        const auto back = unpack(bytes);
        REQUIRE(back);
        CHECK(*back == m);
    }
}

TEST_CASE("what we cannot read we do not know") {
    const std::string good = pack({Metadata::Device::cpu, 5, 6, 7, 8});
    REQUIRE(unpack(good));
    const auto with = [&](std::size_t at, char c) {
        std::string bytes = good;
        bytes[at] = c;
        return bytes;
    };
    CHECK_FALSE(unpack(""));
    CHECK_FALSE(unpack(good + "x"));
    CHECK_FALSE(unpack(good.substr(1)));
    CHECK_FALSE(unpack(std::string(64, '\xff')));
    CHECK_FALSE(unpack(with(0, 3)));            // of a later version
    CHECK_FALSE(unpack(with(1, 2)));            // a device that we do not know
    CHECK_FALSE(unpack(with(21, '\x7f').replace(20, 1, "\x80")));  // infinitely fast
    CHECK_FALSE(unpack(with(21, '\xc0')));      // slower than nothing
}
