#include "grapevine/learn/buffer_pool.hpp"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <map>
#include <mutex>
#include <new>
#include <vector>

namespace grapevine::learn {

struct BufferPool::Shelf {
    struct Free {
        void operator()(std::byte* block) const { std::free(block); }
    };
    using Block = std::unique_ptr<std::byte, Free>;

    mutable std::mutex mutex;
    std::map<std::size_t, std::vector<Block>> blocks;  // by size
};

BufferPool::BufferPool() : shelf_(std::make_shared<Shelf>()) {}

std::shared_ptr<std::byte> BufferPool::take(std::size_t bytes) {
    constexpr std::size_t line = 64;
    const std::size_t size = std::bit_ceil(std::max(bytes, line));
    Shelf::Block block;
    {
        const std::lock_guard lock(shelf_->mutex);
        auto& same = shelf_->blocks[size];
        if (!same.empty()) {
            block = std::move(same.back());
            same.pop_back();
        }
    }
    if (!block) block.reset(static_cast<std::byte*>(std::aligned_alloc(line, size)));
    if (!block) throw std::bad_alloc();
    return {block.release(), [shelf = shelf_, size](std::byte* returned) {
                Shelf::Block back(returned);
                const std::lock_guard lock(shelf->mutex);
                shelf->blocks[size].push_back(std::move(back));
            }};
}

std::size_t BufferPool::waiting() const {
    const std::lock_guard lock(shelf_->mutex);
    std::size_t count = 0;
    for (const auto& [size, blocks] : shelf_->blocks) count += blocks.size();
    return count;
}

}  // namespace grapevine::learn
