#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace grapevine::sim {

// Sorts values that a cheap number nearly orders already: dealt into as many cells (in the order of `less`), and then each cell sorted,
// which holds a few of them or those that are equal in that number.
template <class Value>
class Deal {
public:
    template <class CellOf, class Less>
    void sort(std::vector<Value>& values, std::size_t cells, CellOf&& cell_of, Less&& less) {
        constexpr std::size_t few = 48;
        if (values.size() <= few) return std::sort(values.begin(), values.end(), less);
        ends_.assign(cells + 1, 0);
        for (const Value& v : values) ++ends_[cell_of(v) + 1];
        for (std::size_t i = 1; i <= cells; ++i) ends_[i] += ends_[i - 1];
        dealt_.resize(values.size());
        for (const Value& v : values) dealt_[ends_[cell_of(v)]++] = v;  // afterwards ends_[i] is where cell i ends
        values.swap(dealt_);
        std::size_t from = 0;
        for (std::size_t i = 0; i < cells; ++i) {
            const std::size_t to = ends_[i];
            if (to - from > 1) std::sort(values.begin() + static_cast<std::ptrdiff_t>(from), values.begin() + static_cast<std::ptrdiff_t>(to), less);
            from = to;
        }
    }

private:
    std::vector<Value> dealt_;
    std::vector<std::uint32_t> ends_;
};

}  // namespace grapevine::sim
