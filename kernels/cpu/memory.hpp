#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>

namespace grapevine::kernels {

struct Free {
    void operator()(float* block) const { std::free(block); }
};
using Block = std::unique_ptr<float, Free>;

// On a cache line: neighbours share none, and the vector loops like it. Large ones on a page; of small ones there may be
// tens of thousands, and a page's start would cost each of them another page.
inline Block new_block(std::size_t size) {
    const std::size_t boundary = size < (1 << 18) ? 64 : 4096;
    const std::size_t bytes = (size * sizeof(float) + boundary - 1) / boundary * boundary;
    void* memory = std::aligned_alloc(boundary, bytes ? bytes : boundary);
    if (!memory) throw std::bad_alloc();
    return Block(static_cast<float*>(memory));
}

// Memory that a thread works in and that all its learners share: it grows to the largest ever asked for, so that an operation
// allocates nothing from its second call on. What was in it is lost with the next call.
class Workspace {
public:
    float* floats(std::size_t size) {
        if (size_ < size) {
            block_.reset();  // first: both at once may not fit
            size_ = 0;
            block_ = new_block(size);
            size_ = size;
        }
        return block_.get();
    }

private:
    Block block_;
    std::size_t size_ = 0;
};

// Pieces of a workspace, each on a cache line.
constexpr std::size_t on_line(std::size_t floats) { return (floats + 15) / 16 * 16; }

}  // namespace grapevine::kernels
