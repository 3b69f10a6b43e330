#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>
#include <utility>
#include <vector>

#include "attention.hpp"
#include "convolution.hpp"
#include "grapevine/kernels/cpu.hpp"
#include "layers.hpp"
#include "loops.hpp"
#include "memory.hpp"
#include "products.hpp"

namespace grapevine::kernels {
namespace {

thread_local Workspace scratch_of_thread;

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
        return {scratch_of_thread.floats(size), size};
    }

    void upload(std::span<const float> from, DeviceSpan to) override {
        assert(from.size() == to.size);
        if (to.size > 0) std::memcpy(to.data, from.data(), to.size * sizeof(float));
    }

    void download(DeviceSpan from, std::span<float> to) override {
        assert(from.size == to.size());
        if (from.size > 0) std::memcpy(to.data(), from.data, from.size * sizeof(float));
    }

    void clear(DeviceSpan block, std::span<const Part> parts) override {
        for (const Part& p : parts) {
            assert(p.offset <= block.size && p.count <= block.size - p.offset);
            std::memset(block.data + p.offset, 0, p.count * sizeof(float));
        }
    }

    Table keep(std::span<const std::uint8_t> values) override { return {values.data(), values.size(), Table::Type::bytes}; }
    Table keep(std::span<const float> values) override { return {values.data(), values.size(), Table::Type::floats}; }
    Table keep(std::span<const std::int32_t> values) override { return {values.data(), values.size(), Table::Type::indices}; }

    void upload(std::span<const std::int32_t> from, IndexSpan to) override {
        assert(from.size() == to.size);
        if (to.size > 0) std::memcpy(to.data, from.data(), to.size * sizeof(std::int32_t));
    }

    void repeat(const Recipe&, std::uint32_t count, const std::function<void(std::uint32_t)>& step) override {
        for (std::uint32_t i = 0; i < count; ++i) step(i);
    }

    void gather(const Table& table, std::size_t width, std::size_t stride, IndexSpan rows, Normalisation how, DeviceSpan to) override {
        if (table.type == Table::Type::bytes) gather_any(values_of<std::uint8_t>(table), width, stride, rows, how, to);
        else gather_any(values_of<float>(table), width, stride, rows, how, to);
    }

    void gather_moved(const Table& table, Picture picture, IndexSpan rows, IndexSpan moves, Normalisation how, DeviceSpan to) override {
        if (table.type == Table::Type::bytes) gather_moved_any(values_of<std::uint8_t>(table), picture, rows, moves, how, to);
        else gather_moved_any(values_of<float>(table), picture, rows, moves, how, to);
    }

