#pragma once

// In front of a function that those of clones.hpp are made of: it becomes part of each of their versions.
#define GRAPEVINE_INLINE inline __attribute__((always_inline))
