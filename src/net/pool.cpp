#include "pool.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <vector>

namespace grapevine::net {
namespace {

constexpr std::size_t page = 4096;
constexpr std::size_t huge_page = 2 * 1024 * 1024;

std::size_t rounded(std::size_t size) {
    const std::size_t to = size >= huge_page ? huge_page : page;
    return std::max(to, (size + to - 1) / to * to);
}

}  // namespace

struct Pool::Store {
    struct Buffer {
        std::byte* data;
        std::size_t capacity;
    };

    explicit Store(std::uint64_t keep) : keep_bytes(keep) {}
    ~Store() {
        for (const Buffer& buffer : kept) std::free(buffer.data);
    }

    mutable std::mutex mutex;
    std::vector<Buffer> kept;  // few: as many as ever were in use at once
    std::uint64_t keep_bytes;
    std::uint64_t kept_bytes = 0;
    Count count;

    Buffer find_or_make(std::size_t size) {
        const std::size_t capacity = rounded(size);
        const std::lock_guard lock(mutex);
        auto best = kept.end();
        for (auto b = kept.begin(); b != kept.end(); ++b)  // the least that is enough, and not absurdly large
            if (b->capacity >= capacity && b->capacity / 2 <= capacity && (best == kept.end() || b->capacity < best->capacity))
                best = b;
        if (best != kept.end()) {
            const Buffer found = *best;
            kept.erase(best);
            kept_bytes -= found.capacity;
            ++count.in_use;
            return found;
        }
        auto* data = static_cast<std::byte*>(std::aligned_alloc(capacity >= huge_page ? huge_page : page, capacity));
        if (!data) return {nullptr, 0};
        if (capacity >= huge_page) madvise(data, capacity, MADV_HUGEPAGE);  // the first touch costs a third
        ++count.made;
        ++count.in_use;
        count.bytes += capacity;
        return {data, capacity};
    }

    void give_back(Buffer buffer) {
        const std::lock_guard lock(mutex);
        --count.in_use;
        kept.push_back(buffer);
        kept_bytes += buffer.capacity;
        let_go();
    }

    void let_go() {  // of what is more than is kept, the oldest first
        while (kept_bytes > keep_bytes) {
            kept_bytes -= kept.front().capacity;
            count.bytes -= kept.front().capacity;
            std::free(kept.front().data);
            kept.erase(kept.begin());
        }
    }
};

Pool::Pool(std::uint64_t keep_bytes) : store_(std::make_shared<Store>(keep_bytes)) {}

std::shared_ptr<std::byte> Pool::take(std::size_t size) {
    const Store::Buffer buffer = store_->find_or_make(size);
    if (!buffer.data) return nullptr;
    return {buffer.data, [store = store_, buffer](std::byte*) { store->give_back(buffer); }};
}

void Pool::keep(std::uint64_t bytes) {
    const std::lock_guard lock(store_->mutex);
    store_->keep_bytes = bytes;
    store_->let_go();
}

Pool::Count Pool::count() const {
    const std::lock_guard lock(store_->mutex);
    return store_->count;
}

}  // namespace grapevine::net
