#include "spin.hpp"

namespace grapevine::sim {

void spin() {}

}  // namespace grapevine::sim
