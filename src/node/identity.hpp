#pragma once

#include <cstdint>
#include <string>

namespace grapevine::node {

// A name that was chosen is an identity: a process that starts under it is the one before it, started anew. Which of
// two is the later one, its generation says: milliseconds since 1970, and more than that of the run before, of which
// DIR/identity tells; a clock that was set back must not make us older than ourselves. (Where there is no DIR,
// membership takes a higher one as soon as it hears of the run before.)
std::uint64_t next_generation(const std::string& directory, const std::string& name);
void keep_generation(const std::string& directory, const std::string& name, std::uint64_t generation);

}  // namespace grapevine::node
