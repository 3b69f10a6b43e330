#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "grapevine/config/config.hpp"

namespace grapevine::node {

inline constexpr std::size_t most_hosts = 10'000;
inline constexpr std::size_t longest_hostlist = 64 * 1024, longest_host = 253;

// The hosts of a list as Slurm writes it (hostlist expressions: `man scontrol`, "show hostnames"), in its order:
//
//   list = item { "," item }      item = { text | "[" range { "," range } "]" }      range = number [ "-" number ]
//
// "node[001-004,7],gpu-a" -> node001 node002 node003 node004 node7 gpu-a: a range keeps the width of its first number.
// Several brackets in one item multiply. The list comes from the environment, where anybody may have written it: of what
// it would become no more than most_hosts is ever made.
std::variant<std::vector<std::string>, config::Error> expand_hostlist(std::string_view list);

// The most tasks of any node in Slurm's "2(x3),1", which is 2, 2, 2, 1.
std::optional<std::uint32_t> most_tasks(std::string_view counts);

}  // namespace grapevine::node
