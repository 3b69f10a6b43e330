#include <algorithm>
#include <cassert>
#include <cstring>
#include <map>
#include <utility>
#include <vector>

#include "check.hpp"
#include "graphs.hpp"
#include "launch.hpp"
#include "loops/batch.cuh"
#include "loops/elements.cuh"
#include "loops/losses.cuh"
#include "loops/parameters.cuh"
#include "loops/pictures.cuh"
#include "loops/sums.cuh"
#include "loops/texts.cuh"
#include "memory.hpp"
#include "module.hpp"
#include "products.hpp"
#include "transfers.hpp"

namespace grapevine::kernels {
namespace {

using device::Bf16;

// One stream in which everything queues up, one beside it for products that need not wait for each other, and those of Transfers.
// Numbers of a few bytes pass through pinned memory that kernels read and write: the engines that copy may be busy with a model.
class CudaBackend final : public Backend {
public:
    CudaBackend(int device, Element element) : device_(bound(device)), element_(element), transfers_(std::make_shared<Transfers>(device)) {
        cudaDeviceProp properties{};
        GRAPEVINE_CUDA(cudaGetDeviceProperties(&properties, device_));
        name_ = std::string("cuda (") + properties.name + ", cuBLAS, " + (element == Element::bf16 ? "bf16)" : "float32)");
        if (element == Element::bf16 && properties.major < 8) throw DeviceFailure(name_ + " has no products in bf16: it is of compute capability " + std::to_string(properties.major) + "." + std::to_string(properties.minor) + ", and they came with 8.0");
        blocks_ = static_cast<unsigned>(8 * properties.multiProcessorCount);
        partial_.get(2 * blocks_);
        sums_.get(sums_count);
        answer_.get(sums_count);
        GRAPEVINE_CUDA(cudaMemsetAsync(sums_.data(), 0, sums_count * sizeof(double), stream_));
        relu_is_honest_ = look_at_relu();
    }

    ~CudaBackend() override {
        cudaSetDevice(device_);
        cudaStreamSynchronize(stream_);
        graphs_.clear();
        for (const Block& block : allocated_) {
            cudaFree(block.data);
            cudaFree(block.shadow);
        }
        for (const auto& [address, kept] : kept_) cudaFree(kept.data);
    }

    std::string name() const override { return name_; }
    Element element() const override { return element_; }

    // ---- memory ----

    DeviceSpan allocate(std::size_t size) override {
        bind();
        void* memory = nullptr;
        const std::size_t bytes = std::max<std::size_t>(size, 1) * sizeof(float);
        GRAPEVINE_CUDA(cudaMalloc(&memory, bytes));
        allocated_.push_back({static_cast<float*>(memory), size, nullptr});
        GRAPEVINE_CUDA(cudaMemsetAsync(memory, 0, bytes, stream_));
        return {static_cast<float*>(memory), size};
    }

    DeviceSpan scratch(std::size_t size) override {
        bind();
        return {grown(scratch_, size), size};
    }

    void clear(DeviceSpan block, std::span<const Part> parts) override {
        bind();
        std::size_t begin = block.size, end = 0;
        for (const Part& part : parts) {
            assert(part.offset <= block.size && part.count <= block.size - part.offset);
            if (part.count > 0) begin = std::min(begin, part.offset), end = std::max(end, part.offset + part.count);
        }
        if (begin < end) zero(block.part(begin, end - begin));
    }

    Table keep(std::span<const std::uint8_t> values) override { return keep_any(values, Table::Type::bytes); }
    Table keep(std::span<const float> values) override { return keep_any(values, Table::Type::floats); }
    Table keep(std::span<const std::int32_t> values) override { return keep_any(values, Table::Type::indices); }

    void upload(std::span<const float> from, DeviceSpan to) override {
        assert(from.size() == to.size);
        bind();
        bring_words(from.data(), from.size(), [&](std::size_t begin, std::size_t n, const std::byte* pinned) {
            const auto* const values = reinterpret_cast<const float*>(pinned);
            const DeviceSpan here = to.part(begin, n);
            if (to.element == Element::float32) carry(pinned, n, here.data);
            else launch(device::convert<float, Bf16>, grid(n), device::threads, stream_, n, values, of<Bf16>(here));
        });
        if (Bf16* const shadow = shadow_there(to)) launch(device::convert<float, Bf16>, grid(to.size), device::threads, stream_, to.size, to.data, shadow);
    }

    void upload(std::span<const std::int32_t> from, IndexSpan to) override {
        assert(from.size() == to.size);
        bind();
        bring_words(from.data(), from.size(), [&](std::size_t begin, std::size_t n, const std::byte* pinned) { carry(pinned, n, to.data + begin); });
    }

    void download(DeviceSpan from, std::span<float> to) override {
        assert(from.size == to.size());
        bind();
        constexpr std::size_t piece = std::size_t{1} << 20;  // floats
        float* const pinned = download_.get(std::min<std::size_t>(std::max<std::size_t>(from.size, 1), 2 * piece));
        const auto ask = [&](std::size_t begin) {
            const std::size_t n = std::min(piece, from.size - begin), turn = begin / piece % 2;
            float* const there = pinned + turn * piece;
            const DeviceSpan part = from.part(begin, n);
            if (from.element == Element::bf16) launch(device::convert<Bf16, float>, grid(n), device::threads, stream_, n, of<const Bf16>(part), there);
            else if (n <= small_words) carry(part.data, n, there);
            else GRAPEVINE_CUDA(cudaMemcpyAsync(there, part.data, n * sizeof(float), cudaMemcpyDeviceToHost, stream_));
            downloaded_[turn].record(stream_);
        };
        if (from.size > 0) ask(0);
        for (std::size_t begin = 0; begin < from.size; begin += piece) {
            if (begin + piece < from.size) ask(begin + piece);
            downloaded_[begin / piece % 2].wait();
            std::memcpy(to.data() + begin, pinned + begin / piece % 2 * piece, std::min(piece, from.size - begin) * sizeof(float));
        }
        if (from.size == 0) stream_.wait();
    }

