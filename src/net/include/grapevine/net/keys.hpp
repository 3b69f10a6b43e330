#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "grapevine/peer_id.hpp"

// CURVE (curvecp.org; ZeroMQ's RFC 26) on both planes. A key here is a Curve25519 public key, 32 bytes. Who holds none that is
// allowed is turned away in the handshake: not a byte of it reaches a decoder of ours.
namespace grapevine::net {

inline constexpr std::size_t key_bytes = 32;
inline constexpr std::size_t most_candidates = 64;  // keys tried at an address of which nobody said whose it is

struct Keys {
    std::string public_key, secret_key;
    std::vector<std::string> allowed;  // who may connect; our own among them if others hold it too
};

// With keys, the lower half of a peer's id is drawn and the upper half is the beginning of its key: so nobody can come
// first and take an id that is another's. Two keys that begin alike are one in 2^32, and what is known of a member still
// tells them apart.
PeerId id_under(std::string_view key, std::uint32_t drawn);
bool may_bear(std::string_view key, PeerId id);

}  // namespace grapevine::net