    void take(const Table& table, std::size_t width, std::size_t stride, std::size_t skip, IndexSpan rows, bool by_place, IndexSpan to) override {
        if (table.type == Table::Type::bytes) take_any(values_of<std::uint8_t>(table), width, stride, skip, rows, by_place, to);
        else take_any(values_of<std::int32_t>(table), width, stride, skip, rows, by_place, to);
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

    void dense(const Dense& s, DeviceSpan x, DeviceSpan weights, DeviceSpan biases, DeviceSpan y) override {
        gemm({.m = s.rows, .n = s.outputs, .k = s.inputs}, x, weights, y);
        add_biases(s.rows, s.outputs, s.relu, biases, y);
    }

    void dense_backward(const Dense& s, DeviceSpan x, DeviceSpan weights, DeviceSpan dy, DeviceSpan dx, DeviceSpan dweights, DeviceSpan dbiases) override {
        if (dbiases) loops::column_sums(s.rows, s.outputs, dy.data, dbiases.data);
        if (dweights) gemm({.m = s.inputs, .n = s.outputs, .k = s.rows, .transpose_a = true}, x, dy, dweights);
        if (!dx) return;
        gemm({.m = s.rows, .n = s.inputs, .k = s.outputs, .transpose_b = true}, dy, weights, dx);
        if (s.x_is_relu) mask(x, dx);
    }

    void convolve(const Convolution& s, DeviceSpan x, DeviceSpan weights, DeviceSpan biases, DeviceSpan y) override {
        assert(x.size == s.rows * s.in.size() && y.size == s.rows * s.out().size() && weights.size == s.weights());
        assert(!biases || biases.size == s.outputs);
        if (y.size == 0) return;
        (winograd::can(s) ? winograd::convolve : kernels::convolve)(s, x.data, weights.data, biases.data, y.data);
    }

    void convolve_backward(const Convolution& s, DeviceSpan x, DeviceSpan weights, DeviceSpan dy, DeviceSpan dx, DeviceSpan dweights, DeviceSpan dbiases) override {
        assert(x.size == s.rows * s.in.size() && dy.size == s.rows * s.out().size() && weights.size == s.weights() && dweights.size == s.weights());
        assert((!dbiases || dbiases.size == s.outputs) && (!dx || dx.size == x.size));
        if (dbiases) loops::column_sums(rows_of(dy, s.outputs), s.outputs, dy.data, dbiases.data);
        if (dy.size == 0) {
            std::memset(dweights.data, 0, dweights.size * sizeof(float));
            return;
        }
        (winograd::can(s) ? winograd::convolve_back_to_weights : kernels::convolve_back_to_weights)(s, x.data, dy.data, dweights.data);
        if (dx) (winograd::can(s) ? winograd::convolve_back_to_input : kernels::convolve_back_to_input)(s, x.data, weights.data, dy.data, dx.data);
    }

    void attend(const Attention& s, DeviceSpan qkv, DeviceSpan probabilities, DeviceSpan out) override {
        assert(s.width % s.heads == 0 && qkv.size == 3 * s.rows * s.length * s.width && out.size == s.rows * s.length * s.width);
        assert(probabilities.size == s.probabilities());
        attention::attend(s, qkv.data, probabilities.data, out.data);
    }

    void attend_backward(const Attention& s, DeviceSpan qkv, DeviceSpan probabilities, DeviceSpan dout, DeviceSpan dqkv) override {
        assert(s.width % s.heads == 0 && qkv.size == 3 * s.rows * s.length * s.width && dqkv.size == qkv.size);
        assert(dout.size == s.rows * s.length * s.width && probabilities.size == s.probabilities());
        attention::attend_backward(s, qkv.data, probabilities.data, dout.data, dqkv.data);
    }

    void add_relu(DeviceSpan x, DeviceSpan y, DeviceSpan to) override {
        assert(x.size == y.size && to.size == x.size);
        loops::add_relu(x.size, x.data, y.data, to.data);
    }
    void add(DeviceSpan x, DeviceSpan y, DeviceSpan to) override {
        assert(x.size == y.size && to.size == x.size);
        loops::add(x.size, x.data, y.data, to.data);
    }
    void mask(DeviceSpan activations, DeviceSpan gradient) override {
        assert(activations.size == gradient.size);
        loops::mask(activations.size, activations.data, gradient.data);
    }

    void pool_largest(const Pooling& s, DeviceSpan x, DeviceSpan y) override {
        assert(x.size == s.rows * s.in.size() && y.size == s.rows * s.out().size());
        layers::pool_largest(s, x.data, y.data);
    }
    void pool_largest_backward(const Pooling& s, DeviceSpan x, DeviceSpan y, DeviceSpan dy, DeviceSpan dx) override {
        assert(x.size == s.rows * s.in.size() && y.size == s.rows * s.out().size() && dy.size == y.size && dx.size == x.size);
        layers::pool_largest_backward(s, x.data, y.data, dy.data, dx.data);
    }
    void pool_mean(std::size_t rows, std::size_t pixels, DeviceSpan x, DeviceSpan y) override {
        assert(x.size == y.size * pixels);
        layers::pool_mean(rows, pixels, rows ? y.size / rows : 0, x.data, y.data);
    }
    void pool_mean_backward(std::size_t rows, std::size_t pixels, DeviceSpan x, bool x_is_relu, DeviceSpan dy, DeviceSpan dx) override {
        assert(dx.size == dy.size * pixels && (!x_is_relu || x.size == dx.size));
        layers::pool_mean_backward(rows, pixels, rows ? dy.size / rows : 0, x_is_relu ? x.data : nullptr, dy.data, dx.data);
    }

    void normalise(DeviceSpan x, DeviceSpan gain, DeviceSpan bias, DeviceSpan statistics, DeviceSpan y) override {
        const std::size_t rows = rows_of(x, gain.size);
        assert(bias.size == gain.size && y.size == x.size && statistics.size == 2 * rows);
        layers::normalise(rows, gain.size, x.data, gain.data, bias.data, statistics.data, y.data);
    }
    void normalise_backward(DeviceSpan x, DeviceSpan gain, DeviceSpan statistics, DeviceSpan dy, DeviceSpan dx, DeviceSpan dgain, DeviceSpan dbias) override {
        const std::size_t rows = rows_of(x, gain.size);
        assert(dy.size == x.size && dx.size == x.size && statistics.size == 2 * rows && dgain.size == gain.size && dbias.size == gain.size);
        layers::normalise_backward(rows, gain.size, x.data, gain.data, statistics.data, dy.data, dx.data, dgain.data, dbias.data);
    }
    void gelu(DeviceSpan x, DeviceSpan y) override {
        assert(x.size == y.size);
        layers::gelu(x.size, x.data, y.data);
    }
    void gelu_backward(DeviceSpan x, DeviceSpan dy, DeviceSpan dx) override {
        assert(x.size == dy.size && dx.size == x.size);
        layers::gelu_backward(x.size, x.data, dy.data, dx.data);
    }

    void embed(IndexSpan words, std::size_t width, DeviceSpan table, DeviceSpan places, DeviceSpan to) override {
        check(words, width, table, places, to);
        layers::embed(words.size, words.data, width, table.data, places ? places.data : nullptr, places.size / width, to.data);
    }
    void embed_backward(IndexSpan words, std::size_t width, DeviceSpan dy, DeviceSpan dtable, DeviceSpan dplaces) override {
        check(words, width, dtable, dplaces, dy);
        std::memset(dtable.data, 0, dtable.size * sizeof(float));
        if (dplaces) std::memset(dplaces.data, 0, dplaces.size * sizeof(float));
        layers::embed_backward(words.size, words.data, width, dy.data, dtable.data, dplaces ? dplaces.data : nullptr, dplaces.size / width);
    }

    void gru(const Gru& s, DeviceSpan from_input, DeviceSpan from_state, DeviceSpan state, DeviceSpan kept, DeviceSpan next) override {
        const std::size_t n = s.rows * s.width;
        assert(from_input.size == 3 * n && from_state.size == 3 * n && state.size == n && kept.size == 4 * n && next.size == n);
        layers::gru(s, from_input.data, from_state.data, state.data, kept.data, next.data);
    }
    void gru_backward(const Gru& s, DeviceSpan state, DeviceSpan kept, DeviceSpan dnext, DeviceSpan dfrom_input, DeviceSpan dfrom_state, DeviceSpan dstate) override {
        const std::size_t n = s.rows * s.width;
        assert(dfrom_input.size == 3 * n && dfrom_state.size == 3 * n && state.size == n && kept.size == 4 * n && dnext.size == n && dstate.size == n);
        layers::gru_backward(s, state.data, kept.data, dnext.data, dfrom_input.data, dfrom_state.data, dstate.data);
    }

    void row_dots(std::size_t width, std::size_t group, DeviceSpan a, DeviceSpan b, DeviceSpan dots) override {
        assert(b.size == dots.size * width && a.size * group == b.size);
        layers::row_dots(dots.size / group, group, width, a.data, b.data, dots.data);
    }
    void row_dots_backward(std::size_t width, std::size_t group, DeviceSpan a, DeviceSpan b, DeviceSpan ddots, DeviceSpan da, DeviceSpan db) override {
        assert(b.size == ddots.size * width && a.size * group == b.size && da.size == a.size && db.size == b.size);
        layers::row_dots_backward(ddots.size / group, group, width, a.data, b.data, ddots.data, da.data, db.data);
    }

    void softmax_cross_entropy(std::size_t classes, IndexSpan targets, DeviceSpan logits) override {
        check(classes, targets, logits);
        layers::softmax_cross_entropy(targets.size, classes, targets.data, logits.data, losses_);
    }
    void hinge(std::size_t classes, IndexSpan targets, DeviceSpan outputs) override {
        check(classes, targets, outputs);
        layers::hinge(targets.size, classes, targets.data, outputs.data, losses_);
    }
    void squared_error(DeviceSpan targets, DeviceSpan outputs) override {
        assert(targets.size == outputs.size);
        layers::squared_error(targets.size, targets.data, outputs.data, losses_);
    }
    void pairs(std::size_t group, DeviceSpan scores) override {
        layers::pairs(rows_of(scores, group), group, scores.data, losses_);
    }
    Losses take_losses() override { return std::exchange(losses_, {}); }

    void clip(float limit, DeviceSpan gradient) override {
        const double norm = std::sqrt(squared_norm(gradient));
        if (norm > static_cast<double>(limit)) axpby(static_cast<float>(limit / norm), gradient, 0, gradient);
    }

    // In runs of parameters that all decay or none of them does.
    void step(const Step& how, DeviceSpan rates, const Decays& decays, DeviceSpan gradient, DeviceSpan first, DeviceSpan second, DeviceSpan parameters) override {
        assert(rates.size == rates_size && gradient.size == parameters.size);
        assert(how.rule == Step::Rule::sgd || first.size == parameters.size);
        assert(how.rule != Step::Rule::adamw || second.size == parameters.size);
        const Rates now{rates.data[0], rates.data[1], rates.data[2]};
        const auto flags = values_of<std::uint8_t>(decays.flags);
        const bool all = flags.empty() || how.weight_decay == 0;
        for (std::size_t begin = 0, end = 0; begin < parameters.size; begin = end) {
            Step here = how;
            end = parameters.size;
            if (!all) {
                const std::size_t at = decays.offset + begin;
                std::size_t granule = at / 64;
                assert(granule < flags.size());
                const std::uint8_t decay = flags[granule];
                while (granule < flags.size() && flags[granule] == decay) ++granule;
                end = std::min(parameters.size, granule * 64 - decays.offset);
                if (!decay) here.weight_decay = 0;
            }
            loops::step(here, now, end - begin, gradient.data + begin, first.data + begin, second.data + begin, parameters.data + begin);
        }
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
    static std::span<const Value> values_of(const Table& table) {
        return {static_cast<const Value*>(table.data), table.size};
    }

    static void check(IndexSpan words, std::size_t width, DeviceSpan table, DeviceSpan places, DeviceSpan embedded) {
        assert(width > 0 && embedded.size == words.size * width && table.size % width == 0 && places.size % width == 0);
        for (std::size_t i = 0; i < words.size; ++i) assert(words.data[i] >= 0 && static_cast<std::size_t>(words.data[i]) < table.size / width);
    }

    static void check(std::size_t classes, IndexSpan targets, DeviceSpan outputs) {
        assert(outputs.size == targets.size * classes);
        for (std::size_t i = 0; i < targets.size; ++i) assert(targets.data[i] >= 0 && static_cast<std::size_t>(targets.data[i]) < classes);
    }

    static void add_biases(std::size_t rows, std::size_t width, bool relu, DeviceSpan biases, DeviceSpan y) {
        assert(y.size == rows * width);
        if (biases) relu ? loops::bias_relu(rows, width, biases.data, y.data) : loops::bias(rows, width, biases.data, y.data);
        else if (relu) loops::relu(y.size, y.data);
    }

    template <class Value>
    static std::size_t begin_of(std::span<const Value> table, std::int32_t row, std::size_t width, std::size_t stride) {
        const std::size_t begin = static_cast<std::size_t>(row) * stride;
        assert(row >= 0 && begin <= table.size() && width <= table.size() - begin);
        return begin;
    }

    template <class Value>
    static void gather_any(std::span<const Value> table, std::size_t width, std::size_t stride, IndexSpan rows, Normalisation normalisation, DeviceSpan to) {
        assert(to.size == rows.size * width);
        // Rows of a batch lie anywhere, so each would be waited for: they are asked for two ahead.
        constexpr std::size_t ahead = 2, line = 64 / sizeof(Value);
        const auto ask_for = [&](std::size_t i) {
            if (i >= rows.size) return;
            const Value* const row = table.data() + begin_of(table, rows.data[i], width, stride);
            for (std::size_t at = 0; at < width; at += line) __builtin_prefetch(row + at);
        };
        for (std::size_t i = 0; i < ahead; ++i) ask_for(i);
        for (std::size_t i = 0; i < rows.size; ++i) {
            ask_for(i + ahead);
            loops::normalise(table.data() + begin_of(table, rows.data[i], width, stride), width, normalisation, to.data + i * width);
        }
    }

    template <class Value>
    static void gather_moved_any(std::span<const Value> table, Picture picture, IndexSpan rows, IndexSpan moves, Normalisation normalisation, DeviceSpan to) {
        const std::size_t size = picture.size();
        assert(to.size == rows.size * size && moves.size == rows.size);
        for (std::size_t i = 0; i < rows.size; ++i)
            layers::move(picture, moves.data[i], table.data() + begin_of(table, rows.data[i], size, size), normalisation, to.data + i * size);
    }

    template <class Value>
    static void take_any(std::span<const Value> table, std::size_t width, std::size_t stride, std::size_t skip, IndexSpan rows, bool by_place, IndexSpan to) {
        assert(to.size == rows.size * width);
        for (std::size_t i = 0; i < rows.size; ++i) {
            const Value* const row = table.data() + begin_of(table, rows.data[i], skip + width, stride) + skip;
            for (std::size_t j = 0; j < width; ++j) to.data[by_place ? j * rows.size + i : i * width + j] = static_cast<std::int32_t>(row[j]);
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