    DeviceSpan shadow(DeviceSpan parameters) override {
        assert(parameters.element == Element::float32);
        if (element_ == Element::float32 || parameters.size == 0) return parameters;
        bind();
        Block* const block = block_of(parameters);
        Bf16* there = nullptr;
        if (block && block->shadow) {
            there = block->shadow + (parameters.data - block->data);
        } else if (block) {
            assert(!graphs_.recording());
            void* memory = nullptr;
            GRAPEVINE_CUDA(cudaMalloc(&memory, block->size * sizeof(Bf16)));
            block->shadow = static_cast<Bf16*>(memory);
            launch(device::convert<float, Bf16>, grid(block->size), device::threads, stream_, block->size, block->data, block->shadow);
            there = block->shadow + (parameters.data - block->data);
        } else {  // of scratch memory: as it is now
            there = grown(shadow_of_scratch_, parameters.size);
            shadowed_scratch_ = parameters;
            launch(device::convert<float, Bf16>, grid(parameters.size), device::threads, stream_, parameters.size, parameters.data, there);
        }
        return {reinterpret_cast<float*>(there), parameters.size, Element::bf16};
    }

    void repeat(const Recipe& recipe, std::uint32_t count, const std::function<void(std::uint32_t)>& step) override {
        bind();
        if (count > 0) graphs_.repeat(recipe, count, stream_, step);
    }

    // ---- what a batch is made of ----

    void gather(const Table& table, std::size_t width, std::size_t step, IndexSpan rows, Normalisation how, DeviceSpan to) override {
        assert(to.size == rows.size * width && table.type != Table::Type::indices);
        bind();
        if (to.size == 0) return;
        as(to.element, [&]<class Value>(Value) {
            if (table.type == Table::Type::bytes)
                launch(device::gather<std::uint8_t, Value>, grid(to.size), device::threads, stream_, static_cast<const std::uint8_t*>(table.data), table.size, width, step, rows.data, to.size, how, of<Value>(to));
            else
                launch(device::gather<float, Value>, grid(to.size), device::threads, stream_, static_cast<const float*>(table.data), table.size, width, step, rows.data, to.size, how, of<Value>(to));
        });
    }

    void gather_moved(const Table& table, Picture picture, IndexSpan rows, IndexSpan moves, Normalisation how, DeviceSpan to) override {
        assert(to.size == rows.size * picture.size() && moves.size == rows.size && table.type != Table::Type::indices);
        bind();
        if (to.size == 0) return;
        as(to.element, [&]<class Value>(Value) {
            if (table.type == Table::Type::bytes)
                launch(device::gather_moved<std::uint8_t, Value>, grid(to.size), device::threads, stream_, static_cast<const std::uint8_t*>(table.data), table.size, picture, rows.data, moves.data, to.size, how, of<Value>(to));
            else
                launch(device::gather_moved<float, Value>, grid(to.size), device::threads, stream_, static_cast<const float*>(table.data), table.size, picture, rows.data, moves.data, to.size, how, of<Value>(to));
        });
    }

    void take(const Table& table, std::size_t width, std::size_t step, std::size_t skip, IndexSpan rows, bool by_place, IndexSpan to) override {
        assert(to.size == rows.size * width && table.type != Table::Type::floats);
        bind();
        if (to.size == 0) return;
        if (table.type == Table::Type::bytes)
            launch(device::take<std::uint8_t>, grid(to.size), device::threads, stream_, static_cast<const std::uint8_t*>(table.data), table.size, width, step, skip, rows.data, rows.size, by_place, to.data);
        else
            launch(device::take<std::int32_t>, grid(to.size), device::threads, stream_, static_cast<const std::int32_t*>(table.data), table.size, width, step, skip, rows.data, rows.size, by_place, to.data);
    }

    // ---- products ----

    void gemm(const Gemm& s, DeviceSpan a, DeviceSpan b, DeviceSpan c) override {
        assert(a.size == s.m * s.k);
        assert(b.size == s.k * s.n);
        assert(c.size == s.m * s.n);
        bind();
        if (c.size == 0) return;
        if (s.k == 0) {  // an empty sum: c = beta c
            if (s.beta == 0) zero(c);
            else axpby(s.beta, c, 0, c);
            return;
        }
        multiply({.m = s.m, .n = s.n, .k = s.k, .a = {a.data, s.transpose_a ? s.m : s.k, s.transpose_a}, .b = {b.data, s.transpose_b ? s.k : s.n, s.transpose_b},
                  .of = a.element, .c = c.data, .leading = s.n, .to = c.element, .alpha = s.alpha, .beta = s.beta});
    }

    void dense(const Dense& s, DeviceSpan x, DeviceSpan weights, DeviceSpan biases, DeviceSpan y) override {
        assert(x.size == s.rows * s.inputs && weights.size == s.inputs * s.outputs && y.size == s.rows * s.outputs);
        assert(!biases || biases.size == s.outputs);
        bind();
        layer(s.rows, s.inputs, s.outputs, s.relu, x, weights, biases, y);
    }

    // The gradient of the weights beside that of x: neither needs the other.
    void dense_backward(const Dense& s, DeviceSpan x, DeviceSpan weights, DeviceSpan dy, DeviceSpan dx, DeviceSpan dweights, DeviceSpan dbiases) override {
        assert(weights.size == s.inputs * s.outputs && dy.size == s.rows * s.outputs && (!dx || dx.size == s.rows * s.inputs));
        assert((!dweights || (dweights.size == weights.size && x.size == s.rows * s.inputs)) && (!dbiases || dbiases.size == s.outputs));
        bind();
        if (dx) {
            fork();
            if (dweights || dbiases) gradient_of_weights(s.rows, s.inputs, s.outputs, x, dy, dweights, dbiases, 0, side);
            if (s.outputs > 0) multiply({.m = s.rows, .n = s.inputs, .k = s.outputs, .a = {dy.data, s.outputs, false}, .b = {weights.data, s.outputs, true}, .of = dy.element, .c = dx.data, .leading = s.inputs, .to = dx.element});
            else zero(dx);
            if (s.x_is_relu) mask(x, dx);
            join();
        } else {
            gradient_of_weights(s.rows, s.inputs, s.outputs, x, dy, dweights, dbiases, 0, main);
        }
    }

    // As a product of what each kernel sees, some pictures at a time.
    void convolve(const Convolution& s, DeviceSpan x, DeviceSpan weights, DeviceSpan biases, DeviceSpan y) override {
        assert(x.size == s.rows * s.in.size() && y.size == s.rows * s.out().size() && weights.size == s.weights());
        bind();
        const Seen seen(s);
        for_pictures(s, [&](std::size_t begin, std::size_t n) {
            const DeviceSpan in = x.part(begin * s.in.size(), n * s.in.size());
            layer(n * seen.pixels, seen.width, s.outputs, s.relu, seen.as_it_lies ? in : unfolded(s, n, in), weights, biases, y.part(begin * s.out().size(), n * s.out().size()));
        });
    }

