#include <cassert>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>
#include <vector>

#include "grapevine/kernels/cpu.hpp"
#include "loops.hpp"
#include "products.hpp"

namespace grapevine::kernels {
namespace {

struct Free {
    void operator()(float* block) const { std::free(block); }
};
using Block = std::unique_ptr<float, Free>;

// On a cache line: neighbours share none, and the vector loops like it. Large ones on a page; of small ones there may be
// tens of thousands, and a page's start would cost each of them another page.
Block new_block(std::size_t size) {
    const std::size_t boundary = size < (1 << 18) ? 64 : 4096;
    const std::size_t bytes = (size * sizeof(float) + boundary - 1) / boundary * boundary;
    void* memory = std::aligned_alloc(boundary, bytes ? bytes : boundary);
    if (!memory) throw std::bad_alloc();
    return Block(static_cast<float*>(memory));
}

struct Scratch {
    Block block;
    std::size_t size = 0;
};
thread_local Scratch scratch_of_thread;

class CpuBackend final : public Backend {
public:
    CpuBackend(int threads, Products products) : threads_(threads), products_(products) { assert(threads >= 1); }

    std::string name() const override {
        if (products_ == Products::own) return "cpu (own)";
        return std::string("cpu (") + library_name() + ", " + std::to_string(threads_) +
               (threads_ == 1 ? " thread)" : " threads)");
    }

    DeviceSpan allocate(std::size_t size) override {
        auto& block = blocks_.emplace_back(new_block(size));
        if (size > 0) std::memset(block.get(), 0, size * sizeof(float));
        return {block.get(), size};
    }

    DeviceSpan scratch(std::size_t size) override {
        Scratch& scratch = scratch_of_thread;
        if (scratch.size < size) {
            scratch.block.reset();
            scratch = {new_block(size), size};
        }
        return {scratch.block.get(), size};
    }

    void upload(std::span<const float> from, DeviceSpan to) override {
        assert(from.size() == to.size);
        if (to.size > 0) std::memcpy(to.data, from.data(), to.size * sizeof(float));
    }

    void download(DeviceSpan from, std::span<float> to) override {
        assert(from.size == to.size());
        if (from.size > 0) std::memcpy(to.data(), from.data, from.size * sizeof(float));
    }

    void gather(std::span<const std::uint8_t> table, std::size_t width, std::span<const std::uint32_t> rows,
                Normalisation normalisation, DeviceSpan to) override {
        gather_any(table, width, rows, normalisation, to);
    }
    void gather(std::span<const float> table, std::size_t width, std::span<const std::uint32_t> rows,
                Normalisation normalisation, DeviceSpan to) override {
        gather_any(table, width, rows, normalisation, to);
    }

    void gemm(const Gemm& s, DeviceSpan a, DeviceSpan b, DeviceSpan c) override {
        assert(a.size == s.m * s.k);
        assert(b.size == s.k * s.n);
        assert(c.size == s.m * s.n);
        if (c.size == 0) return;
        if (s.k == 0) {  // an empty sum; no library is asked what it makes of that
            for (std::size_t i = 0; i < c.size; ++i) c.data[i] = s.beta == 0 ? 0 : s.beta * c.data[i];
            return;
        }
        if (products_ == Products::own)
            own_gemm(s, a.data, b.data, c.data);
        else
            library_gemm(s, a.data, b.data, c.data, threads_);
    }

    void axpby(float a, DeviceSpan x, float b, DeviceSpan y) override {
        assert(x.size == y.size);
        loops::axpby(x.size, a, x.data, b, y.data);
    }
    double squared_norm(DeviceSpan x) override { return loops::squared_norm(x.size, x.data); }
    double squared_distance(DeviceSpan x, DeviceSpan y) override {
        assert(x.size == y.size);
        return loops::squared_distance(x.size, x.data, y.data);
    }

    void bias(DeviceSpan biases, DeviceSpan x) override {
        loops::bias(rows_of(x, biases.size), biases.size, biases.data, x.data);
    }
    void bias_relu(DeviceSpan biases, DeviceSpan x) override {
        loops::bias_relu(rows_of(x, biases.size), biases.size, biases.data, x.data);
    }
    void column_sums(DeviceSpan x, DeviceSpan sums) override {
        loops::column_sums(rows_of(x, sums.size), sums.size, x.data, sums.data);
    }
    void relu_backward(DeviceSpan activations, DeviceSpan gradient, DeviceSpan sums) override {
        assert(activations.size == gradient.size);
        loops::relu_backward(rows_of(gradient, sums.size), sums.size, activations.data, gradient.data, sums.data);
    }

    void softmax_cross_entropy(std::size_t classes, std::span<const std::int32_t> targets,
                               DeviceSpan logits) override {
        assert(logits.size == targets.size() * classes);
        for (const std::int32_t t : targets) assert(t >= 0 && static_cast<std::size_t>(t) < classes);
        loops::softmax_cross_entropy(targets.size(), classes, targets.data(), logits.data, losses_);
    }
    Losses take_losses() override { return std::exchange(losses_, {}); }

    void step(const Step& how, DeviceSpan gradient, DeviceSpan velocity, DeviceSpan parameters) override {
        assert(gradient.size == parameters.size);
        assert(how.rule == Step::Rule::sgd || velocity.size == parameters.size);
        loops::step(how, parameters.size, gradient.data, velocity.data, parameters.data);
    }

    Mixed mix(float ours_weight, DeviceSpan ours, float theirs_weight, std::span<const float> theirs) override {
        assert(ours.size == theirs.size());
        return loops::mix(ours.size, ours_weight, ours.data, theirs_weight, theirs.data());
    }

private:
    static std::size_t rows_of(DeviceSpan x, std::size_t columns) {
        if (columns == 0) return 0;
        assert(x.size % columns == 0);
        return x.size / columns;
    }

    template <class Value>
    static void gather_any(std::span<const Value> table, std::size_t width, std::span<const std::uint32_t> rows,
                           Normalisation normalisation, DeviceSpan to) {
        assert(to.size == rows.size() * width);
        for (const std::uint32_t row : rows) assert((row + std::size_t{1}) * width <= table.size());
        // Rows of a batch lie anywhere, so each would be waited for: they are asked for two ahead.
        constexpr std::size_t ahead = 2, line = 64 / sizeof(Value);
        const auto ask_for = [&](std::size_t i) {
            if (i >= rows.size()) return;
            for (std::size_t at = 0; at < width; at += line) __builtin_prefetch(table.data() + rows[i] * width + at);
        };
        for (std::size_t i = 0; i < ahead; ++i) ask_for(i);
        for (std::size_t i = 0; i < rows.size(); ++i) {
            ask_for(i + ahead);
            loops::normalise(table.data() + rows[i] * width, width, normalisation, to.data + i * width);
        }
    }

    int threads_;
    Products products_;
    Losses losses_;
    std::vector<Block> blocks_;
};

}  // namespace

const char* products_library() { return library_name(); }

std::unique_ptr<Backend> make_cpu_backend(int threads, Products products) {
    return std::make_unique<CpuBackend>(threads, products);
}

}  // namespace grapevine::kernels
