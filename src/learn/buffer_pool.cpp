#include "grapevine/learn/buffer_pool.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <mutex>
#include <new>
#include <vector>

namespace grapevine::learn {

namespace {
constexpr std::size_t line = 64;  // of a cache
}

struct BufferPool::Shelf {
    struct Free {
        void operator()(std::byte* block) const { std::free(block); }
    };
    using Block = std::unique_ptr<std::byte, Free>;

    const Fresh fresh;
    mutable std::mutex mutex;
    std::map<std::size_t, std::vector<Block>> blocks;  // by size

    explicit Shelf(Fresh f) : fresh(f) {}
    Block make(std::size_t size) const {
        if (fresh == Fresh::any) return Block(static_cast<std::byte*>(std::aligned_alloc(line, size)));
        return Block(static_cast<std::byte*>(std::calloc(1, size + line)));
    }
};

BufferPool::BufferPool(Fresh fresh) : shelf_(std::make_shared<Shelf>(fresh)) {}

std::shared_ptr<std::byte> BufferPool::take(std::size_t bytes) {
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
    if (!block) block = shelf_->make(size);
    if (!block) throw std::bad_alloc();
    std::byte* const whole = block.release();
    return {whole + (line - reinterpret_cast<std::uintptr_t>(whole) % line) % line, [shelf = shelf_, size, whole](std::byte*) {
                Shelf::Block back(whole);
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