    void convolve_backward(const Convolution& s, DeviceSpan x, DeviceSpan weights, DeviceSpan dy, DeviceSpan dx, DeviceSpan dweights, DeviceSpan dbiases) override {
        assert(x.size == s.rows * s.in.size() && dy.size == s.rows * s.out().size() && weights.size == s.weights() && dweights.size == s.weights());
        assert((!dx || dx.size == x.size) && (!dbiases || dbiases.size == s.outputs));
        bind();
        const Seen seen(s);
        if (s.rows == 0) gradient_of_weights(0, seen.width, s.outputs, x, dy, dweights, dbiases, 0, main);
        for_pictures(s, [&](std::size_t begin, std::size_t n) {
            const std::size_t rows = n * seen.pixels;
            const DeviceSpan in = x.part(begin * s.in.size(), n * s.in.size()), gradient = dy.part(begin * s.out().size(), n * s.out().size());
            gradient_of_weights(rows, seen.width, s.outputs, seen.as_it_lies ? in : unfolded(s, n, in), gradient, dweights, {}, begin == 0 ? 0.f : 1.f, main);
            if (!dx) return;
            const DeviceSpan to = dx.part(begin * s.in.size(), n * s.in.size()), columns = seen.as_it_lies ? to : columns_for(s, n, dx.element);
            multiply({.m = rows, .n = seen.width, .k = s.outputs, .a = {gradient.data, s.outputs, false}, .b = {weights.data, s.outputs, true}, .of = gradient.element, .c = columns.data, .leading = seen.width, .to = columns.element});
            if (seen.as_it_lies) {
                if (s.x_is_relu) mask(in, to);
                return;
            }
            as(dx.element, [&]<class Value>(Value) {
                launch(device::fold<Value>, grid(to.size), device::threads, stream_, s, to.size, s.out().height, s.out().width, of<const Value>(columns), s.x_is_relu ? of<const Value>(in) : nullptr, of<Value>(to));
            });
        });
        if (dbiases && s.rows > 0) column_sums(s.rows * seen.pixels, s.outputs, dy, dbiases, main);
    }

    void attend(const Attention& s, DeviceSpan qkv, DeviceSpan probabilities, DeviceSpan out) override {
        const std::size_t head = s.width / s.heads;
        assert(s.width % s.heads == 0 && qkv.size == 3 * s.rows * s.length * s.width && out.size == s.rows * s.length * s.width);
        assert(probabilities.size == s.probabilities());
        bind();
        if (out.size == 0) return;
        const Heads heads(s);
        heads.each([&](std::size_t i) {
            multiply(heads.product({s.length, s.length, head}, heads.in(qkv, 0, i), heads.in(qkv, 1, i, true), heads.square(probabilities, i)));
        });
        softmax(s, probabilities);
        heads.each([&](std::size_t i) {
            multiply(heads.product({s.length, head, s.length}, heads.square(probabilities, i), heads.in(qkv, 2, i), heads.out(out, i)));
        });
    }

    void attend_backward(const Attention& s, DeviceSpan qkv, DeviceSpan probabilities, DeviceSpan dout, DeviceSpan dqkv) override {
        const std::size_t head = s.width / s.heads;
        assert(dqkv.size == qkv.size && dout.size == s.rows * s.length * s.width && probabilities.size == s.probabilities());
        bind();
        if (dout.size == 0) return;
        // Some texts at a time: the gradient of all scores would need as much again as the probabilities.
        const std::size_t of_text = s.heads * s.length * s.length, at_once = std::clamp<std::size_t>(most_working / of_text, 1, s.rows);
        for (std::size_t begin = 0; begin < s.rows; begin += at_once) {
            Attention t = s;
            t.rows = std::min(at_once, s.rows - begin);
            const std::size_t one = s.length * s.width;
            const DeviceSpan in = qkv.part(begin * 3 * one, t.rows * 3 * one), din = dqkv.part(begin * 3 * one, t.rows * 3 * one), d = dout.part(begin * one, t.rows * one);
            const DeviceSpan p = probabilities.part(begin * of_text, t.rows * of_text), dp = working(t.rows * of_text, qkv.element);
            const Heads heads(t);
            heads.each([&](std::size_t i) {
                multiply(heads.product({s.length, head, s.length}, heads.square(p, i, true), heads.out(d, i), heads.in(din, 2, i)));
                multiply(heads.product({s.length, s.length, head}, heads.out(d, i), heads.in(in, 2, i, true), heads.square(dp, i)));
            });
            const std::size_t rows = t.rows * s.heads * s.length;
            as(qkv.element, [&]<class Value>(Value) {
                launch(device::causal_softmax_backward<Value>, dim3(static_cast<unsigned>(rows)), threads_for(s.length), stream_, s.length, 1 / std::sqrt(static_cast<float>(head)), of<const Value>(p), of<Value>(dp));
            });
            heads.each([&](std::size_t i) {
                multiply(heads.product({s.length, head, s.length}, heads.square(dp, i), heads.in(in, 1, i), heads.in(din, 0, i)));
                multiply(heads.product({s.length, head, s.length}, heads.square(dp, i, true), heads.in(in, 0, i), heads.in(din, 1, i)));
            });
        }
    }

    // ---- one pass each ----

    void axpby(float a, DeviceSpan x, float b, DeviceSpan y) override {
        assert(x.size == y.size && x.element == y.element);
        bind();
        if (x.size == 0) return;
        as(x.element, [&]<class Value>(Value) { launch(device::axpby<Value>, grid(x.size), device::threads, stream_, x.size, a, of<const Value>(x), b, of<Value>(y), shadow_there(y)); });
    }

    double squared_norm(DeviceSpan x) override { return distance_of(x, nullptr); }
    double squared_distance(DeviceSpan x, DeviceSpan y) override {
        assert(x.size == y.size && y.element == Element::float32);
        return distance_of(x, y.data);
    }

    void add_relu(DeviceSpan x, DeviceSpan y, DeviceSpan to) override { add_any(x, y, true, to); }
    void add(DeviceSpan x, DeviceSpan y, DeviceSpan to) override { add_any(x, y, false, to); }
    void mask(DeviceSpan activations, DeviceSpan gradient) override {
        assert(activations.size == gradient.size && activations.element == gradient.element);
        bind();
        if (gradient.size == 0) return;
        as(gradient.element, [&]<class Value>(Value) { launch(device::mask<Value>, grid(gradient.size), device::threads, stream_, gradient.size, of<const Value>(activations), of<Value>(gradient)); });
    }

