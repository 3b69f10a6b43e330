#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "arguments.hpp"
#include "grapevine/node/node.hpp"

namespace grapevine::cli {

std::optional<std::string> variable(const char* name);  // of our environment

// The sources in some words with commas between them. `what` names them in the error: "--join". `port`: the first task's, of a
// Slurm job's hosts.
std::variant<std::vector<node::Source>, Error> sources(const std::string& what, const std::vector<std::string>& words, std::uint16_t port = node::default_port);

// --join, and with it the ports and the default name of a node that is one of several started by one line: o.joins,
// ports (each node of a machine takes three), and o.name where one is in the place's number. Before --status is read.
std::optional<Error> join_with(const Arguments& arguments, node::Options& o);

// Nobody was there before us who could say what is trained: the tasks of a job all have the same line.
bool begins_itself(const std::vector<node::Source>& joins);

}  // namespace grapevine::cli
