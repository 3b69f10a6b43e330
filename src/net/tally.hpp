#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "grapevine/net/transport.hpp"

namespace grapevine::net {

// Counts that one thread writes and any may read.
struct Tally {
    std::atomic<std::uint64_t> frames_in{0}, frames_out{0}, bytes_in{0}, bytes_out{0}, connections{0};
    std::atomic<std::uint64_t> parcels_in{0}, parcels_out{0}, body_bytes_out{0}, undelivered{0};
    std::array<std::atomic<std::uint64_t>, drop_reasons> dropped{};

    void drop(Drop reason) { dropped[static_cast<std::size_t>(reason)].fetch_add(1, std::memory_order_relaxed); }
    static void add(std::atomic<std::uint64_t>& count, std::uint64_t n = 1) { count.fetch_add(n, std::memory_order_relaxed); }

    PlaneCounters plane() const { return {frames_in, frames_out, bytes_in, bytes_out, connections}; }
};

// Who we are on the wire. The run may be decided later, on the node's thread; the bulk thread reads it too.
struct Self {
    PeerId id;
    std::atomic<std::uint64_t> run{0};
};

}  // namespace grapevine::net
