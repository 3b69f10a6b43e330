#include "grapevine/learn/batches.hpp"

#include <algorithm>
#include <cassert>
#include <iterator>
#include <utility>

namespace grapevine::learn {

Batches::Batches(std::vector<std::uint32_t> rows, std::size_t batch, Random random)
    : rows_(std::move(rows)), wanted_(batch), batch_(std::min(batch, rows_.size())), taken_(rows_.size()), random_(random) {
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

void Batches::deal(std::vector<std::uint32_t> rows) {
    assert(!rows.empty());
    std::sort(rows.begin(), rows.end());
    std::vector<std::uint32_t> before = rows_;
    std::sort(before.begin(), before.end());
    if (rows == before) return;
    const auto used = std::stable_partition(rows_.begin(), rows_.begin() + static_cast<std::ptrdiff_t>(taken_),
                                            [&](std::uint32_t row) { return std::binary_search(rows.begin(), rows.end(), row); });
    rows_.erase(used, rows_.end());
    taken_ = rows_.size();
    before = rows_;
    std::sort(before.begin(), before.end());
    std::set_difference(rows.begin(), rows.end(), before.begin(), before.end(), std::back_inserter(rows_));
    for (std::size_t i = rows_.size(); i > taken_ + 1; --i) std::swap(rows_[i - 1], rows_[taken_ + random_.below(i - taken_)]);
    batch_ = std::min(wanted_, rows_.size());
}

void Batches::size(std::size_t batch) {
    assert(batch > 0);
    wanted_ = batch;
    batch_ = std::min(wanted_, rows_.size());
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
