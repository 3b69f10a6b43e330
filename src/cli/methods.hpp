#pragma once

#include <variant>
#include <vector>

#include "arguments.hpp"

namespace grapevine::cli {

// "allreduce,local" as exchange kinds.
std::variant<std::vector<config::ExchangeKind>, Error> read_methods(const std::string& text);

}  // namespace grapevine::cli