    void pool_largest(const Pooling& s, DeviceSpan x, DeviceSpan y) override {
        assert(x.size == s.rows * s.in.size() && y.size == s.rows * s.out().size());
        bind();
        if (y.size == 0) return;
        as(y.element, [&]<class Value>(Value) { launch(device::pool_largest<Value>, grid(y.size), device::threads, stream_, s, y.size, s.out().height, s.out().width, of<const Value>(x), of<Value>(y)); });
    }
    void pool_largest_backward(const Pooling& s, DeviceSpan x, DeviceSpan y, DeviceSpan dy, DeviceSpan dx) override {
        assert(x.size == s.rows * s.in.size() && y.size == s.rows * s.out().size() && dy.size == y.size && dx.size == x.size);
        bind();
        if (dx.size == 0) return;
        as(dx.element, [&]<class Value>(Value) {
            launch(device::pool_largest_backward<Value>, grid(dx.size), device::threads, stream_, s, dx.size, s.out().height, s.out().width, of<const Value>(x), of<const Value>(y), of<const Value>(dy), of<Value>(dx));
        });
    }
    void pool_mean(std::size_t rows, std::size_t pixels, DeviceSpan x, DeviceSpan y) override {
        assert(x.size == y.size * pixels);
        bind();
        if (y.size == 0) return;
        as(y.element, [&]<class Value>(Value) { launch(device::pool_mean<Value>, grid(y.size), device::threads, stream_, y.size, pixels, y.size / rows, of<const Value>(x), of<Value>(y)); });
    }
    void pool_mean_backward(std::size_t rows, std::size_t pixels, DeviceSpan x, bool x_is_relu, DeviceSpan dy, DeviceSpan dx) override {
        assert(dx.size == dy.size * pixels && (!x_is_relu || x.size == dx.size));
        bind();
        if (dx.size == 0) return;
        as(dx.element, [&]<class Value>(Value) {
            launch(device::pool_mean_backward<Value>, grid(dx.size), device::threads, stream_, dx.size, pixels, dy.size / rows, x_is_relu ? of<const Value>(x) : nullptr, of<const Value>(dy), of<Value>(dx));
        });
    }

    void normalise(DeviceSpan x, DeviceSpan gain, DeviceSpan bias, DeviceSpan statistics, DeviceSpan y) override {
        const std::size_t rows = rows_of(x, gain.size);
        assert(bias.size == gain.size && y.size == x.size && statistics.size == 2 * rows);
        bind();
        if (rows == 0) return;
        as(x.element, [&]<class Value>(Value) { launch(device::normalise<Value>, warps(rows), device::threads, stream_, rows, gain.size, of<const Value>(x), gain.data, bias.data, statistics.data, of<Value>(y)); });
    }
    void normalise_backward(DeviceSpan x, DeviceSpan gain, DeviceSpan statistics, DeviceSpan dy, DeviceSpan dx, DeviceSpan dgain, DeviceSpan dbias) override {
        const std::size_t rows = rows_of(x, gain.size), width = gain.size;
        assert(dy.size == x.size && dx.size == x.size && statistics.size == 2 * rows && dgain.size == width && dbias.size == width);
        bind();
        if (width == 0) return;
        if (rows == 0) return zero(dgain), zero(dbias);
        const Shares shares(rows, blocks_);
        float* const partial = grown(shares_[main], (shares.count + 1) * 2 * width);
        float* const both = partial + shares.count * 2 * width;
        as(x.element, [&]<class Value>(Value) {
            launch(device::normalise_parameters<Value>, columns_grid(width, shares), device::threads, stream_, rows, width, shares.each, of<const Value>(x), statistics.data, of<const Value>(dy), partial);
            launch(device::normalise_backward<Value>, warps(rows), device::threads, stream_, rows, width, of<const Value>(x), gain.data, statistics.data, of<const Value>(dy), of<Value>(dx));
        });
        launch(device::add_shares, grid(2 * width), device::threads, stream_, 2 * width, shares.count, partial, both);
        copy_there(both, dgain);
        copy_there(both + width, dbias);
    }
    void gelu(DeviceSpan x, DeviceSpan y) override {
        assert(x.size == y.size);
        bind();
        if (x.size == 0) return;
        as(x.element, [&]<class Value>(Value) { launch(device::gelu<Value>, grid(x.size), device::threads, stream_, x.size, of<const Value>(x), of<Value>(y)); });
    }
    void gelu_backward(DeviceSpan x, DeviceSpan dy, DeviceSpan dx) override {
        assert(x.size == dy.size && dx.size == x.size);
        bind();
        if (x.size == 0) return;
        as(x.element, [&]<class Value>(Value) { launch(device::gelu_backward<Value>, grid(x.size), device::threads, stream_, x.size, of<const Value>(x), of<const Value>(dy), of<Value>(dx)); });
    }

    void embed(IndexSpan words, std::size_t width, DeviceSpan table, DeviceSpan places, DeviceSpan to) override {
        assert(to.size == words.size * width && table.size % width == 0 && places.size % width == 0);
        assert(table.element == Element::float32 && (!places || places.element == Element::float32));
        bind();
        if (to.size == 0) return;
        as(to.element, [&]<class Value>(Value) {
            launch(device::embed<Value>, grid(to.size), device::threads, stream_, to.size, width, words.data, table.size / width, table.data, places ? places.data : nullptr, places.size / width, of<Value>(to));
        });
    }
    void embed_backward(IndexSpan words, std::size_t width, DeviceSpan dy, DeviceSpan dtable, DeviceSpan dplaces) override {
        assert(dy.size == words.size * width && dtable.size % width == 0 && dplaces.size % width == 0);
        bind();
        as(dy.element, [&]<class Value>(Value) {
            if (dtable) launch(device::embed_backward<Value>, dim3(static_cast<unsigned>(dtable.size / width)), device::threads, stream_, words.size, width, words.data, of<const Value>(dy), dtable.data);
            if (dplaces) launch(device::places_backward<Value>, grid(dplaces.size), device::threads, stream_, dplaces.size, dy.size, of<const Value>(dy), dplaces.data);
        });
    }

