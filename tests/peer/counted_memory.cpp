#include "counted_memory.hpp"

#include <malloc.h>

#include <cstdlib>
#include <new>

namespace {
std::int64_t taken_by(void* p) { return static_cast<std::int64_t>(malloc_usable_size(p) + sizeof(std::size_t)); }  // with malloc's own word
}  // namespace

void* operator new(std::size_t size) {
    void* p = std::malloc(size);
    if (!p) std::abort();
    auto& c = grapevine::test::counted;
    if (c.on) ++c.allocations, c.bytes += taken_by(p);
    return p;
}
void operator delete(void* p) noexcept {
    auto& c = grapevine::test::counted;
    if (c.on && p) c.bytes -= taken_by(p);
    std::free(p);
}
void operator delete(void* p, std::size_t) noexcept { operator delete(p); }
