#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>
#include <vector>

#include "check.hpp"
#include "device_loops.cuh"
#include "module.hpp"

namespace grapevine::kernels {
namespace {

// Memory that grows and keeps nothing when it does: of the device, or pinned on the host.
template <class Value, bool on_device>
class Buffer {
public:
    Buffer() = default;
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;
    ~Buffer() { release(); }  // a failure has been told elsewhere, or nobody is left to tell

    // The caller has waited for all who use it.
    Value* get(std::size_t size) {
        if (size > size_) {
            release();
            void* memory = nullptr;
            if constexpr (on_device)
                GRAPEVINE_CUDA(cudaMalloc(&memory, size * sizeof(Value)));
            else
                GRAPEVINE_CUDA(cudaMallocHost(&memory, size * sizeof(Value)));
            data_ = static_cast<Value*>(memory);
            size_ = size;
        }
        return data_;
    }
    std::size_t size() const { return size_; }

private:
    void release() {
        if constexpr (on_device)
            cudaFree(data_);
        else
            cudaFreeHost(data_);
        data_ = nullptr;
        size_ = 0;
    }

    Value* data_ = nullptr;
    std::size_t size_ = 0;
};
template <class Value>
using DeviceBuffer = Buffer<Value, true>;
template <class Value>
using PinnedBuffer = Buffer<Value, false>;

// One stream, in which everything queues up; nothing here is clever yet.
class CudaBackend final : public Backend {
public:
    explicit CudaBackend(int device) : device_(device) {
        bind();
        cudaDeviceProp properties{};
        GRAPEVINE_CUDA(cudaGetDeviceProperties(&properties, device_));
        name_ = std::string("cuda (") + properties.name + ", cuBLAS)";
        blocks_ = 8 * properties.multiProcessorCount;
        GRAPEVINE_CUDA(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking));
        GRAPEVINE_CUDA(cublasCreate(&blas_));
        GRAPEVINE_CUDA(cublasSetStream(blas_, stream_));
        GRAPEVINE_CUDA(cublasSetMathMode(blas_, CUBLAS_DEFAULT_MATH));  // float32 all through: TF32 must be asked for
        partial_ = static_cast<double*>(sums_.get(2 * device::partial_sums + 4));
        result_ = partial_ + 2 * device::partial_sums;
        losses_ = result_ + 2;
        GRAPEVINE_CUDA(cudaMemsetAsync(losses_, 0, 2 * sizeof(double), stream_));
    }

    ~CudaBackend() override {
        cudaSetDevice(device_);
        cudaStreamSynchronize(stream_);
        for (float* block : blocks_of_memory_) cudaFree(block);
        cublasDestroy(blas_);
        cudaStreamDestroy(stream_);
    }

    std::string name() const override { return name_; }

    DeviceSpan allocate(std::size_t size) override {
        bind();
        void* memory = nullptr;
        const std::size_t bytes = std::max<std::size_t>(size, 1) * sizeof(float);
        GRAPEVINE_CUDA(cudaMalloc(&memory, bytes));
        blocks_of_memory_.push_back(static_cast<float*>(memory));
        GRAPEVINE_CUDA(cudaMemsetAsync(memory, 0, bytes, stream_));
        return {blocks_of_memory_.back(), size};
    }

    DeviceSpan scratch(std::size_t size) override {
        bind();
        if (size > scratch_.size()) wait();
        return {scratch_.get(std::max<std::size_t>(size, 1)), size};
    }

    void upload(std::span<const float> from, DeviceSpan to) override {
        assert(from.size() == to.size);
        bind();
        copy(to.data, from.data(), to.size, cudaMemcpyHostToDevice);
        wait();  // `from` is the caller's again
    }

    void download(DeviceSpan from, std::span<float> to) override {
        assert(from.size == to.size());
        bind();
        copy(to.data(), from.data, from.size, cudaMemcpyDeviceToHost);
        wait();
    }

    void gather(std::span<const std::uint8_t> table, std::size_t width, std::span<const std::uint32_t> rows,
                Normalisation how, DeviceSpan to) override {
        gather_any(table, width, rows, how, to);
    }
    void gather(std::span<const float> table, std::size_t width, std::span<const std::uint32_t> rows,
                Normalisation how, DeviceSpan to) override {
        gather_any(table, width, rows, how, to);
    }

