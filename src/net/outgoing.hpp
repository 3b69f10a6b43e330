#pragma once

#include <algorithm>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "parcels.hpp"
#include "window.hpp"

namespace grapevine::net {

// The parcels to one peer, in order. The next one starts when the last byte of the one before is sent, not when
// it is acknowledged, so that the link never runs empty between them.
//
//   queued ── open ──▶ sending ── last chunk ──▶ sent ── last acknowledgement ──▶ (gone)
//     │                   │                        │
//     └───────────────────┴────────────────────────┴─▶ given up ─▶ Undelivered
//                             refused; its connection gone; no progress; peer forgotten
//
// No progress takes all parcels of the peer and the connection with it: what is queued behind would only wait
// as long again. A refusal or a lost connection takes one.
class Outgoing {
public:
    static constexpr std::size_t most_queued = 256;
    // Between processes of one machine what is on its way delays nobody, and what a round trip takes is for how long
    // somebody else had the processor: the window would only shrink by it, and its chunks.
    static constexpr std::uint64_t nearby_bytes = 2 * 1024 * 1024;

    Outgoing(ParcelWire& wire, PeerId to, Duration stall) : wire_(wire), to_(to), stall_(stall) {}

    void add(Instant now, std::uint32_t ticket, std::string header, Bytes body);
    // Sends one message, a chunk of so many bytes at most; says how many bytes of the body, nothing if there is nothing to send,
    // or not now.
    std::optional<std::size_t> pump(Instant now, std::size_t most_chunk = max_chunk_bytes);
    void acknowledged(Instant now, std::uint64_t serial, std::uint64_t upto, Instant sent_at);
    void refused(Instant now, std::uint64_t serial);
    void expire(Instant now);
    void give_up_all(Instant now);

    bool empty() const { return queue_.empty(); }
    const Window& window() const { return window_; }
    std::uint64_t window_bytes() const { return nearby_ ? std::max(window_.bytes(), nearby_bytes) : window_.bytes(); }
    bool nearby() const { return nearby_; }  // the connection that the last parcel took
    std::vector<std::uint32_t> take_failed() { return std::exchange(failed_, {}); }

private:
    struct Parcel {
        std::uint64_t serial;
        std::uint32_t ticket;
        std::string header;
        Bytes body;
        Route route;              // all of a parcel goes one way, or chunks would overtake each other
        bool opened = false;
        std::uint64_t sent = 0, acknowledged = 0;  // bytes of the body
        bool all_sent() const { return opened && sent == body.size; }
    };

    Parcel* to_send();
    std::optional<std::size_t> open(Parcel& parcel, Instant now);
    std::optional<std::size_t> send_chunk(Parcel& parcel, std::size_t most, Instant now);
    void give_up(std::size_t i, Instant now);
    std::size_t find(std::uint64_t serial) const;  // queue_.size() if there is none

    ParcelWire& wire_;
    PeerId to_;
    Duration stall_;
    std::deque<Parcel> queue_;    // the oldest first
    std::uint64_t next_serial_ = 1;
    std::uint64_t in_flight_ = 0; // bytes sent and not acknowledged
    Window window_;
    bool nearby_ = false;
    Instant progress_{};          // when the first of the queue last got on
    std::vector<std::uint32_t> failed_;
};

}  // namespace grapevine::net
