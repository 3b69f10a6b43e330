#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace grapevine::net {

// IPv6 in brackets: "::1" -> "[::1]"; all else unchanged.
std::string bracketed(const std::string& host);

struct HostPort {
    std::string host;  // without brackets
    std::uint16_t port = 0;
};
std::optional<HostPort> split(const std::string& endpoint);  // "tcp://host:port", and nothing else

// Is it "tcp://1.2.3.4:5" or "tcp://[::1]:5"? Dialling such needs no name look-up.
bool is_numeric(const std::string& endpoint);

// All addresses of a host, IPv4 first, at most four, as endpoints. Blocks. `why` says what failed.
std::vector<std::string> look_up(const HostPort& where, std::string& why);

bool is_wildcard(const std::string& host);  // all addresses of this machine

// What others might dial to reach this machine: its first address that is up and not loopback; "127.0.0.1" if
// there is none. Behind a router it is wrong, and only a person can know.
std::string guess_own_host();

bool on_this_machine(const std::string& host);  // an address of one of its interfaces that is up

}  // namespace grapevine::net
