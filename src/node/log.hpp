#pragma once

#include <functional>
#include <string>

namespace grapevine::node {

// Lines for people, on stderr: "12:04:31.207 INFO  gossip   mixed with gpu-b ...".
enum class Level { info, warn, error };
const char* word(Level level);  // "INFO"
void log(Level level, const char* area, const std::string& text);
void log_only_warnings();

// Called with each line as well; from the loop's thread, as the lines come. Empty: no more.
void listen_to_log(std::function<void(Level, const char* area, const std::string& text)> listener);
// Not told to the listener, who knows it already.
void log_unheard(Level level, const char* area, const std::string& text);

}  // namespace grapevine::node