    void gru(const Gru& s, DeviceSpan from_input, DeviceSpan from_state, DeviceSpan state, DeviceSpan kept, DeviceSpan next) override {
        const std::size_t n = s.rows * s.width;
        assert(from_input.size == 3 * n && from_state.size == 3 * n && state.size == n && kept.size == 4 * n && next.size == n);
        bind();
        if (n == 0) return;
        as(state.element, [&]<class Value>(Value) {
            launch(device::gru<Value>, grid(n), device::threads, stream_, n, s.width, of<const Value>(from_input), of<const Value>(from_state), of<const Value>(state), of<Value>(kept), of<Value>(next));
        });
    }
    void gru_backward(const Gru& s, DeviceSpan state, DeviceSpan kept, DeviceSpan dnext, DeviceSpan dfrom_input, DeviceSpan dfrom_state, DeviceSpan dstate) override {
        const std::size_t n = s.rows * s.width;
        assert(dfrom_input.size == 3 * n && dfrom_state.size == 3 * n && state.size == n && kept.size == 4 * n && dnext.size == n && dstate.size == n);
        bind();
        if (n == 0) return;
        as(state.element, [&]<class Value>(Value) {
            launch(device::gru_backward<Value>, grid(n), device::threads, stream_, n, s.width, of<const Value>(state), of<const Value>(kept), of<const Value>(dnext), of<Value>(dfrom_input), of<Value>(dfrom_state), of<Value>(dstate));
        });
    }

    void row_dots(std::size_t width, std::size_t group, DeviceSpan a, DeviceSpan b, DeviceSpan dots) override {
        assert(b.size == dots.size * width && a.size * group == b.size);
        bind();
        if (dots.size == 0) return;
        as(dots.element, [&]<class Value>(Value) { launch(device::row_dots<Value>, warps(dots.size), device::threads, stream_, dots.size, width, group, of<const Value>(a), of<const Value>(b), of<Value>(dots)); });
    }
    void row_dots_backward(std::size_t width, std::size_t group, DeviceSpan a, DeviceSpan b, DeviceSpan ddots, DeviceSpan da, DeviceSpan db) override {
        assert(b.size == ddots.size * width && a.size * group == b.size && da.size == a.size && db.size == b.size);
        bind();
        if (a.size == 0) return;
        as(a.element, [&]<class Value>(Value) {
            launch(device::row_dots_backward<Value>, grid(a.size), device::threads, stream_, a.size, width, group, of<const Value>(a), of<const Value>(b), of<const Value>(ddots), of<Value>(da), of<Value>(db));
        });
    }

    // ---- losses ----

    void softmax_cross_entropy(std::size_t classes, IndexSpan targets, DeviceSpan logits) override {
        assert(logits.size == targets.size * classes);
        bind();
        const std::size_t rows = targets.size;
        if (rows == 0) return;
        double* const losses = grown(row_losses_, 2 * rows);
        as(logits.element, [&]<class Value>(Value) {
            launch(device::softmax_cross_entropy<Value>, dim3(static_cast<unsigned>(rows)), threads_for(classes), stream_, classes, targets.data, 1 / static_cast<float>(rows), of<Value>(logits), losses);
        });
        add_losses(rows, losses);
    }
    void hinge(std::size_t classes, IndexSpan targets, DeviceSpan outputs) override {
        assert(outputs.size == targets.size * classes);
        bind();
        const std::size_t rows = targets.size;
        if (rows == 0) return;
        double* const losses = grown(row_losses_, 2 * rows);
        as(outputs.element, [&]<class Value>(Value) { launch(device::hinge<Value>, grid(rows), device::threads, stream_, rows, classes, targets.data, 1 / static_cast<float>(rows * classes), of<Value>(outputs), losses); });
        add_losses(rows, losses);
    }
    void squared_error(DeviceSpan targets, DeviceSpan outputs) override {
        assert(targets.size == outputs.size && targets.element == Element::float32);
        bind();
        const std::size_t rows = targets.size;
        if (rows == 0) return;
        double* const losses = grown(row_losses_, 2 * rows);
        as(outputs.element, [&]<class Value>(Value) { launch(device::squared_error<Value>, grid(rows), device::threads, stream_, rows, targets.data, 2 / static_cast<float>(rows), of<Value>(outputs), losses); });
        add_losses(rows, losses);
    }
    void pairs(std::size_t group, DeviceSpan scores) override {
        bind();
        const std::size_t rows = rows_of(scores, group);
        if (rows == 0) return;
        double* const losses = grown(row_losses_, 2 * rows);
        as(scores.element, [&]<class Value>(Value) { launch(device::pairs<Value>, grid(rows), device::threads, stream_, rows, group, 1 / static_cast<float>(rows), of<Value>(scores), losses); });
        add_losses(rows, losses);
    }
    Losses take_losses() override {
        bind();
        const double* const sums = handed_over(losses_at, 3);
        return {sums[0], static_cast<std::uint64_t>(sums[1]), static_cast<std::uint64_t>(sums[2])};
    }

    // ---- the optimiser, and mixing ----

    void clip(float limit, DeviceSpan gradient) override {
        assert(gradient.element == Element::float32);
        bind();
        if (gradient.size == 0) return;
        const unsigned count = grid(gradient.size);
        launch(device::squared_distance, count, device::threads, stream_, gradient.size, gradient.data, nullptr, partial_.data());
        launch(device::shorten, count, device::threads, stream_, gradient.size, limit, partial_.data(), count, gradient.data);
    }

    void step(const Step& how, DeviceSpan rates, const Decays& decays, DeviceSpan gradient, DeviceSpan first, DeviceSpan second, DeviceSpan parameters) override {
        assert(rates.size == rates_size && gradient.size == parameters.size);
        assert(how.rule == Step::Rule::sgd || first.size == parameters.size);
        assert(how.rule != Step::Rule::adamw || second.size == parameters.size);
        assert(decays.flags.size == 0 || decays.offset + parameters.size <= 64 * decays.flags.size);
        bind();
        if (parameters.size == 0) return;
        const auto with = [&](auto kernel) {
            launch(kernel, grid(parameters.size), device::threads, stream_, how, parameters.size, rates.data, decays.flags.size == 0 ? nullptr : static_cast<const std::uint8_t*>(decays.flags.data), decays.offset,
                   gradient.data, first.data, second.data, parameters.data, shadow_there(parameters));
        };
        switch (how.rule) {
            case Step::Rule::sgd: return with(device::step<Step::Rule::sgd>);
            case Step::Rule::momentum: return with(device::step<Step::Rule::momentum>);
            case Step::Rule::nesterov: return with(device::step<Step::Rule::nesterov>);
            case Step::Rule::adamw: return with(device::step<Step::Rule::adamw>);
        }
    }

    Mixed mix(float ours_weight, DeviceSpan ours, float theirs_weight, std::span<const float> theirs) override {
        assert(ours.size == theirs.size());
        const Encoded encoded{Encoded::As::float32, theirs.size(), reinterpret_cast<const std::byte*>(theirs.data())};
        return mix_brought(ours_weight, ours, theirs_weight, encoded, *bring(encoded));
    }

