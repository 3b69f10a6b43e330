#pragma once

#include "grapevine/config/config.hpp"
#include "grapevine/random.hpp"
#include "grapevine/sim/world.hpp"

namespace grapevine::sim {

// What a liar sends in place of its parameters, in the encoding they have:
//   random     normal draws, with the root mean square of what it should have sent
//   sign_flip  the same with the sign turned
//   huge       a million times as much
//   no_number  NaN in place of each value
World::Lie lie_of(config::Event::Sends sends, Random random);

}  // namespace grapevine::sim
