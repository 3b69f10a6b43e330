#pragma once

#include <cstdint>
#include <span>

#include "grapevine/learn/dataset.hpp"
#include "grapevine/random.hpp"

namespace grapevine::learn {

// A classification tree (Breiman, Friedman, Olshen, Stone 1984) of a fixed depth, in one run of numbers. Inner nodes lie as in a heap,
// the children of i at 2i + 1 (value <= threshold) and 2i + 2:
//
//     features (2^depth - 1), thresholds (2^depth - 1), classes of the leaves (2^depth)
//
// Thresholds are of the set's values as they lie there, before they are normalised. A branch that ends before all of its depth
// has the same class in all leaves below it.
class Cart {
public:
    explicit Cart(std::uint32_t depth) : depth_(depth) {}

    std::size_t inner() const { return (std::size_t{1} << depth_) - 1; }
    std::size_t size() const { return 3 * inner() + 1; }

    // Grown on these rows, in which one may stand several times. Each split is the best by Gini's index among sqrt(features) drawn
    // ones that are not the same in all rows (Breiman 2001); of equal ones the first. rows are not empty, and are reordered.
    void grow(const Dataset& set, std::span<std::uint32_t> rows, Random random, std::span<float> tree) const;

    // Whether these numbers are such a tree.
    bool is_one(std::span<const float> tree, std::size_t features, std::size_t classes) const;

    template <class Value>
    std::size_t predict(std::span<const float> tree, const Value* row) const {
        std::size_t node = 0;
        for (std::uint32_t level = 0; level < depth_; ++level) {
            const auto value = static_cast<float>(row[static_cast<std::size_t>(tree[node])]);
            node = 2 * node + (value <= tree[inner() + node] ? 1 : 2);
        }
        return static_cast<std::size_t>(tree[inner() + node]);  // leaves count on where inner nodes end, and so do their classes
    }

private:
    std::uint32_t depth_;
};

}  // namespace grapevine::learn
