#pragma once

#include <string>

#include "arguments.hpp"

namespace grapevine::cli {

// Results go to stdout; all this goes to stderr.

// "grapevine: what", and the hint below it. Returns `code`, for `return complain(...)`.
int complain(const Error& error, int code);

// What came from the network, shown without what would move a terminal's cursor.
std::string plain(std::string text);

bool colour();         // stderr is a terminal and NO_COLOR is not set
bool live();           // a line may be redrawn

// One line that is redrawn in a terminal; elsewhere printed anew every ten seconds.
class ProgressLine {
public:
    ~ProgressLine() { clear(); }
    void show(const std::string& text);
    void clear();

private:
    bool drawn_ = false;
    double printed_at_ = -1e9;
};

}  // namespace grapevine::cli
