#pragma once

#include <string>

namespace grapevine::config {

// What may stand before ":" and "[" in a selection: letters, digits, "-", "_", ".".
bool is_group_name(const std::string& name);

// The shortest text that reads as the same number, and as no integer.
std::string format_number(double value);

}  // namespace grapevine::config
