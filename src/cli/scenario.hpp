#pragma once

#include "arguments.hpp"

namespace grapevine::cli {

// Options that change what a run's file says. Node, sim and compare share them.
std::vector<Option> run_options();

// --set and --sweep, for the verbs that know what a sweep is.
std::vector<Option> sweep_options();

// The file (or without one, the defaults) with what was typed on top, checked. `settings` are laid over the file
// after those of --set. `batch_auto`: --batch says "auto", which the caller sees to.
std::variant<config::Config, Error> read_run(const std::string& path, const Arguments& arguments, const std::vector<config::Setting>& settings = {}, bool batch_auto = false);

// A scenario at each point of its sweep: what is run, each with no sweep of its own and with those of its expectations
// that one run can meet. All are read before the first is run. `whole` is the scenario as read_run gave it.
struct Scenario {
    config::Point point;
    config::Config config;
};
std::variant<std::vector<Scenario>, Error> scenarios(const std::string& path, const Arguments& arguments, const config::Config& whole);

// An exchange by its name; an Error that says which are known. One list for --exchange and --against.
std::variant<config::ExchangeKind, Error> exchange_kind(const std::string& name);

// What a file without [[group]] has: four of the default kind.
config::Group default_group();

// `config` with its groups scaled to `peers` in all, by largest remainder; each group keeps one at least.
void scale_groups(config::Config& config, std::uint32_t peers);

}  // namespace grapevine::cli
