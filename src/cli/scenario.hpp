#pragma once

#include "arguments.hpp"

namespace grapevine::cli {

// Options that change what a run's file says. Node, sim and compare share them.
std::vector<Option> run_options();

// The file (or without one, the defaults) with what was typed on top, checked.
std::variant<config::Config, Error> read_run(const std::string& path, const Arguments& arguments);

// `config` with its groups scaled to `peers` in all, by largest remainder; each group keeps one at least.
void scale_groups(config::Config& config, std::uint32_t peers);

}  // namespace grapevine::cli
