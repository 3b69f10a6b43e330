#pragma once

#include <optional>

#include "arguments.hpp"
#include "grapevine/node/node.hpp"

namespace grapevine::cli {

// --key-file and --allow into the options of a node; and whether the keys that --join names are let in.
std::optional<Error> take_keys(const Arguments& arguments, node::Options& options);
std::optional<Error> check_joins(const Arguments& arguments, const node::Options& options);
std::vector<Option> key_options();

}  // namespace grapevine::cli
