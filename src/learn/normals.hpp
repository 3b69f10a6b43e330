#pragma once

#include <span>

#include "grapevine/random.hpp"

namespace grapevine::learn {

// What `x = float(deviation * random.normal())` for each in turn makes, to the bit, several times as fast: a large model has
// a hundred million parameters to begin with.
void draw_normals(std::span<float> to, double deviation, Random& random);

}  // namespace grapevine::learn
