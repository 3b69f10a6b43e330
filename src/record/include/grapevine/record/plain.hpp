#pragma once

#include <string>

namespace grapevine::record {

// What others have said, as it may be shown in a terminal or stand in a line of log: a question mark for whatever would move the cursor, turn the direction of
// writing, hide, or is no UTF-8.
std::string plain(const std::string& text);

}  // namespace grapevine::record
