#include "metadata.hpp"

#include <bit>
#include <cmath>

namespace grapevine::node {

namespace {

constexpr std::uint8_t version = 2;
constexpr std::size_t packed_bytes = 31;

void put(std::string& bytes, std::uint64_t value, int size) {
    for (int i = 0; i < size; ++i) bytes.push_back(static_cast<char>((value >> (8 * i)) & 0xff));
}

std::uint64_t number(const std::string& bytes, std::size_t at, std::size_t size) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i) value |= std::uint64_t{static_cast<unsigned char>(bytes[at + i])} << (8 * i);
    return value;
}

}  // namespace

std::string pack(const Metadata& m) {
    std::string bytes;
    put(bytes, version, 1);
    put(bytes, static_cast<std::uint8_t>(m.device), 1);
    put(bytes, m.steps, 8);
    put(bytes, m.layout, 8);
    put(bytes, std::bit_cast<std::uint32_t>(m.speed), 4);
    put(bytes, m.started, 4);
    put(bytes, m.level, 1);
    put(bytes, m.rows, 4);
    return bytes;
}

std::optional<Metadata> unpack(const std::string& bytes) {
    if (bytes.size() != packed_bytes || static_cast<unsigned char>(bytes[0]) != version) return std::nullopt;
    const std::uint64_t device = number(bytes, 1, 1);
    if (device > static_cast<std::uint64_t>(Metadata::Device::cuda)) return std::nullopt;
    Metadata m{static_cast<Metadata::Device>(device), number(bytes, 2, 8), number(bytes, 10, 8),
               std::bit_cast<float>(static_cast<std::uint32_t>(number(bytes, 18, 4))), static_cast<std::uint32_t>(number(bytes, 22, 4)),
               static_cast<std::uint8_t>(number(bytes, 26, 1)), static_cast<std::uint32_t>(number(bytes, 27, 4))};
    if (!std::isfinite(m.speed) || m.speed < 0) return std::nullopt;
    return m;
}

const char* to_string(Metadata::Device device) {
    switch (device) {
        case Metadata::Device::cpu: return "cpu";
        case Metadata::Device::cuda: return "cuda";
    }
    return "?";
}

}  // namespace grapevine::node
