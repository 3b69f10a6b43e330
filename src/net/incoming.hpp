#pragma once

#include <atomic>
#include <deque>
#include <map>
#include <mutex>
#include <string>

#include "bucket.hpp"
#include "inbox.hpp"
#include "parcels.hpp"
#include "pool.hpp"

namespace grapevine::net {

// Parcels that come in: at most one a sender is half received, so that is all the memory it can hold.
//
//   (nothing) ── open ──▶ filling ── last chunk ──▶ delivered whole
//       │                    │
//       ▼                    └─ a chunk out of order or too much; abandoned; a new one opened; sender
//    refused: too large,        forgotten; half_parcel_patience without a chunk ─▶ dropped
//    no room, no memory
//
// Under a downlink limit acknowledgements wait for it, each sender's in turn, and its window with them.
class Incoming {
public:
    Incoming(ParcelWire& wire, Inbox& inbox, std::atomic<std::uint64_t>& waiting, const Options& options);

    void open(const Links::Arrived& arrived, PeerId from, Reader reader, Instant now);
    void chunk(const Links::Arrived& arrived, PeerId from, Reader reader, Instant now);
    void abandoned(const Links::Arrived& arrived, PeerId from, Reader reader);
    void acknowledge(Instant now);  // what came in since the last time, and what the limit held back
    void count(Instant now, std::uint64_t bytes) { downlink_.take(now, static_cast<double>(bytes)); }  // of the other plane
    Instant due() const { return owed_.empty() ? Instant::max() : downlink_.due(); }
    void expire(Instant now);
    void forget(PeerId from);
    void limit(std::uint64_t parcel_bytes);
    void taken(PeerId from);        // one that was delivered, by receive(): from any thread

    bool empty() const { return halves_.empty(); }
    Pool::Count count() const { return pool_.count(); }

    // What a parcel weighs while it waits, so that a flood of empty ones is bounded too.
    static std::uint64_t weight(std::uint64_t body_bytes) { return body_bytes + 2 * max_parcel_header_bytes; }
    static std::uint64_t most_waiting(std::uint64_t parcel_bytes);  // where nothing is said of it

private:
    struct Half {
        Route route;
        std::uint64_t serial = 0;
        std::uint32_t ticket = 0;
        std::string header;
        std::shared_ptr<std::byte> buffer;
        std::uint64_t total = 0, have = 0;
        Instant progress{};
        std::uint64_t echo = 0;        // when its last chunk was sent, by the sender's clock
        int unacknowledged = 0;        // chunks
        std::uint64_t paid = 0;        // bytes acknowledged, or owed
    };
    using Place = std::map<PeerId, Half>::iterator;

    void deliver(Place place, Instant now);
    void acknowledge(PeerId from, Half& half, Instant now);
    void refuse(const Route& route, PeerId from, std::uint64_t serial, Drop reason, Instant now);
    void drop(Place place);
    void pay(Instant now);
    std::uint64_t whole(PeerId from) const;

    ParcelWire& wire_;
    Inbox& inbox_;
    std::atomic<std::uint64_t>& waiting_;  // weight of all parcels half received or not taken yet
    bool most_waiting_said_;
    std::uint64_t most_waiting_;
    std::uint64_t most_bytes_;
    Duration patience_;
    Pool pool_;
    std::map<PeerId, Half> halves_;
    mutable std::mutex whole_mutex_;
    std::map<PeerId, std::uint64_t> whole_;  // parcels delivered and not taken yet
    std::uint64_t most_whole_;
    std::vector<PeerId> to_acknowledge_;
    struct Owed {                   // an acknowledgement that waits for the limit
        Route route;
        std::uint64_t serial, upto, have, echo;
    };
    struct Creditor {
        PeerId to;
        std::deque<Owed> parcels;   // the oldest first
    };
    static constexpr std::size_t most_owed = 4096;
    std::deque<Creditor> owed_;     // next first
    std::size_t owed_parcels_ = 0;
    Bucket downlink_;
    std::uint64_t quantum_;         // acknowledged to one sender in one turn, of however many parcels: 5 ms of the line
};

}  // namespace grapevine::net
