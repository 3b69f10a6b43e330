#include <algorithm>
#include <cstring>
#include <memory>

#include "clones.hpp"
#include "products.hpp"

// A product as in Goto and van de Geijn (2008), no more than needed: blocks of b that stay in the second-level
// cache are packed into strips of 16 columns, blocks of a into strips of 6 rows, and the kernel keeps a tile of
// 6 x 16 sums in registers (12 of the 16 that AVX2 has).
namespace grapevine::kernels {
namespace {

constexpr std::size_t rows = 6, columns = 16;
constexpr std::size_t block_k = 256, block_m = 16 * rows, block_n = 32 * columns;

using Row = float __attribute__((vector_size(columns * sizeof(float)), aligned(4), may_alias));

// tile (rows, columns) = the product of two strips, k deep.
GRAPEVINE_FOR_EVERY_PROCESSOR
void multiply_strips(std::size_t k, const float* a, const float* b, float* tile) {
    Row sum0{}, sum1{}, sum2{}, sum3{}, sum4{}, sum5{};
    for (std::size_t p = 0; p < k; ++p, a += rows, b += columns) {
        const Row row = *reinterpret_cast<const Row*>(b);
        sum0 += a[0] * row;
        sum1 += a[1] * row;
        sum2 += a[2] * row;
        sum3 += a[3] * row;
        sum4 += a[4] * row;
        sum5 += a[5] * row;
    }
    auto* out = reinterpret_cast<Row*>(tile);
    out[0] = sum0;
    out[1] = sum1;
    out[2] = sum2;
    out[3] = sum3;
    out[4] = sum4;
    out[5] = sum5;
}

// Lays a block (count, k) of a matrix as strips of `width`, each (k, width), the last filled up with zeros.
// Element (i, p) of the block lies at from[i * across + p * along].
void pack(const float* from, std::size_t across, std::size_t along, std::size_t count, std::size_t k,
          std::size_t width, float* to) {
    for (std::size_t strip = 0; strip < count; strip += width) {
        const std::size_t filled = std::min(width, count - strip);
        for (std::size_t p = 0; p < k; ++p, to += width) {
            const float* source = from + strip * across + p * along;
            if (across == 1 && filled == width)
                std::memcpy(to, source, width * sizeof(float));
            else
                for (std::size_t i = 0; i < width; ++i) to[i] = i < filled ? source[i * across] : 0;
        }
    }
}

// c += alpha * tile, as far as c goes.
void add(const float* tile, float alpha, std::size_t m, std::size_t n, float* c, std::size_t stride) {
    for (std::size_t i = 0; i < m; ++i)
        for (std::size_t j = 0; j < n; ++j) c[i * stride + j] += alpha * tile[i * columns + j];
}

struct Strips {
    float a[block_m * block_k], b[block_n * block_k];
};

}  // namespace

void own_gemm(const Gemm& s, const float* a, const float* b, float* c) {
    for (std::size_t i = 0; i < s.m * s.n; ++i) c[i] = s.beta == 0 ? 0 : s.beta * c[i];

    static thread_local const auto strips = std::make_unique<Strips>();  // 600 KiB, too much for a stack
    const std::size_t a_across = s.transpose_a ? 1 : s.k, a_along = s.transpose_a ? s.m : 1;
    const std::size_t b_across = s.transpose_b ? s.k : 1, b_along = s.transpose_b ? 1 : s.n;
    alignas(64) float tile[rows * columns];
    for (std::size_t p = 0; p < s.k; p += block_k) {
        const std::size_t k = std::min(block_k, s.k - p);
        for (std::size_t j = 0; j < s.n; j += block_n) {
            const std::size_t n = std::min(block_n, s.n - j);
            pack(b + j * b_across + p * b_along, b_across, b_along, n, k, columns, strips->b);
            for (std::size_t i = 0; i < s.m; i += block_m) {
                const std::size_t m = std::min(block_m, s.m - i);
                pack(a + i * a_across + p * a_along, a_across, a_along, m, k, rows, strips->a);
                for (std::size_t jj = 0; jj < n; jj += columns)
                    for (std::size_t ii = 0; ii < m; ii += rows) {
                        multiply_strips(k, strips->a + ii * k, strips->b + jj * k, tile);
                        add(tile, s.alpha, std::min(rows, m - ii), std::min(columns, n - jj),
                            c + (i + ii) * s.n + j + jj, s.n);
                    }
            }
        }
    }
}

}  // namespace grapevine::kernels
