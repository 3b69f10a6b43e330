#include "grapevine/learn/batches.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace grapevine::learn {

Batches::Batches(std::vector<std::uint32_t> rows, std::size_t batch, Random random)
    : rows_(std::move(rows)), batch_(std::min(batch, rows_.size())), taken_(rows_.size()), random_(random) {
    assert(batch_ > 0);
}

std::span<const std::uint32_t> Batches::next() {
    if (batch_ == rows_.size()) return rows_;
    if (taken_ + batch_ > rows_.size()) {
        for (std::size_t i = rows_.size() - 1; i > 0; --i) std::swap(rows_[i], rows_[random_.below(i + 1)]);
        taken_ = 0;
    }
    taken_ += batch_;
    return std::span(rows_).subspan(taken_ - batch_, batch_);
}

bool Batches::go_on_from(const Place& place) {
    auto ours = rows_, theirs = place.rows;
    std::sort(ours.begin(), ours.end());
    std::sort(theirs.begin(), theirs.end());
    if (ours != theirs || place.taken > rows_.size()) return false;
    rows_ = place.rows;
    taken_ = place.taken;
    random_.resume(place.drawn);
    return true;
}

}  // namespace grapevine::learn
