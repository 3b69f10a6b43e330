#pragma once

#include <array>
#include <cassert>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "check.hpp"
#include "memory.hpp"

// Products by cuBLASLt, with what it can do on the way. For each shape descriptors, algorithm and workspace are chosen once, by
// timing the algorithms that the library thinks best.
namespace grapevine::kernels {

// c (m, n) = alpha op(a) op(b) + beta c, row-major; `batch` of them, `step` elements apart. op(a) is (m, k), op(b) is (k, n).
struct Product {
    struct Matrix {
        const void* data = nullptr;
        std::size_t leading = 0;  // elements from row to row as it lies
        bool transposed = false;
        std::int64_t step = 0;
    };
    // On the way: biases added to the columns of c, with ReLU or without; or the column sums of b, over its k rows.
    enum class Extra : std::uint8_t { none, bias, bias_relu, sums_of_b };

    std::size_t m = 0, n = 0, k = 0;
    Matrix a, b;
    Element of = Element::float32;  // a and b
    void* c = nullptr;
    std::size_t leading = 0;
    std::int64_t step = 0;
    Element to = Element::float32;  // c
    std::size_t batch = 1;
    float alpha = 1, beta = 0;
    Extra extra = Extra::none;
    const void* vector = nullptr;  // of n elements as c's: the biases, or where the sums go
};

class CudaProducts {
public:
    static constexpr std::size_t workspace_bytes = std::size_t{32} << 20;  // what NVIDIA advises for Hopper

    CudaProducts() { GRAPEVINE_CUDA(cublasLtCreate(&library_)); }
    CudaProducts(const CudaProducts&) = delete;
    CudaProducts& operator=(const CudaProducts&) = delete;
    ~CudaProducts() {
        plans_.clear();
        cublasLtDestroy(library_);
    }

    // False: the library has no such product with this extra, nothing was done. Each lane, a stream that works beside others, has a
    // workspace of its own. While `recording` nothing is timed.
    bool multiply(const Product& p, cudaStream_t stream, unsigned lane, bool recording) {
        assert(p.m > 0 && p.n > 0 && p.k > 0 && p.batch > 0 && lane < std::size(workspaces_));
        std::byte* const workspace = workspaces_[lane].size() || recording ? workspaces_[lane].data() : workspaces_[lane].get(workspace_bytes);
        const auto [found, fresh] = plans_.try_emplace(key(p));
        Plan& plan = found->second;
        if (fresh) {
            try {
                choose(plan, p, stream, workspace, recording);
            } catch (...) {
                plans_.erase(found);
                throw;
            }
        }
        if (!plan.possible) {
            if (p.extra == Product::Extra::none) fail("no algorithm for this product", "cublasLtMatmulAlgoGetHeuristic", __FILE__, __LINE__);
            return false;
        }
        run(plan, plan.algorithm, p, stream, workspace);
        return true;
    }

private:
    // cuBLASLt thinks in columns: row-major c = a b is its c' = b' a'. So its A is our b.
    struct Plan {
        cublasLtMatmulDesc_t how = nullptr;
        cublasLtMatrixLayout_t a = nullptr, b = nullptr, c = nullptr;
        cublasLtMatmulAlgo_t algorithm{};
        bool possible = false;

        Plan() = default;
        Plan(const Plan&) = delete;
        Plan& operator=(const Plan&) = delete;
        ~Plan() {
            if (how) cublasLtMatmulDescDestroy(how);
            for (const cublasLtMatrixLayout_t layout : {a, b, c})
                if (layout) cublasLtMatrixLayoutDestroy(layout);
        }
    };
    using Key = std::array<std::uint64_t, 14>;

    static std::uint32_t alignment(const void* data) {
        const auto address = reinterpret_cast<std::uintptr_t>(data);
        return address % 16 == 0 ? 16 : static_cast<std::uint32_t>(address & (~address + 1));
    }

    static Key key(const Product& p) {
        const auto bits = [](std::int64_t value) { return static_cast<std::uint64_t>(value); };
        const std::uint64_t flags = static_cast<std::uint64_t>(p.a.transposed) | static_cast<std::uint64_t>(p.b.transposed) << 1 | static_cast<std::uint64_t>(p.of) << 2 |
                                    static_cast<std::uint64_t>(p.to) << 4 | static_cast<std::uint64_t>(p.extra) << 6 | static_cast<std::uint64_t>(p.beta == 0) << 9;
        const std::uint64_t alignments = alignment(p.a.data) | std::uint64_t{alignment(p.b.data)} << 8 | std::uint64_t{alignment(p.c)} << 16 |
                                         std::uint64_t{p.vector ? alignment(p.vector) : 0} << 24;
        return {p.m, p.n, p.k, p.a.leading, p.b.leading, p.leading, bits(p.a.step), bits(p.b.step), bits(p.step), p.batch, flags, alignments};
    }

    static cudaDataType_t type_of(Element e) { return e == Element::float32 ? CUDA_R_32F : CUDA_R_16BF; }

    static cublasLtMatrixLayout_t layout(Element element, std::size_t rows, std::size_t columns, std::size_t leading, std::size_t batch, std::int64_t step) {
        cublasLtMatrixLayout_t made = nullptr;
        GRAPEVINE_CUDA(cublasLtMatrixLayoutCreate(&made, type_of(element), columns, rows, static_cast<std::int64_t>(leading)));
        if (batch > 1) {
            const auto count = static_cast<std::int32_t>(batch);
            GRAPEVINE_CUDA(cublasLtMatrixLayoutSetAttribute(made, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &count, sizeof count));
            GRAPEVINE_CUDA(cublasLtMatrixLayoutSetAttribute(made, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, &step, sizeof step));
        }
        return made;
    }