    bool transfers() const override { return true; }
    std::shared_ptr<std::byte> host_memory(std::size_t bytes) override {
        bind();
        return transfers_->host_memory(bytes);
    }
    std::shared_ptr<Underway> freeze(DeviceSpan from, Encoded::As as, std::shared_ptr<std::byte> to) override {
        assert(from.element == Element::float32 && as != Encoded::As::int8);
        bind();
        return transfers_->freeze(transfers_, stream_, grid(std::max<std::size_t>(from.size, 1)), from, as, std::move(to));
    }
    std::shared_ptr<Underway> bring(const Encoded& theirs) override { return transfers_->bring(transfers_, theirs.data, theirs.bytes()); }

    Mixed mix_brought(float ours_weight, DeviceSpan ours, float theirs_weight, const Encoded& theirs, Underway& underway) override {
        assert(ours.size == theirs.count && ours.element == Element::float32);
        bind();
        if (ours.size == 0) return {};
        auto& coming = dynamic_cast<Transfers::Coming&>(underway);
        coming.hold(stream_);
        const unsigned count = grid(ours.size);
        const auto with = [&]<class Theirs>(Theirs there) {
            launch(device::mix<Theirs>, count, device::threads, stream_, ours.size, ours_weight, ours.data, theirs_weight, there, shadow_there(ours), partial_.data());
        };
        switch (theirs.as) {
            case Encoded::As::float32: with(device::Floats{reinterpret_cast<const float*>(coming.data())}); break;
            case Encoded::As::bf16: with(device::Halves{reinterpret_cast<const Bf16*>(coming.data())}); break;
            case Encoded::As::int8: with(device::Blocks{reinterpret_cast<const unsigned char*>(coming.data())}); break;
        }
        coming.read(stream_);
        launch(device::add_up, 1, device::threads, stream_, partial_.data(), count, 2, false, sums_.data());
        const double* const sums = handed_over(0, 2);
        return {sums[0], sums[1]};
    }

private:
    enum Lane : unsigned { main = 0, side = 1 };
    static constexpr unsigned losses_at = 2, sums_count = 5;        // in sums_: two of anybody's, then the losses
    static constexpr std::size_t small_words = std::size_t{1} << 16;  // so many pass by a kernel and not by an engine that copies
    static constexpr std::size_t most_working = std::size_t{1} << 27;  // elements of an operation's own memory, if it can be

    struct Block {  // that allocate() gave
        float* data;
        std::size_t size;
        Bf16* shadow;  // once it was asked for
    };

    static int bound(int device) {
        GRAPEVINE_CUDA(cudaSetDevice(device));
        return device;
    }
    void bind() const { GRAPEVINE_CUDA(cudaSetDevice(device_)); }  // calls may come from any thread

    template <class F>
    static void as(Element element, F&& f) {
        if (element == Element::float32) f(float{});
        else f(Bf16{});
    }
    template <class Value>
    static Value* of(DeviceSpan span) {
        return reinterpret_cast<Value*>(span.data);
    }

    unsigned grid(std::size_t size) const { return static_cast<unsigned>(std::min<std::size_t>((size + device::threads - 1) / device::threads, blocks_)); }
    static dim3 warps(std::size_t rows) {
        constexpr std::size_t of_block = device::threads / device::lanes;
        return dim3(static_cast<unsigned>((rows + of_block - 1) / of_block));
    }
    static unsigned threads_for(std::size_t width) { return width <= 256 ? device::lanes : device::threads; }  // of a block that has a row

    static std::size_t rows_of(DeviceSpan x, std::size_t columns) {
        if (columns == 0) return 0;
        assert(x.size % columns == 0);
        return x.size / columns;
    }

    // Grown memory lies elsewhere: what works in the old must end, and what was recorded is forgotten.
    template <class Value>
    Value* grown(DeviceBuffer<Value>& buffer, std::size_t size) {
        if (size > buffer.size()) {
            assert(!graphs_.recording());
            stream_.wait();
            side_.wait();
            graphs_.clear();
        }
        return buffer.get(std::max<std::size_t>(size, 1));
    }
    DeviceSpan working(std::size_t size, Element element) { return {grown(working_, element == Element::float32 ? size : (size + 1) / 2), size, element}; }

    Block* block_of(DeviceSpan span) {
        for (Block& block : allocated_)
            if (span.data >= block.data && span.data + span.size <= block.data + block.size) return &block;
        return nullptr;
    }
    // Of parameters: where their shadow lies, if they have one.
    Bf16* shadow_there(DeviceSpan span) {
        if (element_ == Element::float32 || span.element != Element::float32 || span.size == 0) return nullptr;
        const Block* const block = block_of(span);
        return block && block->shadow ? block->shadow + (span.data - block->data) : nullptr;
    }
    // The biases as a product that writes this element wants them.
    const void* biases_as(Element element, DeviceSpan biases) {
        if (element == Element::float32) return biases.data;
        if (const Bf16* const there = shadow_there(biases)) return there;
        const DeviceSpan& s = shadowed_scratch_;
        return s && biases.data >= s.data && biases.data + biases.size <= s.data + s.size ? shadow_of_scratch_.data() + (biases.data - s.data) : nullptr;
    }

    void zero(DeviceSpan span) { GRAPEVINE_CUDA(cudaMemsetAsync(span.data, 0, span.size * (span.element == Element::float32 ? 4 : 2), stream_)); }
    void copy_there(const float* from, DeviceSpan to) { GRAPEVINE_CUDA(cudaMemcpyAsync(to.data, from, to.size * sizeof(float), cudaMemcpyDeviceToDevice, stream_)); }
    void carry(const void* from, std::size_t words, void* to) {
        if (words > small_words) GRAPEVINE_CUDA(cudaMemcpyAsync(to, from, words * 4, cudaMemcpyHostToDevice, stream_));
        else launch(device::carry, grid(words), device::threads, stream_, words, static_cast<const std::uint32_t*>(from), static_cast<std::uint32_t*>(to));
    }

    template <class Value, class F>
    void bring_words(const Value* from, std::size_t count, F&& pass_on) {
        static_assert(sizeof(Value) == 4);
        constexpr std::size_t piece = std::size_t{1} << 20;
        for (std::size_t begin = 0; begin < count; begin += piece) {
            const std::size_t n = std::min(piece, count - begin);
            const Ring::Place place = ring_.take(n * sizeof(Value));
            std::memcpy(place.data, from + begin, n * sizeof(Value));
            pass_on(begin, n, place.data);
            place.read->record(stream_);
        }
    }

