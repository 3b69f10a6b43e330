#pragma once

#include <functional>

#include "grapevine/record/sample.hpp"

namespace grapevine::record {

// Lines by number, from 1. A last line that was cut may be wrong: it is left out.
std::optional<Error> each_line(const std::string& path, const std::function<std::optional<Error>(const std::string&, std::size_t)>& read);
std::variant<std::string, Error> whole_file(const std::string& path);

}  // namespace grapevine::record