    // cuBLAS thinks in columns: row-major c = a b is its c' = b' a'.
    void gemm(const Gemm& s, DeviceSpan a, DeviceSpan b, DeviceSpan c) override {
        assert(a.size == s.m * s.k);
        assert(b.size == s.k * s.n);
        assert(c.size == s.m * s.n);
        bind();
        if (c.size == 0) return;
        if (s.k == 0) {  // an empty sum: c = beta c
            if (s.beta == 0)
                GRAPEVINE_CUDA(cudaMemsetAsync(c.data, 0, c.size * sizeof(float), stream_));
            else
                axpby(s.beta, c, 0, c);
            return;
        }
        const auto m = static_cast<int>(s.m), n = static_cast<int>(s.n), k = static_cast<int>(s.k);
        GRAPEVINE_CUDA(cublasSgemm(blas_, s.transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N,
                                   s.transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N, n, m, k, &s.alpha, b.data,
                                   s.transpose_b ? k : n, a.data, s.transpose_a ? m : k, &s.beta, c.data, n));
    }

    void axpby(float a, DeviceSpan x, float b, DeviceSpan y) override {
        assert(x.size == y.size);
        bind();
        if (x.size == 0) return;
        device::axpby<<<grid(x.size), device::threads, 0, stream_>>>(x.size, a, x.data, b, y.data);
        launched();
    }

    double squared_norm(DeviceSpan x) override { return distance_of(x, nullptr); }
    double squared_distance(DeviceSpan x, DeviceSpan y) override {
        assert(x.size == y.size);
        return distance_of(x, y.data);
    }

    void bias(DeviceSpan biases, DeviceSpan x) override { add_bias(biases, x, false); }
    void bias_relu(DeviceSpan biases, DeviceSpan x) override { add_bias(biases, x, true); }

    void column_sums(DeviceSpan x, DeviceSpan sums) override { column_sums_where(nullptr, x, sums); }
    void relu_backward(DeviceSpan activations, DeviceSpan gradient, DeviceSpan sums) override {
        assert(activations.size == gradient.size);
        column_sums_where(activations.data, gradient, sums);
    }

    void softmax_cross_entropy(std::size_t classes, std::span<const std::int32_t> targets,
                               DeviceSpan logits) override {
        assert(logits.size == targets.size() * classes);
        for (const std::int32_t t : targets) assert(t >= 0 && static_cast<std::size_t>(t) < classes);
        bind();
        const std::size_t m = targets.size();
        if (m == 0) return;
        if (m > targets_.size()) wait();
        std::int32_t* const on_device = targets_.get(m);
        double* const row_losses = row_losses_.get(2 * m);
        copy(on_device, targets.data(), m, cudaMemcpyHostToDevice);  // pageable: staged before the call returns
        constexpr std::size_t rows_of_block = device::threads / 32;
        device::softmax_cross_entropy<<<static_cast<unsigned>((m + rows_of_block - 1) / rows_of_block), device::threads,
                                        0, stream_>>>(m, classes, on_device, logits.data, row_losses);
        launched();
        device::add_up<<<1, device::threads, 0, stream_>>>(row_losses, static_cast<int>(m), 2, losses_);
        launched();
        rows_ += m;
    }

    Losses take_losses() override {
        bind();
        double sums[2] = {};
        copy(sums, losses_, 2, cudaMemcpyDeviceToHost);
        GRAPEVINE_CUDA(cudaMemsetAsync(losses_, 0, sizeof sums, stream_));
        wait();
        return {sums[0], static_cast<std::uint64_t>(sums[1]), std::exchange(rows_, 0)};
    }

    void step(const Step& how, DeviceSpan gradient, DeviceSpan velocity, DeviceSpan parameters) override {
        assert(gradient.size == parameters.size);
        assert(how.rule == Step::Rule::sgd || velocity.size == parameters.size);
        bind();
        if (parameters.size == 0) return;
        device::step<<<grid(parameters.size), device::threads, 0, stream_>>>(how, parameters.size, gradient.data,
                                                                            velocity.data, parameters.data);
        launched();
    }

    // Theirs comes in pieces, so that a large model needs no second copy of itself on the device.
    Mixed mix(float ours_weight, DeviceSpan ours, float theirs_weight, std::span<const float> theirs) override {
        assert(ours.size == theirs.size());
        bind();
        constexpr std::size_t piece = std::size_t{1} << 22;
        if (std::min(ours.size, piece) > theirs_.size()) wait();
        float* const staged = theirs_.get(std::max<std::size_t>(1, std::min(ours.size, piece)));
        GRAPEVINE_CUDA(cudaMemsetAsync(partial_, 0, 2 * device::partial_sums * sizeof(double), stream_));
        for (std::size_t begin = 0; begin < ours.size; begin += piece) {
            const std::size_t n = std::min(piece, ours.size - begin);
            copy(staged, theirs.data() + begin, n, cudaMemcpyHostToDevice);
            device::mix<<<device::partial_sums, device::threads, 0, stream_>>>(n, ours_weight, ours.data + begin,
                                                                              theirs_weight, staged, partial_);
            launched();
        }
        Mixed mixed;
        double sums[2];
        total(2, sums);
        mixed.squared_distance = sums[0];
        mixed.squared_norm = sums[1];
        return mixed;
    }

private:
    void bind() const { GRAPEVINE_CUDA(cudaSetDevice(device_)); }  // calls may come from any thread
    void wait() const { GRAPEVINE_CUDA(cudaStreamSynchronize(stream_)); }
    static void launched() { GRAPEVINE_CUDA(cudaGetLastError()); }

