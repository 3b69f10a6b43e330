#pragma once

#include <string>

namespace grapevine::node {

// Lines for people, on stderr: "12:04:31.207 INFO  gossip   mixed with gpu-b ...".
enum class Level { info, warn, error };
void log(Level level, const char* area, const std::string& text);
void log_only_warnings();

}  // namespace grapevine::node
