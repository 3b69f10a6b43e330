#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "grapevine/record/sample.hpp"

namespace grapevine::node {

// Lines on stderr: for people, "12:04:31.207 INFO  gossip   mixed with gpu-b ...", or for programs, with the same words and what an event holds.
enum class Level { debug, info, warn, error };
const char* word(Level level);  // "INFO"

// Before the first line. `format`: "pretty", "logfmt", "json"; `least`: "debug", "info", "warn", "error". The node's name stands in what programs read.
void set_log(const std::string& format, const std::string& least, const std::string& node);
void log(Level level, const char* area, const std::string& text);
void set_offset(std::optional<double> ahead);  // of the others' clocks, s: stands in what programs read from here on

// Called with each line as well; from the loop's thread, as the lines come. Empty: no more.
void listen_to_log(std::function<void(Level, const char* area, const std::string& text)> listener);
// Not told to the listener, who knows it already. `event`: what it is about, where that is an event.
void log_unheard(Level level, const char* area, const std::string& text, const record::RunEvent* event = nullptr);

// A line as it is written, without its end; `time` in seconds since 1970, `offset` in seconds.
std::string logfmt_line(double time, std::optional<double> offset, const std::string& node, Level level, const char* area, const std::string& text, const record::RunEvent* event);
std::string json_line(double time, std::optional<double> offset, const std::string& node, Level level, const char* area, const std::string& text, const record::RunEvent* event);
std::string rfc3339(double time);  // "2026-11-22T13:04:31.207+01:00", in this machine's zone

}  // namespace grapevine::node
