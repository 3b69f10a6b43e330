#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "grapevine/learn/model.hpp"

namespace grapevine::learn {

// Skip-gram with negative sampling (Mikolov et al. 2013). A row is a place of a text. Its word and one of the words around it are a
// pair; the word and `negatives` drawn ones are none. Loss of a row: the sum of -log sigma(+- word . context) over them.
//
// The place of a pair's context is drawn anew each time, one d places off with a weight of window + 1 - d: as often as the original,
// which draws a window's size for each word and takes all in it, comes by it. Where a passage ends, no window reaches on. Negatives are
// drawn by count^0.75, and none is the context itself. In an evaluation a row's draws are the same each time.
class Skipgram final : public Model {
public:
    // data.vocabulary may be missing: then `vocabulary` words are laid out, and nothing can be staged.
    Skipgram(const DataShape& data, std::size_t vocabulary, std::size_t rank, std::size_t window, std::size_t negatives);

    std::vector<float> initial(std::uint64_t seed) const override;
    std::size_t indices_per_row() const override { return 2 + group_; }
    // to: the rows' numbers, their words, and (rows, 1 + negatives) contexts.
    void stage(const Dataset& set, std::span<const std::uint32_t> rows, Random* random, std::span<std::int32_t> to) const override;
    std::size_t memory(kernels::Element element, std::size_t rows, bool backward) const override;
    kernels::DeviceSpan forward(const Pass& pass) const override;
    std::size_t outputs() const override { return group_; }
    void lose(const Pass& pass) const override;
    std::size_t stages() const override { return 1; }
    Range parameters_of(std::size_t) const override { return {0, table_.size()}; }
    void backward(const Pass& pass, std::size_t stage) const override;
    using Model::backward;
    double forward_flops() const override { return 2.0 * static_cast<double>(rank_ * group_); }
    double step_flops() const override { return 3 * forward_flops(); }

private:
    struct Places;  // where in a pass's memory everything lies
    Places places(Room& room, kernels::Element element, std::size_t rows, bool backward) const;
    std::int32_t context(std::span<const std::int32_t> text, std::size_t place, Random& random) const;
    std::int32_t negative(std::int32_t context, Random& random) const;

    std::size_t words_, rank_, window_, group_;  // group: one context and the negatives
    std::uint64_t inputs_, outputs_;             // offsets
    // Walker's alias method, 1977: a word is drawn evenly, and is itself with its share, else its other.
    std::vector<double> share_;
    std::vector<std::int32_t> other_;
};

}  // namespace grapevine::learn
