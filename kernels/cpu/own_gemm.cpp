#include <algorithm>
#include <cstring>

#include "clones.hpp"
#include "memory.hpp"
#include "products.hpp"
#include "tiles.hpp"
#include "vectors.hpp"

// A product as in Goto and van de Geijn (2008), no more than needed: blocks of b that stay in the second-level cache are packed into
// panels of 64 columns, a is read as it lies, and tiles.cpp does the rest.
namespace grapevine::kernels {
namespace {

constexpr std::size_t panel = 64, block_k = 256, block_m = 240, block_n = 8 * panel;

// Panels (k, panel) of a block (k, n) of b, the last filled up with zeros to whole vectors.
GRAPEVINE_FOR_EVERY_PROCESSOR
void pack(const float* b, std::size_t stride, std::size_t k, std::size_t n, float* to) {
    for (std::size_t j = 0; j < n; j += panel) {
        const std::size_t filled = std::min(panel, n - j), width = whole_vectors(filled);
        for (std::size_t p = 0; p < k; ++p, to += panel) {
            const float* const row = b + p * stride + j;
            if (filled == panel) {
                for (std::size_t i = 0; i < panel; ++i) to[i] = row[i];
            } else {
                for (std::size_t i = 0; i < filled; ++i) to[i] = row[i];
                for (std::size_t i = filled; i < width; ++i) to[i] = 0;
            }
        }
    }
}

// The same of a b that lies transposed, (n, k) with rows of `stride`: by squares of 16 x 16, which a few pages hold.
GRAPEVINE_FOR_EVERY_PROCESSOR
void pack_transposed(const float* b, std::size_t stride, std::size_t k, std::size_t n, float* to) {
    for (std::size_t j = 0; j < n; j += panel, to += k * panel) {
        const std::size_t filled = std::min(panel, n - j), width = whole_vectors(filled);
        for (std::size_t i = 0; i < width; i += lanes)
            for (std::size_t begin = 0; begin < k; begin += lanes) {
                const std::size_t end = std::min(k, begin + lanes);
                if (i + lanes <= filled) {
                    for (std::size_t p = begin; p < end; ++p)
                        for (std::size_t l = 0; l < lanes; ++l) to[p * panel + i + l] = b[(j + i + l) * stride + p];
                } else {
                    for (std::size_t p = begin; p < end; ++p)
                        for (std::size_t l = 0; l < lanes; ++l) to[p * panel + i + l] = i + l < filled ? b[(j + i + l) * stride + p] : 0;
                }
            }
    }
}

}  // namespace

void own_gemm(const Gemm& s, const float* a, const float* b, float* c) {
    if (s.beta != 0 && s.beta != 1)
        for (std::size_t i = 0; i < s.m * s.n; ++i) c[i] *= s.beta;
    static thread_local Workspace workspace;
    float* const packed = workspace.floats(block_k * block_n);
    for (std::size_t p = 0; p < s.k; p += block_k) {
        const std::size_t k = std::min(block_k, s.k - p);
        for (std::size_t j = 0; j < s.n; j += block_n) {
            const std::size_t n = std::min(block_n, s.n - j);
            s.transpose_b ? pack_transposed(b + j * s.k + p, s.k, k, n, packed) : pack(b + p * s.n + j, s.n, k, n, packed);
            for (std::size_t i = 0; i < s.m; i += block_m)
                for (std::size_t jj = 0; jj < n; jj += panel)
                    multiply({.m = std::min(block_m, s.m - i), .n = std::min(panel, n - jj), .inner = k,
                              .a = s.transpose_a ? a + p * s.m + i : a + i * s.k + p, .a_row = s.transpose_a ? 1 : s.k, .a_inner = s.transpose_a ? s.m : 1,
                              .b = packed + jj * k, .b_inner = panel, .c = c + i * s.n + j + jj, .c_row = s.n, .alpha = s.alpha, .add = p > 0 || s.beta != 0});
        }
    }
}

}  // namespace grapevine::kernels
