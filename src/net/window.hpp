#pragma once

#include <cstdint>
#include <deque>

#include "grapevine/time.hpp"

namespace grapevine::net {

// How many bytes may be on their way to one peer. It must follow the bandwidth-delay product: more only lengthens the queue
// in front of the slowest link, where our pings wait too. Both factors are measured, as in BBR (Cardwell et al. 2016): the
// best rate at which bytes were acknowledged, and the least round trip, of the last ten to twenty seconds. A chunk takes its
// own length on the line as well, which is no queue: round trips of chunks of unlike lengths are not held against each
// other, or the short tail of a parcel makes all whole ones look late. No clock, no socket.
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
    double rate() const;

    std::uint64_t bytes_ = first_bytes;
    std::uint64_t acknowledged_ = 0;  // in this round; a round is a window full of bytes
    Duration best_ = Duration::max(); // in this round, without a chunk's own length: the best, because a busy machine only ever adds
    Duration smooth_{};
    Duration least_ = Duration::max(), least_before_ = Duration::max();  // of this epoch and the last: routes change
    double rate_ = 0, rate_before_ = 0;                                  // bytes per second, likewise
    Instant epoch_{};
    std::uint64_t delivered_ = 0;     // in all
    struct Had {
        Instant at;
        std::uint64_t delivered;
    };
    std::deque<Had> history_;         // back to when the oldest chunk was sent that is on its way
    int looking_ = 0;                 // rounds for which it stays small, to see the least round trip again
    bool limited_ = false;
};

}  // namespace grapevine::net
