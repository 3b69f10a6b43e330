#pragma once

#include <cstdint>
#include <string>

namespace httplib {
class Server;
}

namespace grapevine::node {

// Who may see the status port off loopback, or wherever a token was given: who sends it. /healthz and /readyz are for all: they
// say nothing that a connection does not.
//
//   Authorization: Bearer TOKEN      programs
//   /any/page?token=TOKEN            likewise; a browser that asks for / gets a cookie, for this port, and is sent on to / without
//   Cookie: grapevine-PORT=TOKEN     from then on; what changes something wants X-Grapevine besides, which no other page can send
//
// It travels as it is, for this is plain HTTP: on a network that others listen to, through ssh or a proxy with TLS.
void guard(httplib::Server& server, const std::string& token, const std::uint16_t& port);  // the port may be decided later

}  // namespace grapevine::node
