#pragma once

#include <string>
#include <vector>

#include "arguments.hpp"
#include "grapevine/node/sources.hpp"

namespace grapevine::cli {

// One line of `grapevine doctor`.
struct Finding {
    std::string what;
    enum class How { good, note, bad } how;
    std::string is, advice;
};

// Of --join: what each source says now.
std::vector<Finding> looked_up(const std::vector<node::Source>& sources);

// Of --peer: whether a newcomer could join there, on both planes.
std::vector<Finding> visited(const node::Address& whom);

}  // namespace grapevine::cli
