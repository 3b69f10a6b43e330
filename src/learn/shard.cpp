#include "grapevine/learn/shard.hpp"

#include <algorithm>
#include <utility>

#include "grapevine/learn/ordered_learner.hpp"
#include "grapevine/learn/resume.hpp"
#include "grapevine/learn/split.hpp"

namespace grapevine::learn {

std::vector<std::uint32_t> order_of_blocks(const Dataset& train, std::uint64_t seed) { return std::move(split(train, {}, 1, seed)[0]); }

std::vector<std::uint32_t> rows_of(std::span<const std::uint16_t> blocks, std::uint32_t of, std::span<const std::uint32_t> order) {
    std::vector<std::uint32_t> rows;
    for (const std::uint16_t block : blocks) {
        const Range run = part({0, order.size()}, block, of);
        const auto part = order.subspan(run.offset, run.count);
        rows.insert(rows.end(), part.begin(), part.end());
    }
    return rows;
}

void deal(Learner& learner, std::vector<std::uint32_t> rows) { dynamic_cast<OrderedLearner&>(learner).deal(std::move(rows)); }

std::vector<std::uint32_t> rows_in(const Checkpoint& checkpoint, const Dataset& train) {
    const auto* rows = rows_of_state(checkpoint);
    if (!rows) return {};
    auto sorted = *rows;
    std::sort(sorted.begin(), sorted.end());
    if (sorted.empty() || sorted.back() >= train.rows() || std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) return {};
    return *rows;
}

}  // namespace grapevine::learn
