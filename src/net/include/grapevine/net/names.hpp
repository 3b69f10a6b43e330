#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace grapevine::net {

// "tcp://host:port", with brackets where the host is IPv6.
std::string endpoint_at(const std::string& host, std::uint16_t port);

// All addresses that a host has now, IPv4 first, at most so many, as endpoints. Blocks, for as long as name servers take.
// None: `why` says what failed.
std::vector<std::string> addresses_of(const std::string& host, std::uint16_t port, std::size_t most, std::string& why);

}  // namespace grapevine::net
