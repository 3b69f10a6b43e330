#pragma once

#include <optional>

#include "grapevine/membership/book.hpp"
#include "grapevine/peer/peer.hpp"
#include "grapevine/random.hpp"

namespace grapevine::sim {

// What a message is when one to four bytes of its frame were changed on the way, each to another value: nothing if the frame's
// header no longer fits (a node looks at all of it), or if what is behind it is no message. Parameters, which travel beside
// the frame, stay as they are.
std::optional<Peer::Message> garbled(const Peer::Message& message, membership::Book& book, std::size_t header, Random& random);

}  // namespace grapevine::sim
