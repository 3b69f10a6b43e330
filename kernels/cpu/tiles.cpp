#include "tiles.hpp"

#include "clones.hpp"
#include "vectors.hpp"

// A tile of c is kept in registers while its sums are made, and no operand is packed: a number of a is spread over a register, b's
// rows are read as they lie. How large a tile may be depends on the registers there are: 32 of 16 floats with AVX-512, 16 of 8 with
// AVX2, 16 of 4 before; two additions start in each cycle and take four, so eight sums or more must be under way.
namespace grapevine::kernels {
namespace {

GRAPEVINE_INLINE void finish(const Tiles& t, std::size_t i, std::size_t j, std::size_t rows, std::size_t vectors, const float* sums) {
    const Vector zero = {};
    for (std::size_t r = 0; r < rows; ++r)
        for (std::size_t v = 0; v < vectors; ++v, sums += lanes) {
            const std::size_t column = j + v * lanes, at = (i + r) * t.c_row + column;
            if (column >= t.n) continue;
            Vector sum = t.alpha * load(sums);
            if (column + lanes <= t.n) {
                if (t.add) sum += load(t.c + at);
                if (t.biases) sum += load(t.biases + column);
                if (t.relu) sum = sum < zero ? zero : sum;
                if (t.mask) sum = load(t.mask + at) == zero ? zero : sum;
                store(t.c + at, sum);
            } else {
                const std::size_t count = t.n - column;
                if (t.add) sum += load(t.c + at, count);
                if (t.biases) sum += load(t.biases + column, count);
                if (t.relu) sum = sum < zero ? zero : sum;
                if (t.mask) sum = load(t.mask + at, count) == zero ? zero : sum;
                store(t.c + at, sum, count);
            }
        }
}

template <int rows, int vectors>
GRAPEVINE_INLINE void tile(const Tiles& t, std::size_t i, std::size_t j) {
    Vector sums[rows][vectors] = {};
    for (std::size_t o = 0; o < t.outer; ++o) {
        const float *a = t.a + i * t.a_row + o * t.a_outer, *b = t.b + o * t.b_outer + j;
        for (std::size_t p = 0; p < t.inner; ++p, a += t.a_inner, b += t.b_inner) {
            Vector row[vectors];
#pragma GCC unroll 8
            for (int v = 0; v < vectors; ++v) row[v] = load(b + v * lanes);
#pragma GCC unroll 32
            for (int r = 0; r < rows; ++r) {
                const float x = a[r * t.a_row];
#pragma GCC unroll 8
                for (int v = 0; v < vectors; ++v) sums[r][v] += x * row[v];
            }
        }
    }
    if (t.plain() && j + vectors * lanes <= t.n) {
#pragma GCC unroll 32
        for (int r = 0; r < rows; ++r)
#pragma GCC unroll 8
            for (int v = 0; v < vectors; ++v) store(t.c + (i + r) * t.c_row + j + v * lanes, sums[r][v]);
        return;
    }
    alignas(64) float held[rows * vectors * lanes];  // for what follows is branches and would keep the sums out of registers above
#pragma GCC unroll 32
    for (int r = 0; r < rows; ++r)
#pragma GCC unroll 8
        for (int v = 0; v < vectors; ++v) store(held + (r * vectors + v) * lanes, sums[r][v]);
    finish(t, i, j, rows, vectors, held);
}

template <int rows, int vectors>
GRAPEVINE_INLINE void tiles(const Tiles& t, std::size_t& i, std::size_t j) {
    for (; i + rows <= t.m; i += rows) tile<rows, vectors>(t, i, j);
}

}  // namespace

#ifdef GRAPEVINE_CLONES

__attribute__((target("arch=x86-64-v4"))) static void multiply_here(const Tiles& t) {
    std::size_t j = 0;
    for (; j + 3 * lanes < t.n; j += 4 * lanes) {
        std::size_t i = 0;
        tiles<6, 4>(t, i, j);
        tiles<4, 4>(t, i, j);
        tiles<2, 4>(t, i, j);
        tiles<1, 4>(t, i, j);
    }
    for (; j + lanes < t.n; j += 2 * lanes) {
        std::size_t i = 0;
        tiles<12, 2>(t, i, j);
        tiles<6, 2>(t, i, j);
        tiles<4, 2>(t, i, j);
        tiles<3, 2>(t, i, j);
        tiles<1, 2>(t, i, j);
    }
    for (; j < t.n; j += lanes) {
        std::size_t i = 0;
        tiles<24, 1>(t, i, j);
        tiles<12, 1>(t, i, j);
        tiles<4, 1>(t, i, j);
        tiles<1, 1>(t, i, j);
    }
}

__attribute__((target("arch=x86-64-v3"))) static void multiply_here(const Tiles& t) {
    for (std::size_t j = 0; j < t.n; j += lanes) {
        std::size_t i = 0;
        tiles<6, 1>(t, i, j);
        tiles<3, 1>(t, i, j);
        tiles<1, 1>(t, i, j);
    }
}

__attribute__((target("default")))
#endif
static void multiply_here(const Tiles& t) {
    for (std::size_t j = 0; j < t.n; j += lanes) {
        std::size_t i = 0;
        tiles<2, 1>(t, i, j);
        tiles<1, 1>(t, i, j);
    }
}

void multiply(const Tiles& t) { multiply_here(t); }

}  // namespace grapevine::kernels
