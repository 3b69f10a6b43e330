#pragma once

#include "document.hpp"

namespace grapevine::config {

// As it would stand in a file.
std::string text_of(const Value& value);

// Puts the setting into the tree; whether anybody knows such a key is for those to say who read the tree.
void lay_over(Table& table, const Setting& setting, Reading& reading);

}  // namespace grapevine::config
