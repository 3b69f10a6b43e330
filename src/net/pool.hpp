#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace grapevine::net {

// Large buffers, used again. The first touch of fresh memory costs more than receiving into it, so what comes
// back is kept, as much as `keep_bytes`. A buffer comes back when its last holder lets go, on whatever thread,
// also after the pool is gone.
class Pool {
public:
    explicit Pool(std::uint64_t keep_bytes);

    std::shared_ptr<std::byte> take(std::size_t size);  // what is in it is old; null if there is no memory

    void keep(std::uint64_t bytes);

    struct Count {
        std::uint64_t made = 0;    // ever, from the system
        std::uint64_t in_use = 0;
        std::uint64_t bytes = 0;   // of all that exist, in use or kept
    };
    Count count() const;

private:
    struct Store;
    std::shared_ptr<Store> store_;
};

}  // namespace grapevine::net
