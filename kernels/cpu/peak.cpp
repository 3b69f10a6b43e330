#include "clones.hpp"
#include "grapevine/kernels/cpu.hpp"
#include "vectors.hpp"

// Sums in registers and nothing else: as many as there is room for, so that each cycle starts all the additions it can.
namespace grapevine::kernels {
namespace {

template <int sums>
GRAPEVINE_INLINE std::uint64_t turn(std::uint64_t turns, float factor, float* out) {
    Vector held[sums], x = Vector{} + factor, y = Vector{} + (1 - factor);
#pragma GCC unroll 16
    for (int s = 0; s < sums; ++s) held[s] = Vector{} + static_cast<float>(s);  // each another: of equal ones a compiler makes one
    for (std::uint64_t i = 0; i < turns; ++i) {
#pragma GCC unroll 16
        for (int s = 0; s < sums; ++s) held[s] = held[s] * x + y;
    }
    Vector all = {};
#pragma GCC unroll 16
    for (int s = 0; s < sums; ++s) all += held[s];
    store(out, all);
    return turns * sums * lanes * 2;
}

#ifdef GRAPEVINE_CLONES
__attribute__((target("arch=x86-64-v4"))) std::uint64_t turn_here(std::uint64_t turns, float factor, float* out) { return turn<12>(turns, factor, out); }
__attribute__((target("arch=x86-64-v3"))) std::uint64_t turn_here(std::uint64_t turns, float factor, float* out) { return turn<6>(turns, factor, out); }
__attribute__((target("default")))
#endif
std::uint64_t turn_here(std::uint64_t turns, float factor, float* out) { return turn<3>(turns, factor, out); }

}  // namespace

std::uint64_t fill_registers(std::uint64_t turns) {
    static volatile float factor = 0.5f;
    [[maybe_unused]] static volatile float sink;
    float out[lanes];
    const std::uint64_t operations = turn_here(turns, factor, out);
    sink = out[0];
    return operations;
}

}  // namespace grapevine::kernels
