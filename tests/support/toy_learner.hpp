#pragma once

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>
#include <numeric>
#include <optional>
#include <span>
#include <vector>

#include "grapevine/learner.hpp"
#include "grapevine/sketch.hpp"

namespace grapevine::test {

// A learner for protocols' tests: a few numbers in double precision, that training moves towards `goal` by a
// tenth of the way. No mystery in it, so that what a test sees is the protocol's doing.
class ToyLearner final : public Learner {
public:
    ToyLearner(std::vector<double> initial, double goal = 0) : slots_{std::move(initial)}, goal_(goal) {}
    void adds(double each) { adds_ = each; }  // to every value in a step, and no goal: what all have added is known

    std::uint64_t layout() const override { return 0x70790000 + slots_[0].size(); }
    std::uint64_t size() const override { return slots_[0].size(); }
    Encoding encoding() const override { return Encoding::float64; }
    void claim(Slot slots) override { slots_.resize(slots, std::vector<double>(size())); }

    Completion carry_out(const Order& order) override {
        Completion done{order.tag, samples_, steps_, Folded{}};
        if (next_slice_ > 0) {  // a step is begun: until it is made the model is to be left alone
            assert(!std::holds_alternative<Train>(order.what) || std::get<Train>(order.what).slice);
            assert(!std::holds_alternative<Swap>(order.what));
            assert(!std::holds_alternative<Combine>(order.what) || std::get<Combine>(order.what).slot != model_slot);
        }
        if (const auto* train = std::get_if<Train>(&order.what); train && train->slice) {
            assert(train->slice->index == next_slice_);
            next_slice_ = train->slice->last() ? 0 : next_slice_ + 1;
            const Range range = train->slice->of({0, size()});
            for (std::uint64_t i = range.offset; i < range.offset + range.count; ++i) slots_[0][i] += 0.1 * (goal_ - slots_[0][i]);
            const std::uint32_t steps = train->slice->last() ? 1 : 0;
            steps_ += steps;
            samples_ += steps;
            done.what = Trained{steps, std::abs(goal_ - slots_[0][0]), static_cast<double>(steps)};
        } else if (train) {
            for (std::uint32_t i = 0; i < train->steps; ++i)
                for (std::size_t k = 0; k < slots_[0].size(); ++k) {
                    double& x = slots_[0][k];
                    if (train->drift) x += train->drift->weight * slots_[train->drift->slot][k];
                    x += adds_ ? *adds_ : 0.1 * (goal_ - x);
                }
            steps_ += train->steps;
            samples_ += train->steps;
            done.what = Trained{train->steps, std::abs(goal_ - slots_[0][0]), static_cast<double>(train->steps)};
        } else if (const auto* publish = std::get_if<Publish>(&order.what)) {
            done.what = Published{snapshot(*publish)};
        } else if (const auto* combine = std::get_if<Combine>(&order.what)) {
            const auto* theirs = reinterpret_cast<const double*>(combine->theirs.bytes.data);
            Combined combined;
            const auto ours = slots_[combine->slot].begin() + static_cast<std::ptrdiff_t>(combine->theirs.range.offset);
            for (std::uint64_t i = 0; i < combine->theirs.range.count; ++i) {
                const double x = ours[static_cast<std::ptrdiff_t>(i)];
                combined.distance += (theirs[i] - x) * (theirs[i] - x);
                combined.norm += x * x;
            }
            combined.distance = std::sqrt(combined.distance);
            combined.norm = std::sqrt(combined.norm);
            combined.taken = passes(combine->guard, combined.distance, combined.norm);
            for (std::uint64_t i = 0; i < combine->theirs.range.count && combined.taken > 0; ++i) {
                double& x = ours[static_cast<std::ptrdiff_t>(i)];
                const double weight = combined.taken * combine->theirs_weight;
                x = (combine->guard ? 1 - weight : combine->ours_weight) * x + weight * theirs[i];
            }
            if (combine->slot == model_slot && combine->theirs.range.count == size())
                samples_ = combine->ours_weight * samples_ + combine->theirs_weight * combine->theirs.samples;
            done.what = combined;
        } else if (const auto* fold = std::get_if<Fold>(&order.what)) {
            const Range range = fold->range.value_or(Range{0, size()});
            for (std::uint64_t i = range.offset; i < range.offset + range.count; ++i)
                slots_[fold->to][i] = fold->to_weight * slots_[fold->to][i] + fold->from_weight * slots_[fold->from][i];
        } else if (const auto* swap = std::get_if<Swap>(&order.what)) {
            slots_[0].swap(slots_[swap->slot]);
            done.what = Swapped{};
        } else if (const auto* sketch = std::get_if<Sketch>(&order.what)) {
            Sketcher sketcher(sketch->seed, size());
            sketcher.add(0, std::span<const double>(slots_[0]));
            done.what = Sketched{std::make_shared<const std::vector<float>>(sketcher.take())};
        }
        done.samples_behind = samples_;
        done.steps = steps_;
        return done;
    }

    Evaluation evaluate() override { return {std::abs(goal_ - slots_[0][0]), std::nullopt}; }
    Evaluation evaluate(const Snapshot&) override { return evaluate(); }

    const std::vector<double>& values() const { return slots_[0]; }
    void set_samples(double samples) { samples_ = samples; }

private:
    // What an encoding loses is lost; what is left travels in double precision.
    Snapshot snapshot(const Publish& publish) const {
        const Range range = publish.range;
        auto copy = std::make_shared<std::vector<double>>(slots_[publish.slot].begin() + static_cast<std::ptrdiff_t>(range.offset),
                                                          slots_[publish.slot].begin() + static_cast<std::ptrdiff_t>(range.offset + range.count));
        if (publish.encoding == Encoding::bf16)
            for (double& x : *copy) {
                int exponent = 0;
                const double digits = std::frexp(x, &exponent);
                x = std::ldexp(std::nearbyint(std::ldexp(digits, 8)), exponent - 8);
            }
        if (publish.encoding == Encoding::top_k && range.count > 0) {
            std::vector<std::size_t> places(copy->size());
            std::iota(places.begin(), places.end(), std::size_t{0});
            std::stable_sort(places.begin(), places.end(), [&](std::size_t a, std::size_t b) { return std::abs((*copy)[a]) > std::abs((*copy)[b]); });
            const auto kept = static_cast<std::size_t>(std::max(1.0, publish.kept * static_cast<double>(range.count)));
            for (std::size_t k = kept; k < places.size(); ++k) (*copy)[places[k]] = 0;
        }
        Snapshot s;
        s.layout = layout();
        s.encoding = Encoding::float64;
        s.range = range;
        s.bytes = {reinterpret_cast<const std::byte*>(copy->data()), copy->size() * sizeof(double), copy};
        s.samples = samples_;
        s.steps = steps_;
        return s;
    }
    std::vector<std::vector<double>> slots_;
    double goal_;
    std::optional<double> adds_;
    double samples_ = 0;
    std::uint64_t steps_ = 0;
    std::uint32_t next_slice_ = 0;
};

}  // namespace grapevine::test
