#include "grapevine/learn/ordered_learner.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <span>

#include "grapevine/learn/encoding.hpp"
#include "grapevine/protocol.hpp"
#include "grapevine/sketch.hpp"

namespace grapevine::learn {

OrderedLearner::OrderedLearner(const Task& task, Encoding encoding)
    : pool_(task.pool), layout_(task.table.layout()), size_(task.table.size()), encoding_(encoding) {}

Completion OrderedLearner::carry_out(const Order& order) {
    Begun begun = begin(order, nullptr);
    if (begun.rest) begun.rest(begun.done);
    return std::move(begun.done);
}

Begun OrderedLearner::begin(const Order& order, std::shared_ptr<void> ahead) {
    Completion done{order.tag, 0, 0, Swapped{}};
    std::function<void(Completion&)> rest;
    std::visit(Cases{
        [&](const Train& train_order) {
            assert(!train_order.drift || train_order.drift->slot < slots());
            const Slice slice = train_order.slice.value_or(Slice{});
            assert(slice.index == next_slice_);
            assert(slice.index < slice.count);
            assert(!train_order.slice || train_order.steps == 1);
            next_slice_ = slice.last() ? 0 : slice.index + 1;
            const Trained trained = train(train_order);
            steps_ += trained.steps;
            samples_ += trained.samples;
            done.what = trained;
        },
        [&](const Publish& publish_order) {
            Begun begun = publish(publish_order);
            done.what = std::move(begun.done.what);
            rest = std::move(begun.rest);
        },
        [&](const Combine& combine_order) {
            assert(combine_order.slot < slots());
            assert(fits(combine_order.theirs, layout_, size_));
            assert(!combine_order.guard || combine_order.ours_weight == 1 - combine_order.theirs_weight);
            const Combined combined = combine(combine_order, std::move(ahead));
            count(combine_order, combined.taken);
            done.what = combined;
        },
        [&](const Fold& fold_order) {
            assert(fold_order.to < slots() && fold_order.from < slots());
            const Range range = fold_order.range.value_or(Range{0, size_});
            assert(range.offset <= size_ && range.count <= size_ - range.offset);
            fold(fold_order, range);
            done.what = Folded{};
        },
        [&](const Swap& swap_order) {
            assert(swap_order.slot < slots());
            swap(swap_order.slot);
        },
        [&](const Sketch& sketch_order) { done.what = sketch(sketch_order); },
    }, order.what);
    done.samples_behind = samples_;
    done.steps = steps_;
    return {std::move(done), std::move(rest)};
}

void OrderedLearner::deal(std::vector<std::uint32_t>) { assert(!"rows of this learner stay"); }

std::shared_ptr<std::byte> OrderedLearner::blank(std::size_t bytes) { return pool_->take(bytes); }

Begun OrderedLearner::publish(const Publish& order) {
    assert(order.slot < slots());
    assert(order.range.offset <= size_ && order.range.count <= size_ - order.range.offset);
    const Encoding encoding = order.encoding.value_or(encoding_);
    const Encoding frozen = freezes_beside(encoding) ? encoding : encoding_;
    const std::size_t plain = order.range.count * bytes_per_element(frozen);
    auto buffer = blank(plain);
    Snapshot snapshot;
    snapshot.layout = layout_;
    snapshot.encoding = frozen;
    snapshot.range = order.range;
    snapshot.bytes = {buffer.get(), plain, buffer};
    snapshot.samples = samples_;
    snapshot.steps = steps_;
    if (freezes_beside(frozen)) {
        auto arrived = begin_freeze(order.slot, order.range, frozen, buffer);
        Begun begun;
        begun.done.what = Published{std::move(snapshot)};
        begun.rest = [this, arrived = std::move(arrived), encoding, kept = order.kept](Completion& done) {
            arrived();
            auto& there = std::get<Published>(done.what).snapshot;
            if (there.encoding != encoding) encode_again(there, encoding, kept);
        };
        return begun;
    }
    freeze(order.slot, order.range, buffer.get());
    if (encoding != encoding_) encode_again(snapshot, encoding, order.kept);
    Begun begun;
    begun.done.what = Published{std::move(snapshot)};
    return begun;
}

// Some at a time, so that no second model is in memory.
Sketched OrderedLearner::sketch(const Sketch& order) {
    constexpr std::uint64_t at_once = 1 << 16;
    Sketcher sketcher(order.seed, size_);
    const std::uint64_t living = std::min(size_, alive());
    const auto buffer = blank(std::min(living, at_once) * bytes_per_element(encoding_));
    for (std::uint64_t begin = 0; begin < living; begin += at_once) {
        const Range range{begin, std::min(at_once, living - begin)};
        freeze(model_slot, range, buffer.get());
        if (encoding_ == Encoding::float64) sketcher.add(begin, std::span(reinterpret_cast<const double*>(buffer.get()), range.count));
        else sketcher.add(begin, std::span(reinterpret_cast<const float*>(buffer.get()), range.count));
    }
    return {std::make_shared<const std::vector<float>>(sketcher.take())};
}

void OrderedLearner::encode_again(Snapshot& snapshot, Encoding encoding, double kept) const {
    const std::size_t count = snapshot.range.count;
    std::shared_ptr<const void> floats = snapshot.bytes.owner;
    const auto* values = reinterpret_cast<const float*>(snapshot.bytes.data);
    if (snapshot.encoding != Encoding::float32) {
        auto converted = pool_->take(count * sizeof(float));
        decode(snapshot, {reinterpret_cast<float*>(converted.get()), count});
        values = reinterpret_cast<const float*>(converted.get());
        floats = converted;
    }
    const std::size_t size = encoded_bytes(encoding, count, kept);
    auto buffer = pool_->take(size);
    if (encoding == Encoding::float32) std::memcpy(buffer.get(), values, size);
    else encode({values, count}, encoding, kept, buffer.get());
    snapshot.encoding = encoding;
    snapshot.bytes = {buffer.get(), size, buffer};
}

void OrderedLearner::count(const Combine& order, double taken) {
    if (order.slot != model_slot || size_ == 0) return;
    const double theirs = order.theirs_weight * taken, ours = taken < 1 ? 1 - theirs : order.ours_weight;
    const double part = static_cast<double>(order.theirs.range.count) / static_cast<double>(size_);
    samples_ += part * ((ours - 1) * samples_ + theirs * order.theirs.samples);
}

}  // namespace grapevine::learn