    template <class Value>
    Table keep_any(std::span<const Value> values, Table::Type type) {
        bind();
        auto& kept = kept_[{values.data(), type}];
        if (kept.data && kept.bytes != values.size_bytes()) {  // another table began there once
            stream_.wait();
            graphs_.clear();
            cudaFree(std::exchange(kept.data, nullptr));
        }
        if (!kept.data && !values.empty()) {
            const auto brought = transfers_->bring(transfers_, reinterpret_cast<const std::byte*>(values.data()), values.size_bytes());
            void* memory = nullptr;
            GRAPEVINE_CUDA(cudaMalloc(&memory, values.size_bytes()));
            kept = {memory, values.size_bytes()};
            brought->hold(stream_);
            GRAPEVINE_CUDA(cudaMemcpyAsync(memory, brought->data(), values.size_bytes(), cudaMemcpyDeviceToDevice, stream_));
            brought->read(stream_);
        }
        return {kept.data, values.size(), type};
    }

    // What the kernels have written into sums_, for the host; those become 0.
    const double* handed_over(unsigned begin, unsigned count) {
        double* const answer = answer_.data();
        std::fill_n(answer, count, std::nan(""));
        launch(device::hand_over, 1, device::lanes, stream_, count, sums_.data() + begin, answer);
        stream_.wait();
        return answer;
    }

    double distance_of(DeviceSpan x, const float* y) {
        assert(x.element == Element::float32);
        bind();
        if (x.size == 0) return 0;
        const unsigned count = grid(x.size);
        launch(device::squared_distance, count, device::threads, stream_, x.size, x.data, y, partial_.data());
        launch(device::add_up, 1, device::threads, stream_, partial_.data(), count, 1, false, sums_.data());
        return handed_over(0, 1)[0];
    }

    void add_losses(std::size_t rows, const double* losses) { launch(device::add_losses, 1, device::threads, stream_, rows, losses, sums_.data() + losses_at); }

    void add_any(DeviceSpan x, DeviceSpan y, bool relu, DeviceSpan to) {
        assert(x.size == y.size && to.size == x.size);
        bind();
        if (x.size == 0) return;
        as(x.element, [&]<class Value>(Value) { launch(device::add<Value>, grid(x.size), device::threads, stream_, x.size, of<const Value>(x), of<const Value>(y), relu, of<Value>(to)); });
    }

    // ---- products, and what they share ----

    cudaStream_t stream_of(Lane lane) const { return lane == main ? stream_ : side_; }
    bool multiply(const Product& p, Lane lane = main) { return products_.multiply(p, stream_of(lane), lane, graphs_.recording()); }

    // What follows in the side stream begins where the main one is now; and then the main one waits for it.
    void fork() {
        forked_.record(stream_);
        forked_.hold(side_);
    }
    void join() {
        joined_.record(side_);
        joined_.hold(stream_);
    }

    void layer(std::size_t rows, std::size_t inputs, std::size_t outputs, bool relu, DeviceSpan x, DeviceSpan weights, DeviceSpan biases, DeviceSpan y) {
        if (y.size == 0) return;
        bool left = biases || relu;  // to be done after the product
        if (inputs == 0) {
            zero(y);
        } else {
            Product p{.m = rows, .n = outputs, .k = inputs, .a = {x.data, inputs, false}, .b = {weights.data, outputs, false}, .of = x.element, .c = y.data, .leading = outputs, .to = y.element};
            if (biases && (!relu || relu_is_honest_)) {
                p.vector = biases_as(y.element, biases);
                if (p.vector) p.extra = relu ? Product::Extra::bias_relu : Product::Extra::bias;
            }
            if (p.extra != Product::Extra::none && multiply(p)) {
                left = false;
            } else {
                p.extra = Product::Extra::none;
                p.vector = nullptr;
                multiply(p);
            }
        }
        if (left) bias_after(rows, outputs, relu, biases, y);
    }
    void bias_after(std::size_t rows, std::size_t outputs, bool relu, DeviceSpan biases, DeviceSpan y) {
        assert(y.size == rows * outputs);
        as(y.element, [&]<class Value>(Value) { launch(device::bias<Value>, grid(y.size), device::threads, stream_, y.size, outputs, biases ? biases.data : nullptr, relu, of<Value>(y)); });
    }

    // dweights = x' dy + beta dweights, and dbiases = the column sums of dy.
    void gradient_of_weights(std::size_t rows, std::size_t inputs, std::size_t outputs, DeviceSpan x, DeviceSpan dy, DeviceSpan dweights, DeviceSpan dbiases, float beta, Lane lane) {
        if (rows == 0 || dweights.size == 0) {
            if (rows == 0 && dweights.size > 0) GRAPEVINE_CUDA(cudaMemsetAsync(dweights.data, 0, dweights.size * sizeof(float), stream_of(lane)));
            if (dbiases) column_sums(rows, outputs, dy, dbiases, lane);
            return;
        }
        Product p{.m = inputs, .n = outputs, .k = rows, .a = {x.data, inputs, true}, .b = {dy.data, outputs, false}, .of = dy.element, .c = dweights.data, .leading = outputs, .beta = beta};
        if (dbiases) {
            p.extra = Product::Extra::sums_of_b;
            p.vector = dbiases.data;
            if (multiply(p, lane)) return;
            p.extra = Product::Extra::none;
            p.vector = nullptr;
        }
        multiply(p, lane);
        if (dbiases) column_sums(rows, outputs, dy, dbiases, lane);
    }

    // Of many rows, so that as many blocks work as the device likes.
    struct Shares {
        unsigned count = 1;
        std::size_t each = 1;
        Shares(std::size_t rows, unsigned blocks) {
            const std::size_t most = std::min<std::size_t>(std::max<unsigned>(blocks / 8, 1), 128);
            each = std::max<std::size_t>((rows + most - 1) / most, 64);
            count = static_cast<unsigned>(std::max<std::size_t>((rows + each - 1) / each, 1));
        }
    };
    static dim3 columns_grid(std::size_t width, const Shares& shares) { return dim3(static_cast<unsigned>((width + device::columns_of_block - 1) / device::columns_of_block), shares.count); }

    void column_sums(std::size_t rows, std::size_t width, DeviceSpan x, DeviceSpan sums, Lane lane) {
        if (width == 0) return;
        const Shares shares(rows, blocks_);
        float* const partial = shares.count == 1 ? sums.data : grown(shares_[lane], shares.count * width);
        as(x.element, [&]<class Value>(Value) { launch(device::column_sums<Value>, columns_grid(width, shares), device::threads, stream_of(lane), rows, width, shares.each, of<const Value>(x), partial); });
        if (shares.count > 1) launch(device::add_shares, grid(width), device::threads, stream_of(lane), width, shares.count, partial, sums.data);
    }

