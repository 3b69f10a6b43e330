#include "cart.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numeric>
#include <utility>
#include <vector>

namespace grapevine::learn {
namespace {

struct Seen {
    float value;
    std::uint32_t label;
};

struct Split {
    double score = -1;  // sum over both sides of sum_k n_k^2 / n: the larger, the less Gini's index
    std::size_t feature = 0;
    float threshold = 0;
};

template <class Value>
class Growth {
public:
    Growth(const Dataset& set, const std::vector<Value>& values, std::uint32_t depth, Random random, std::span<float> tree)
        : set_(set), values_(values), depth_(depth), inner_((std::size_t{1} << depth) - 1), random_(random), tree_(tree),
          tries_(std::max<std::size_t>(1, static_cast<std::size_t>(std::sqrt(static_cast<double>(set.features))))),
          features_(set.features), all_(set.classes), left_(set.classes) {
        std::iota(features_.begin(), features_.end(), std::size_t{0});
    }

    void branch(std::size_t node, std::uint32_t level, std::span<std::uint32_t> rows) {
        std::fill(all_.begin(), all_.end(), 0);
        for (const std::uint32_t row : rows) ++all_[label(row)];
        const auto most = static_cast<std::size_t>(std::max_element(all_.begin(), all_.end()) - all_.begin());
        const Split split = level == depth_ || all_[most] == rows.size() ? Split{} : best(rows);
        if (split.score < 0) return end(node, level, most);
        tree_[node] = static_cast<float>(split.feature);
        tree_[inner_ + node] = split.threshold;
        const auto middle = std::stable_partition(rows.begin(), rows.end(), [&](std::uint32_t row) { return value(row, split.feature) <= split.threshold; });
        const auto left = static_cast<std::size_t>(middle - rows.begin());
        assert(left > 0 && left < rows.size());
        branch(2 * node + 1, level + 1, rows.first(left));
        branch(2 * node + 2, level + 1, rows.subspan(left));
    }

private:
    std::size_t label(std::uint32_t row) const { return static_cast<std::size_t>(set_.labels[row]); }
    float value(std::uint32_t row, std::size_t feature) const { return static_cast<float>(values_[row * set_.features + feature]); }

    void end(std::size_t node, std::uint32_t level, std::size_t its_class) {
        if (level == depth_) {
            tree_[inner_ + node] = static_cast<float>(its_class);
            return;
        }
        tree_[node] = tree_[inner_ + node] = 0;
        end(2 * node + 1, level + 1, its_class);
        end(2 * node + 2, level + 1, its_class);
    }

    Split best(std::span<const std::uint32_t> rows) {
        Split best;
        std::size_t tried = 0;
        for (std::size_t i = 0; i < features_.size() && tried < tries_; ++i) {
            std::swap(features_[i], features_[i + random_.below(features_.size() - i)]);
            if (consider(features_[i], rows, best)) ++tried;
        }
        return best;
    }

    // False where it is the same in all rows.
    bool consider(std::size_t feature, std::span<const std::uint32_t> rows, Split& best) {
        in_order(feature, rows);
        if (!(seen_.front().value < seen_.back().value)) return false;
        std::fill(left_.begin(), left_.end(), 0);
        std::uint64_t left = 0, right = 0;  // sums of squares: in whole numbers, so that equal ones are equal
        for (const std::uint64_t n : all_) right += n * n;
        for (std::size_t i = 0; i + 1 < seen_.size(); ++i) {
            std::uint64_t& here = left_[seen_[i].label];
            right -= 2 * (all_[seen_[i].label] - here) - 1;
            left += 2 * here++ + 1;
            if (!(seen_[i].value < seen_[i + 1].value)) continue;
            const double score = static_cast<double>(left) / static_cast<double>(i + 1) + static_cast<double>(right) / static_cast<double>(seen_.size() - i - 1);
            if (score > best.score) best = {score, feature, between(seen_[i].value, seen_[i + 1].value)};
        }
        return true;
    }

    static float between(float a, float b) {
        const float middle = std::midpoint(a, b);
        return middle < b ? middle : a;
    }

    // seen_: value and class of each row, by value.
    void in_order(std::size_t feature, std::span<const std::uint32_t> rows) {
        seen_.resize(rows.size());
        if constexpr (sizeof(Value) == 1) {
            std::size_t ends[257] = {};
            for (const std::uint32_t row : rows) ++ends[values_[row * set_.features + feature] + 1u];
            for (std::size_t v = 0; v < 256; ++v) ends[v + 1] += ends[v];
            for (const std::uint32_t row : rows) seen_[ends[values_[row * set_.features + feature]]++] = {value(row, feature), static_cast<std::uint32_t>(label(row))};
        } else {
            for (std::size_t i = 0; i < rows.size(); ++i) seen_[i] = {value(rows[i], feature), static_cast<std::uint32_t>(label(rows[i]))};
            std::ranges::sort(seen_, {}, &Seen::value);
        }
    }

    const Dataset& set_;
    const std::vector<Value>& values_;
    std::uint32_t depth_;
    std::size_t inner_;
    Random random_;
    std::span<float> tree_;
    std::size_t tries_;
    std::vector<std::size_t> features_;
    std::vector<std::uint64_t> all_, left_;  // rows of each class: of the node, and left of the threshold
    std::vector<Seen> seen_;
};

}  // namespace

void Cart::grow(const Dataset& set, std::span<std::uint32_t> rows, Random random, std::span<float> tree) const {
    assert(!rows.empty() && tree.size() == size());
    std::visit([&](const auto& values) { Growth(set, values, depth_, random, tree).branch(0, 0, rows); }, set.values);
}

bool Cart::is_one(std::span<const float> tree, std::size_t features, std::size_t classes) const {
    const auto below = [](float x, std::size_t end) { return x >= 0 && x < static_cast<float>(end) && x == std::floor(x); };
    if (tree.size() != size()) return false;
    for (std::size_t i = 0; i < inner(); ++i)
        if (!below(tree[i], features) || !std::isfinite(tree[inner() + i])) return false;
    return std::ranges::all_of(tree.subspan(2 * inner()), [&](float leaf) { return below(leaf, classes); });
}

}  // namespace grapevine::learn
