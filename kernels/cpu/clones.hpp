#pragma once

// In front of a function: it is compiled for three generations of processors and the best is taken when the
// program is loaded. meson.build says whether compiler and processor can; without, there is one version.
#ifdef GRAPEVINE_CLONES
#define GRAPEVINE_FOR_EVERY_PROCESSOR \
    __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define GRAPEVINE_FOR_EVERY_PROCESSOR
#endif