    // What a convolution's kernels see: of each pixel of the output a row.
    struct Seen {
        std::size_t pixels, width;
        bool as_it_lies;  // a kernel of one pixel sees the picture itself
        explicit Seen(const Convolution& s)
            : pixels(s.out().height * s.out().width), width(s.side * s.side * s.in.channels), as_it_lies(s.side == 1 && s.stride == 1 && s.padding == 0) {}
    };
    template <class F>
    void for_pictures(const Convolution& s, F&& f) {
        const Seen seen(s);
        const std::size_t at_once = seen.as_it_lies ? std::max<std::size_t>(s.rows, 1) : std::max<std::size_t>(1, most_working / (seen.pixels * seen.width));
        for (std::size_t begin = 0; begin < s.rows; begin += at_once) f(begin, std::min(at_once, s.rows - begin));
    }
    DeviceSpan columns_for(const Convolution& s, std::size_t rows, Element element) {
        const Seen seen(s);
        return working(rows * seen.pixels * seen.width, element);
    }
    DeviceSpan unfolded(const Convolution& s, std::size_t rows, DeviceSpan x) {
        const DeviceSpan columns = columns_for(s, rows, x.element);
        as(x.element, [&]<class Value>(Value) { launch(device::unfold<Value>, grid(columns.size), device::threads, stream_, s, columns.size, s.out().height, s.out().width, of<const Value>(x), of<Value>(columns)); });
        return columns;
    }

    // Attention's matrices lie head by head and text by text: batches go over the one of the two that has more, the others follow
    // one after the other.
    class Heads {
    public:
        explicit Heads(const Attention& s) : s_(s), head_(s.width / s.heads), over_texts_(s.rows >= s.heads) {}

        struct Place {
            DeviceSpan all;
            std::size_t offset, leading, step;
            bool transposed;
        };
        struct Size {
            std::size_t m, n, k;
        };
        template <class F>
        void each(F&& f) const {
            for (std::size_t i = 0; i < (over_texts_ ? s_.heads : s_.rows); ++i) f(i);
        }
        // Queries, keys or values: part 0, 1 or 2.
        Place in(DeviceSpan qkv, std::size_t part, std::size_t i, bool transposed = false) const {
            return place(qkv, part * s_.width, head_, 3 * s_.length * s_.width, 3 * s_.width, i, transposed);
        }
        Place out(DeviceSpan out, std::size_t i) const { return place(out, 0, head_, s_.length * s_.width, s_.width, i, false); }
        Place square(DeviceSpan p, std::size_t i, bool transposed = false) const {
            return place(p, 0, s_.length * s_.length, s_.heads * s_.length * s_.length, s_.length, i, transposed);
        }
        Product product(Size size, const Place& a, const Place& b, const Place& c) const {
            return {.m = size.m, .n = size.n, .k = size.k, .a = matrix(a), .b = matrix(b), .of = a.all.element, .c = c.all.part(c.offset, 0).data, .leading = c.leading,
                    .step = static_cast<std::int64_t>(c.step), .to = c.all.element, .batch = over_texts_ ? s_.rows : s_.heads};
        }

    private:
        Place place(DeviceSpan all, std::size_t offset, std::size_t of_head, std::size_t of_text, std::size_t leading, std::size_t i, bool transposed) const {
            return {all, offset + i * (over_texts_ ? of_head : of_text), leading, over_texts_ ? of_text : of_head, transposed};
        }
        static Product::Matrix matrix(const Place& p) { return {p.all.part(p.offset, 0).data, p.leading, p.transposed, static_cast<std::int64_t>(p.step)}; }

        Attention s_;
        std::size_t head_;
        bool over_texts_;
    };
    void softmax(const Attention& s, DeviceSpan scores) {
        const std::size_t rows = s.rows * s.heads * s.length;
        as(scores.element, [&]<class Value>(Value) {
            launch(device::causal_softmax<Value>, dim3(static_cast<unsigned>(rows)), threads_for(s.length), stream_, s.length, 1 / std::sqrt(static_cast<float>(s.width / s.heads)), of<Value>(scores));
        });
    }

    // Whether the library's ReLU lets pass what is no number: a model that has diverged must show it. Where it hides it, or has
    // none, ours comes after the product.
    bool look_at_relu() {
        DeviceBuffer<float> memory;
        float* const data = memory.get(3 * 1024);
        GRAPEVINE_CUDA(cudaMemsetAsync(data, 0xff, 3 * 1024 * sizeof(float), stream_));  // no numbers
        const std::size_t n = 16;
        Product p{.m = n, .n = n, .k = n, .a = {data, n, false}, .b = {data, n, false}, .of = element_, .c = data + 1024, .leading = n, .to = element_, .extra = Product::Extra::bias_relu, .vector = data + 2048};
        GRAPEVINE_CUDA(cudaMemsetAsync(data + 1024, 0, 1024 * sizeof(float), stream_));
        const bool there = multiply(p);
        float result = 0;
        download({data + 1024, 1, element_}, {&result, 1});
        return there && std::isnan(result);
    }

    int device_;
    Element element_;
    unsigned blocks_ = 0;  // of a kernel that goes over a large block: enough to fill the device
    std::string name_;
    bool relu_is_honest_ = false;
    Stream stream_, side_;
    Event forked_, joined_;
    std::vector<Block> allocated_;
    struct Kept {
        void* data = nullptr;
        std::size_t bytes = 0;
    };
    std::map<std::pair<const void*, Table::Type>, Kept> kept_;
    DeviceBuffer<double> partial_, sums_, row_losses_;
    PinnedBuffer<double> answer_;
    DeviceBuffer<float> scratch_, working_, shares_[2];
    DeviceBuffer<Bf16> shadow_of_scratch_;
    DeviceSpan shadowed_scratch_;  // what it is of
    Ring ring_;
    PinnedBuffer<float> download_;
    Event downloaded_[2];
    CudaProducts products_;
    Graphs graphs_;
    std::shared_ptr<Transfers> transfers_;
};

Backend* make(int device, Element element) { return new CudaBackend(device, element); }

}  // namespace
}  // namespace grapevine::kernels

extern "C" __attribute__((visibility("default"))) const grapevine::kernels::CudaModule* grapevine_cuda_module() {
    static constexpr grapevine::kernels::CudaModule table{grapevine::kernels::cuda_module_abi, grapevine::kernels::make};
    return &table;
}
