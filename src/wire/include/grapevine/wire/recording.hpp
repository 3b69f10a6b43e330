#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "grapevine/peer/peer.hpp"
#include "grapevine/random.hpp"

// What one peer was built from and was told, as bytes: enough for another to do the same again, input by input. The values of
// parameters are left out. A peer never looks at them.
namespace grapevine::wire {

// Raised when a recording of the version before can no longer be played. Messages in it are as wire::encode writes them.
inline constexpr std::uint8_t recording_version = 3;  // 1: before members signed, moved to other addresses, or fetched a model in pieces; 2: before sketches, echoes, and clocks in answers to pings

struct Birth {
    membership::Record self;
    PeerConfig config;
    std::uint64_t seed = 0;             // its randomness: of this seed, and then
    std::vector<std::uint64_t> splits;  // split for one purpose after the other
    Random random() const;
    std::vector<membership::Record> known;
};
std::string encode_birth(const membership::Book& book, membership::Handle self, const PeerConfig& config, std::uint64_t seed,
                         const std::vector<std::uint64_t>& splits, const std::vector<membership::Handle>& known);

struct Given {
    Instant at;
    Peer::Input input;
};
std::string encode_input(Instant at, const Peer::Input& input, const membership::Book& book);

// What each wish said, as one number: equal for equal wishes.
std::vector<std::uint64_t> digests(const Peer::Effects& effects, const membership::Book& book);
std::string encode_digests(const std::vector<std::uint64_t>& digests);

// Nothing if the bytes are none of ours; no more memory is taken than they have.
std::optional<Birth> decode_birth(std::span<const std::byte> bytes);
std::optional<Given> decode_input(std::span<const std::byte> bytes, membership::Book& book);
std::optional<std::vector<std::uint64_t>> decode_digests(std::span<const std::byte> bytes);

std::uint32_t checksum(std::span<const std::byte> bytes);

}  // namespace grapevine::wire