    void choose(Plan& plan, const Product& p, cudaStream_t stream, std::byte* workspace, bool recording) {
        GRAPEVINE_CUDA(cublasLtMatmulDescCreate(&plan.how, CUBLAS_COMPUTE_32F, CUDA_R_32F));  // TF32 must be asked for, and is not
        const cublasOperation_t op_a = p.b.transposed ? CUBLAS_OP_T : CUBLAS_OP_N, op_b = p.a.transposed ? CUBLAS_OP_T : CUBLAS_OP_N;
        GRAPEVINE_CUDA(cublasLtMatmulDescSetAttribute(plan.how, CUBLASLT_MATMUL_DESC_TRANSA, &op_a, sizeof op_a));
        GRAPEVINE_CUDA(cublasLtMatmulDescSetAttribute(plan.how, CUBLASLT_MATMUL_DESC_TRANSB, &op_b, sizeof op_b));
        if (p.extra != Product::Extra::none) {
            const cublasLtEpilogue_t epilogue = p.extra == Product::Extra::bias ? CUBLASLT_EPILOGUE_BIAS
                                                : p.extra == Product::Extra::bias_relu ? CUBLASLT_EPILOGUE_RELU_BIAS : CUBLASLT_EPILOGUE_BGRADA;
            GRAPEVINE_CUDA(cublasLtMatmulDescSetAttribute(plan.how, CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue, sizeof epilogue));
            GRAPEVINE_CUDA(cublasLtMatmulDescSetAttribute(plan.how, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &p.vector, sizeof p.vector));
        }
        plan.a = layout(p.of, p.b.transposed ? p.n : p.k, p.b.transposed ? p.k : p.n, p.b.leading, p.batch, p.b.step);
        plan.b = layout(p.of, p.a.transposed ? p.k : p.m, p.a.transposed ? p.m : p.k, p.a.leading, p.batch, p.a.step);
        plan.c = layout(p.to, p.m, p.n, p.leading, p.batch, p.step);

        struct Preference {
            cublasLtMatmulPreference_t it = nullptr;
            ~Preference() { cublasLtMatmulPreferenceDestroy(it); }
        } preference;
        GRAPEVINE_CUDA(cublasLtMatmulPreferenceCreate(&preference.it));
        const std::size_t room = workspace ? workspace_bytes : 0;
        GRAPEVINE_CUDA(cublasLtMatmulPreferenceSetAttribute(preference.it, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &room, sizeof room));
        const std::pair<cublasLtMatmulPreferenceAttributes_t, const void*> aligned[] = {{CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, p.b.data},
                                                                                         {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, p.a.data},
                                                                                         {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, p.c},
                                                                                         {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, p.c}};
        for (const auto& [what, data] : aligned) {
            const std::uint32_t bytes = alignment(data);
            GRAPEVINE_CUDA(cublasLtMatmulPreferenceSetAttribute(preference.it, what, &bytes, sizeof bytes));
        }
        cublasLtMatmulHeuristicResult_t results[8];
        int found = 0;
        const cublasStatus_t status = cublasLtMatmulAlgoGetHeuristic(library_, plan.how, plan.a, plan.b, plan.c, plan.c, preference.it, 8, results, &found);
        if (status != CUBLAS_STATUS_NOT_SUPPORTED) check(status, "cublasLtMatmulAlgoGetHeuristic", __FILE__, __LINE__);
        if (status != CUBLAS_STATUS_SUCCESS || found == 0) return;
        plan.possible = true;
        plan.algorithm = results[0].algo;
        if (recording || found == 1 || p.beta != 0) return;  // what adds to c must not be done twice
        float best = 0;
        for (int i = 0; i < found; ++i) {
            if (results[i].state != CUBLAS_STATUS_SUCCESS) continue;
            const float taken = time(plan, results[i].algo, p, stream, workspace);
            if (best != 0 && taken >= best) continue;
            best = taken;
            plan.algorithm = results[i].algo;
        }
    }

    // Of three, after one.
    float time(const Plan& plan, const cublasLtMatmulAlgo_t& algorithm, const Product& p, cudaStream_t stream, std::byte* workspace) {
        Event begin(cudaEventDefault), end(cudaEventDefault);
        run(plan, algorithm, p, stream, workspace);
        begin.record(stream);
        for (int i = 0; i < 3; ++i) run(plan, algorithm, p, stream, workspace);
        end.record(stream);
        end.wait();
        float milliseconds = 0;
        GRAPEVINE_CUDA(cudaEventElapsedTime(&milliseconds, begin.get(), end.get()));
        return milliseconds;
    }

    void run(const Plan& plan, const cublasLtMatmulAlgo_t& algorithm, const Product& p, cudaStream_t stream, std::byte* workspace) {
        if (p.extra != Product::Extra::none)
            GRAPEVINE_CUDA(cublasLtMatmulDescSetAttribute(plan.how, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &p.vector, sizeof p.vector));
        GRAPEVINE_CUDA(cublasLtMatmul(library_, plan.how, &p.alpha, p.b.data, plan.a, p.a.data, plan.b, &p.beta, p.c, plan.c, p.c, plan.c, &algorithm, workspace,
                                      workspace ? workspace_bytes : 0, stream));
    }

    cublasLtHandle_t library_ = nullptr;
    std::map<Key, Plan> plans_;
    DeviceBuffer<std::byte> workspaces_[2];
};

}  // namespace grapevine::kernels
