#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace grapevine::sim {

// Who is up, in order of index. The k-th of them is found in O(log n), and going is told in as much: a draw among a
// million costs no walk over them. (Fenwick 1994: node i of the tree counts those of the i & -i places that end there.)
class UpSet {
public:
    void clear() { up_.clear(), counts_.clear(), count_ = 0; }
    void add(bool up) {  // the next index
        up_.push_back(up);
        const std::size_t i = up_.size();
        std::uint32_t sum = up;
        for (std::size_t j = i - 1, end = i - (i & (0 - i)); j > end; j -= j & (0 - j)) sum += counts_[j - 1];
        counts_.push_back(sum);
        count_ += up;
    }
    void remove(std::uint32_t index) {
        if (index >= up_.size() || !up_[index]) return;
        up_[index] = false;
        --count_;
        for (std::size_t i = index + std::size_t{1}; i <= counts_.size(); i += i & (0 - i)) --counts_[i - 1];
    }
    std::size_t count() const { return count_; }
    std::uint32_t at(std::size_t k) const {  // k < count()
        std::size_t place = 0, step = 1;
        while (step * 2 <= counts_.size()) step *= 2;
        for (; step > 0; step /= 2)
            if (place + step <= counts_.size() && counts_[place + step - 1] <= k) {
                place += step;
                k -= counts_[place - 1];
            }
        return static_cast<std::uint32_t>(place);
    }

private:
    std::vector<bool> up_;
    std::vector<std::uint32_t> counts_;
    std::size_t count_ = 0;
};

}  // namespace grapevine::sim
