#pragma once

#include <cstdint>

#include "grapevine/time.hpp"

namespace grapevine::net {

// How many bytes may be on their way to one peer. It must follow the bandwidth-delay product: more only
// lengthens the queue in front of the slowest link, where our pings wait too. So it grows while even the round
// trips at their worst stay near the least one, and shrinks when a queue shows. No clock, no socket.
//
//             queue shows                         a queue shows
//   doubling ─────────────▶ steady ◀─ rounds_held rounds pass ─ held
//                             └──────── a queue shows ───────────▲
class Window {
public:
    static constexpr std::uint64_t least_bytes = 32 * 1024;
    static constexpr std::uint64_t first_bytes = 128 * 1024;
    static constexpr std::uint64_t most_bytes = 8 * 1024 * 1024;  // 1 Gbit/s over 64 ms
    static constexpr Duration harmless = std::chrono::microseconds(500);  // a queue that short delays nobody

    std::uint64_t bytes() const { return bytes_; }
    // How long a chunk should be: several in a window, so that a small window does not wait for its only one.
    std::uint64_t chunk_bytes() const;

    void limited() { limited_ = true; }  // more would have been sent, had the window been larger
    void acknowledged(Instant now, std::uint64_t bytes, Duration round_trip);

    Duration round_trip() const { return smooth_; }  // zero before the first sample
    Duration least() const;

private:
    void end_round();

    std::uint64_t bytes_ = first_bytes;
    std::uint64_t acknowledged_ = 0;  // in this round; a round is a window full of bytes
    Duration best_ = Duration::max(); // in this round: the best, because a busy machine only ever adds to a round trip
    Duration smooth_{};
    Duration least_ = Duration::max(), least_before_ = Duration::max();  // of this epoch and the last: routes change
    Instant epoch_{};
    int held_ = 0;                    // rounds until it may grow again
    bool doubling_ = true;
    bool limited_ = false;
};

}  // namespace grapevine::net
