#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "arguments.hpp"

namespace grapevine::cli {

std::optional<std::uint16_t> port_of(const std::string& text);

// "host", "host:port", "[v6]:port": host and port apart. `what` names it in the error: "--join".
std::variant<std::pair<std::string, std::optional<std::uint16_t>>, Error> host_and_port(const std::string& what, const std::string& text);

std::string without_brackets(std::string host);  // "[::1]" -> "::1", as sockets want it

}  // namespace grapevine::cli
