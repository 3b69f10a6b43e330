#pragma once

#include <cstdint>

namespace grapevine::test {

// While `on`: how often this program asked for memory, and how much more of it is held than before.
struct Counted {
    bool on = false;
    std::uint64_t allocations = 0;
    std::int64_t bytes = 0;
};
inline Counted counted;

}  // namespace grapevine::test
