#pragma once

#include <atomic>

namespace grapevine::cli {

// The first ^C (or SIGTERM) sets a flag, the second ends the program with status 130.
const std::atomic<bool>& stop_on_interrupt();

}  // namespace grapevine::cli
