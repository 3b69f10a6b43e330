#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace grapevine::node {

// What a node says of itself in its member record: for people, and for who shares the data with it (sharding.hpp). The record
// has 64 bytes for it. All numbers are little-endian.
//
//   0 version u8 (2)   1 device u8   2 steps u64   10 layout u64   18 samples a second, float32   22 started u32
//   26 speed level u8 (gossip/sharding.hpp)   27 rows u32
//
// A later version may say anything else behind its number: what we cannot read we do not know.
struct Metadata {
    enum class Device : std::uint8_t { cpu, cuda };
    Device device = Device::cpu;
    std::uint64_t steps = 0;    // when it was said: half a minute ago at most, longer in large clusters
    std::uint64_t layout = 0;   // hash of the model's shape
    float speed = 0;            // samples a second; 0: not known yet
    std::uint32_t started = 0;  // seconds since 1970, by its own clock
    std::uint8_t level = 0;     // its speed, by which it takes blocks of the data
    std::uint32_t rows = 0;     // that it trains on; 0: not known yet, or it trains on none
    friend bool operator==(const Metadata&, const Metadata&) = default;
};

std::string pack(const Metadata& metadata);
std::optional<Metadata> unpack(const std::string& bytes);
const char* to_string(Metadata::Device device);

}  // namespace grapevine::node