    unsigned grid(std::size_t size) const {
        return static_cast<unsigned>(
            std::min<std::size_t>((size + device::threads - 1) / device::threads, static_cast<std::size_t>(blocks_)));
    }

    template <class Value>
    void copy(Value* to, const Value* from, std::size_t count, cudaMemcpyKind kind) const {
        if (count > 0) GRAPEVINE_CUDA(cudaMemcpyAsync(to, from, count * sizeof(Value), kind, stream_));
    }

    static std::size_t rows_of(DeviceSpan x, std::size_t columns) {
        if (columns == 0) return 0;
        assert(x.size % columns == 0);
        return x.size / columns;
    }

    void add_bias(DeviceSpan biases, DeviceSpan x, bool relu) {
        bind();
        if (rows_of(x, biases.size) == 0) return;
        device::bias<<<grid(x.size), device::threads, 0, stream_>>>(x.size, biases.size, biases.data, x.data, relu);
        launched();
    }

    void column_sums_where(const float* activations, DeviceSpan x, DeviceSpan sums) {
        bind();
        const std::size_t m = rows_of(x, sums.size);
        if (sums.size == 0) return;
        device::relu_backward<<<grid(sums.size), device::threads, 0, stream_>>>(m, sums.size, activations, x.data,
                                                                               sums.data);
        launched();
    }

    double distance_of(DeviceSpan x, const float* y) {
        bind();
        device::squared_distance<<<device::partial_sums, device::threads, 0, stream_>>>(x.size, x.data, y, partial_);
        launched();
        double sum = 0;
        total(1, &sum);
        return sum;
    }

    // Of the partial sums of `width` quantities.
    void total(int width, double* sums) {
        GRAPEVINE_CUDA(cudaMemsetAsync(result_, 0, 2 * sizeof(double), stream_));
        device::add_up<<<1, device::threads, 0, stream_>>>(partial_, device::partial_sums, width, result_);
        launched();
        copy(sums, result_, static_cast<std::size_t>(width), cudaMemcpyDeviceToHost);
        wait();
    }

    // The rows are brought together in pinned memory and go over as they are; the device makes floats of them.
    template <class Value>
    void gather_any(std::span<const Value> table, std::size_t width, std::span<const std::uint32_t> rows,
                    Normalisation how, DeviceSpan to) {
        assert(to.size == rows.size() * width);
        bind();
        if (to.size == 0) return;
        wait();  // for the copy of the last rows out of the same memory
        const std::size_t bytes = to.size * sizeof(Value);
        std::byte* const pinned = rows_here_.get(bytes);
        for (std::size_t i = 0; i < rows.size(); ++i) {
            assert((rows[i] + std::size_t{1}) * width <= table.size());
            std::memcpy(pinned + i * width * sizeof(Value), table.data() + rows[i] * width, width * sizeof(Value));
        }
        std::byte* const there = rows_there_.get(bytes);
        copy(there, pinned, bytes, cudaMemcpyHostToDevice);
        device::normalise<<<grid(to.size), device::threads, 0, stream_>>>(reinterpret_cast<const Value*>(there), to.size,
                                                                         how, to.data);
        launched();
    }

    int device_;
    int blocks_ = 0;  // of a kernel that goes over a large block: enough to fill the device
    std::string name_;
    cudaStream_t stream_ = nullptr;
    cublasHandle_t blas_ = nullptr;
    std::uint64_t rows_ = 0;  // that went into losses_
    std::vector<float*> blocks_of_memory_;
    DeviceBuffer<double> sums_, row_losses_;
    double *partial_ = nullptr, *result_ = nullptr, *losses_ = nullptr;  // in sums_
    DeviceBuffer<float> scratch_, theirs_;
    DeviceBuffer<std::int32_t> targets_;
    PinnedBuffer<std::byte> rows_here_;
    DeviceBuffer<std::byte> rows_there_;
};

Backend* make(int device) { return new CudaBackend(device); }

}  // namespace
}  // namespace grapevine::kernels

extern "C" __attribute__((visibility("default"))) const grapevine::kernels::CudaModule* grapevine_cuda_module() {
    static constexpr grapevine::kernels::CudaModule table{grapevine::kernels::cuda_module_abi, grapevine::kernels::make};
    return &table;
}
