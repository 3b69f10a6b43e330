#pragma once

#include <string>
#include <variant>

#include "grapevine/learn/dataset.hpp"

namespace grapevine::learn {

// The King James Bible, a verse a line, without chapter and verse: what the program of Debian's package bible-kjv prints. With a
// directory its file kjv.txt, which has the same lines.
std::variant<std::string, Error> read_kjv(const std::string& directory);

}  // namespace grapevine::learn
