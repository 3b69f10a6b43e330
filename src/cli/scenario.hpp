#pragma once

#include "arguments.hpp"

namespace grapevine::cli {

// Options that change what a run's file says. Node, sim and compare share them.
std::vector<Option> run_options();

// The file (or without one, the defaults) with what was typed on top, checked.
std::variant<config::Config, Error> read_run(const std::string& path, const Arguments& arguments);

// An exchange by its name; an Error that says which are known. One list for --exchange and --against.
std::variant<config::ExchangeKind, Error> exchange_kind(const std::string& name);

// What a file without [[group]] has: four of the default kind.
config::Group default_group();

// `config` with its groups scaled to `peers` in all, by largest remainder; each group keeps one at least.
void scale_groups(config::Config& config, std::uint32_t peers);

}  // namespace grapevine::cli
