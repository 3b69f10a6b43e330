#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "grapevine/peer/peer.hpp"

namespace grapevine::wire {

// Raised when a message of the version before can no longer be read. Peers of another version are told so in
// the handshake and never see each other's messages.
inline constexpr std::uint8_t version = 1;

// A message as bytes. Records of members are written out from the book. The values of parameters are not in it:
// they travel beside it as they lie in memory (Snapshot::bytes), and so are never copied here.
std::string encode(const Peer::Message& message, const membership::Book& book);

// Nothing if the bytes are not a message of ours. They may come from anyone: no more memory is taken than they
// have, nothing throws, and the book takes what they say of members only if all of it is well formed. What the book does
// not take, for it is full or its notary finds a record forged, is left out: who passes it on may believe it still.
// `parameters`: what came beside them.
std::optional<Peer::Message> decode(std::span<const std::byte> bytes, membership::Book& book, const Bytes& parameters = {});

// What a member signs of its record: all but the signature, as a message has it.
std::string signed_part(const membership::Record& record);

// encode(message).size(), without the trouble. The simulator charges this, and the parameters, to its links.
std::size_t control_size(const Peer::Message& message, const membership::Book& book);

}  // namespace grapevine::wire
