#pragma once

#include <cstddef>
#include <string>
#include <variant>

#include "grapevine/learn/dataset.hpp"

namespace grapevine::learn {

inline constexpr std::size_t kjv_bytes = 4'298'239;

// The King James Bible as the program of Debian's package bible-kjv prints it: chapters with a heading each, verses with their numbers, in
// lines of 79. With a directory its file kjv.txt, which holds the same.
std::variant<std::string, Error> read_kjv(const std::string& directory);

// The same without the headings, which stand between two empty lines. Words may be told apart in what is left.
std::string without_headings(const std::string& printed);

}  // namespace grapevine::learn
