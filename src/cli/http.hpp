#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "arguments.hpp"

namespace grapevine::cli {

// What a node's status port answers; nothing if it does not.
std::optional<std::string> get_from(const std::string& host, std::uint16_t port, const std::string& path);

// The node that a verb is about: --at PORT, HOST:PORT or NAME; without it the only one of this user here.
struct StatusAddress {
    std::string host;
    std::uint16_t port = 0;
};
std::variant<StatusAddress, Error> node_at(const Arguments& arguments);
Option at_option();

}  // namespace grapevine::cli
