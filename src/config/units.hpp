#pragma once

#include <string>

namespace grapevine::config {

// What may stand before ":" and "[" in a selection: letters, digits, "-", "_", ".".
bool is_group_name(const std::string& name);

// A text as it stands in a file.
std::string quote(const std::string& text);

// The shortest text that reads as the same number, and as no integer.
std::string format_number(double value);

}  // namespace grapevine::config
