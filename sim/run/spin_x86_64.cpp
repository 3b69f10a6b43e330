#include "spin.hpp"

namespace grapevine::sim {

void spin() { __builtin_ia32_pause(); }

}  // namespace grapevine::sim
