#pragma once

#include <cstddef>
#include <memory>

namespace grapevine::learn {

// Memory for what is published again and again. A buffer comes back when the last who holds it lets go, on
// whatever thread; the first touch of fresh memory costs more than copying into it. Buffers outlive the pool if
// need be. Sizes are rounded up to powers of two (pages that nobody touches cost nothing), so that parts of
// slightly different sizes share them.
class BufferPool {
public:
    // What is in fresh memory. Zero: long buffers take no memory where nobody writes.
    enum class Fresh { any, zero };
    explicit BufferPool(Fresh fresh = Fresh::any);

    std::shared_ptr<std::byte> take(std::size_t bytes);  // fresh, or as it came back; on a cache line

    std::size_t waiting() const;  // buffers that came back and were not taken again

private:
    struct Shelf;
    std::shared_ptr<Shelf> shelf_;
};

}  // namespace grapevine::learn
