#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "cublasLt.h"
#include "emulated.hpp"
#include "fibers.hpp"
#include "runtime.hpp"

// Products in plain loops with sums in double. Each takes two jobs that share the workspace: two products that ran side by side
// in one workspace would find the other's mark.
namespace emulated {
namespace {

bool epilogues_refused = false;
std::uint64_t serial = 0;

bool transposed(cublasOperation_t op) { return op == CUBLAS_OP_T; }
std::size_t bytes_of(cudaDataType_t type) { return type == CUDA_R_32F ? 4 : 2; }

float load(const void* data, cudaDataType_t type, std::int64_t at) {
    if (type == CUDA_R_32F) return static_cast<const float*>(data)[at];
    const std::uint32_t bits = std::uint32_t{static_cast<const std::uint16_t*>(data)[at]} << 16;
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}
void store(void* data, cudaDataType_t type, std::int64_t at, float value) {
    if (type == CUDA_R_32F) {
        static_cast<float*>(data)[at] = value;
        return;
    }
    std::uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    const bool no_number = value != value;
    static_cast<std::uint16_t*>(data)[at] = static_cast<std::uint16_t>(no_number ? 0x7fff : (bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

// Elements from the first to the last.
std::size_t extent(const LtLayout& l) {
    return static_cast<std::size_t>((l.batch - 1) * l.stride + static_cast<std::int64_t>(l.columns - 1) * l.leading) + l.rows;
}

struct Product {
    LtMatmulDesc desc;
    LtLayout a, b, c, d;
    float alpha, beta;
    const void *pa, *pb, *pc;
    void* pd;

    std::uint64_t k() const { return transposed(desc.transpose_a) ? a.rows : a.columns; }
    bool consistent() const {
        const std::uint64_t m = transposed(desc.transpose_a) ? a.columns : a.rows, n = transposed(desc.transpose_b) ? b.rows : b.columns;
        const std::uint64_t kb = transposed(desc.transpose_b) ? b.columns : b.rows;
        for (const LtLayout* l : {&a, &b, &c, &d})
            if (l->rows == 0 || l->columns == 0 || l->leading < static_cast<std::int64_t>(l->rows) || l->batch < 1 || l->batch != a.batch) return false;
        return kb == k() && d.rows == m && d.columns == n && c.rows == m && c.columns == n && c.type == d.type && a.type == b.type &&
               (a.type == CUDA_R_16BF || d.type == CUDA_R_32F);
    }

    void run() const {
        for (std::int64_t i = 0; i < a.batch; ++i) {
            const auto at = [](std::int64_t row, std::int64_t column, const LtLayout& l, bool t) { return t ? row * l.leading + column : column * l.leading + row; };
            const auto K = static_cast<std::int64_t>(k());
            for (std::int64_t col = 0; col < static_cast<std::int64_t>(d.columns); ++col)
                for (std::int64_t row = 0; row < static_cast<std::int64_t>(d.rows); ++row) {
                    double sum = 0;
                    for (std::int64_t p = 0; p < K; ++p)
                        sum += static_cast<double>(load(pa, a.type, i * a.stride + at(row, p, a, transposed(desc.transpose_a)))) *
                               load(pb, b.type, i * b.stride + at(p, col, b, transposed(desc.transpose_b)));
                    double value = alpha * sum;
                    if (beta != 0) value += beta * static_cast<double>(load(pc, c.type, i * c.stride + col * c.leading + row));
                    if (desc.epilogue == CUBLASLT_EPILOGUE_BIAS || desc.epilogue == CUBLASLT_EPILOGUE_RELU_BIAS) value += load(desc.bias, d.type, row);
                    if (desc.epilogue == CUBLASLT_EPILOGUE_RELU_BIAS && value < 0) value = 0;
                    store(pd, d.type, i * d.stride + col * d.leading + row, static_cast<float>(value));
                }
            if (desc.epilogue == CUBLASLT_EPILOGUE_BGRADA)
                for (std::int64_t row = 0; row < static_cast<std::int64_t>(d.rows); ++row) {
                    double sum = 0;
                    for (std::int64_t p = 0; p < K; ++p) sum += load(pa, a.type, at(row, p, a, transposed(desc.transpose_a)));
                    store(desc.bias, d.type, row, static_cast<float>(sum));
                }
        }
    }
};

}  // namespace

void refuse_epilogues(bool refuse) { epilogues_refused = refuse; }

}  // namespace emulated

using namespace emulated;

const char* cublasLtGetStatusString(cublasStatus_t status) {
    switch (status) {
        case CUBLAS_STATUS_SUCCESS: return "success";
        case CUBLAS_STATUS_NOT_INITIALIZED: return "the library was not initialized";
        case CUBLAS_STATUS_INVALID_VALUE: return "an unsupported value or parameter was passed to the function";
        case CUBLAS_STATUS_EXECUTION_FAILED: return "the GPU program failed to execute";
        case CUBLAS_STATUS_NOT_SUPPORTED: return "the functionality requested is not supported";
    }
    return "unknown";
}
cublasStatus_t cublasLtCreate(cublasLtHandle_t* handle) {
    const std::lock_guard lock(mutex());
    if (begun()) return CUBLAS_STATUS_NOT_INITIALIZED;
    *handle = new LtHandle;
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle) {
    delete handle;
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t* desc, cublasComputeType_t compute, cudaDataType_t scale) {
    if (compute != CUBLAS_COMPUTE_32F || scale != CUDA_R_32F) return CUBLAS_STATUS_NOT_SUPPORTED;
    *desc = new LtMatmulDesc;
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t desc) {
    delete desc;
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t desc, cublasLtMatmulDescAttributes_t what, const void* value, std::size_t bytes) {
    const auto put = [&](auto& to) {
        if (bytes != sizeof to) return CUBLAS_STATUS_INVALID_VALUE;
        std::memcpy(&to, value, bytes);
        return CUBLAS_STATUS_SUCCESS;
    };
    switch (what) {
        case CUBLASLT_MATMUL_DESC_TRANSA: return put(desc->transpose_a);
        case CUBLASLT_MATMUL_DESC_TRANSB: return put(desc->transpose_b);
        case CUBLASLT_MATMUL_DESC_EPILOGUE: return put(desc->epilogue);
        case CUBLASLT_MATMUL_DESC_BIAS_POINTER: return put(desc->bias);
        case CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE: return put(desc->bias_type);
    }
    return CUBLAS_STATUS_INVALID_VALUE;
}
cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t* layout, cudaDataType_t type, std::uint64_t rows, std::uint64_t columns, std::int64_t leading) {
    *layout = new LtLayout{type, rows, columns, leading};
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout) {
    delete layout;
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatrixLayoutSetAttribute(cublasLtMatrixLayout_t layout, cublasLtMatrixLayoutAttribute_t what, const void* value, std::size_t bytes) {
    void* const to = what == CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT ? static_cast<void*>(&layout->batch) : &layout->stride;
    if (bytes != (what == CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT ? sizeof layout->batch : sizeof layout->stride)) return CUBLAS_STATUS_INVALID_VALUE;
    std::memcpy(to, value, bytes);
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t* preference) {
    *preference = new LtPreference;
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference) {
    delete preference;
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t preference, cublasLtMatmulPreferenceAttributes_t what, const void* value, std::size_t bytes) {
    if (what == CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES) {
        if (bytes != sizeof preference->workspace) return CUBLAS_STATUS_INVALID_VALUE;
        std::memcpy(&preference->workspace, value, bytes);
        return CUBLAS_STATUS_SUCCESS;
    }
    std::uint32_t& alignment = preference->alignment[what - CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES];
    if (bytes != sizeof alignment) return CUBLAS_STATUS_INVALID_VALUE;
    std::memcpy(&alignment, value, bytes);
    return CUBLAS_STATUS_SUCCESS;
}

// An algorithm here is the alignments it was chosen for: it refuses worse ones.
cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t, cublasLtMatmulDesc_t desc, cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t c,
                                              cublasLtMatrixLayout_t d, cublasLtMatmulPreference_t preference, int wanted, cublasLtMatmulHeuristicResult_t* results, int* found) {
    const std::lock_guard lock(mutex());
    *found = 0;
    if (begun()) return CUBLAS_STATUS_EXECUTION_FAILED;
    const Product product{*desc, *a, *b, *c, *d, 1, 0, nullptr, nullptr, nullptr, nullptr};
    if (!product.consistent()) return CUBLAS_STATUS_INVALID_VALUE;
    if (desc->epilogue != CUBLASLT_EPILOGUE_DEFAULT && (epilogues_refused || a->batch != 1)) return CUBLAS_STATUS_NOT_SUPPORTED;
    if (desc->epilogue == CUBLASLT_EPILOGUE_BGRADA && !desc->bias) return CUBLAS_STATUS_INVALID_VALUE;
    for (const std::size_t workspace : {std::size_t{0}, std::size_t{4096}}) {
        if (*found >= wanted || workspace > preference->workspace) break;
        cublasLtMatmulHeuristicResult_t& r = results[(*found)++];
        r = {};
        for (int i = 0; i < 4; ++i) r.algo.data[i] = preference->alignment[i];
        r.algo.data[4] = r.workspaceSize = workspace;
        r.state = CUBLAS_STATUS_SUCCESS;
    }
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t, cublasLtMatmulDesc_t desc, const void* alpha, const void* a, cublasLtMatrixLayout_t a_layout, const void* b,
                              cublasLtMatrixLayout_t b_layout, const void* beta, const void* c, cublasLtMatrixLayout_t c_layout, void* d, cublasLtMatrixLayout_t d_layout,
                              const cublasLtMatmulAlgo_t* algo, void* workspace, std::size_t workspace_bytes, cudaStream_t stream) {
    const std::lock_guard lock(mutex());
    if (begun()) return CUBLAS_STATUS_EXECUTION_FAILED;
    const Product product{*desc, *a_layout, *b_layout, *c_layout, *d_layout, *static_cast<const float*>(alpha), *static_cast<const float*>(beta), a, b, c, d};
    if (!product.consistent() || !algo) return CUBLAS_STATUS_INVALID_VALUE;
    const auto fits = [](const void* data, const LtLayout& l, std::uint64_t alignment) {
        return reinterpret_cast<std::uintptr_t>(data) % alignment == 0 && on_device(data, extent(l) * bytes_of(l.type));
    };
    if (!fits(a, *a_layout, algo->data[0]) || !fits(b, *b_layout, algo->data[1]) || !fits(c, *c_layout, algo->data[2]) || !fits(d, *d_layout, algo->data[3]))
        return CUBLAS_STATUS_INVALID_VALUE;
    if (desc->epilogue != CUBLASLT_EPILOGUE_DEFAULT && !on_device(desc->bias, d_layout->rows * bytes_of(d_layout->type))) return CUBLAS_STATUS_INVALID_VALUE;
    const std::size_t needed = algo->data[4];
    if (needed > workspace_bytes || (needed > 0 && !on_device(workspace, needed))) return CUBLAS_STATUS_INVALID_VALUE;
    auto* const mark = needed > 0 ? static_cast<std::uint64_t*>(workspace) : nullptr;
    const std::uint64_t ours = ++serial;
    if (mark) add([=] { *mark = ours; }, stream);
    add([=] {
        if (mark && *mark != ours) {
            std::fprintf(stderr, "cuda emulated on the host: two products share a workspace at the same time\n");
            std::abort();
        }
        product.run();
    }, stream);
    return CUBLAS_STATUS_SUCCESS;
}
