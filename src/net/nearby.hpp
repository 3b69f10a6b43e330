#pragma once

#include <cstdint>
#include <string>

#include "grapevine/peer_id.hpp"

// Peers on one machine need no TCP between them: they meet at a Unix socket in Linux's abstract namespace, named after the port and
// the id of who listens there. It has no file that could be left behind, and it is seen exactly where 127.0.0.1 is the same: from a
// container with a network of its own it is not, and TCP is used. Only processes of one user meet so: what they may do to each
// other they may do in many ways.
namespace grapevine::net {

std::string nearby_at(std::uint16_t port, PeerId who);  // an endpoint of ZeroMQ

// Does a process of our user listen there? Never waits: a Unix socket is connected at once or not at all.
bool listens(const std::string& nearby);

bool is_nearby(int file);  // a connection's

// Linux lets 208 KiB wait in a Unix socket, less than a chunk: each would put its sender to sleep. More, as far as the system allows.
void widen(int file);

}  // namespace grapevine::net
