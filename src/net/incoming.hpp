#pragma once

#include <atomic>
#include <map>
#include <string>

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
class Incoming {
public:
    Incoming(ParcelWire& wire, Inbox& inbox, std::atomic<std::uint64_t>& waiting, const Options& options);

    void open(const Links::Arrived& arrived, PeerId from, Reader reader, Instant now);
    void chunk(const Links::Arrived& arrived, PeerId from, Reader reader, Instant now);
    void abandoned(const Links::Arrived& arrived, PeerId from, Reader reader);
    void acknowledge(Instant now);  // what came in since the last time
    void expire(Instant now);
    void forget(PeerId from);

    bool empty() const { return halves_.empty(); }
    Pool::Count count() const { return pool_.count(); }

    // What a parcel weighs while it waits, so that a flood of empty ones is bounded too.
    static std::uint64_t weight(std::uint64_t body_bytes) { return body_bytes + 2 * max_parcel_header_bytes; }
    static std::uint64_t most_waiting(const Options& options);

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
    };
    using Place = std::map<PeerId, Half>::iterator;

    void deliver(Place place, Instant now);
    void acknowledge(PeerId from, Half& half, Instant now);
    void refuse(const Route& route, PeerId from, std::uint64_t serial, Drop reason, Instant now);
    void drop(Place place);

    ParcelWire& wire_;
    Inbox& inbox_;
    std::atomic<std::uint64_t>& waiting_;  // weight of all parcels half received or not taken yet
    std::uint64_t most_waiting_;
    std::uint64_t most_bytes_;
    Duration patience_;
    Pool pool_;
    std::map<PeerId, Half> halves_;
    std::vector<PeerId> to_acknowledge_;
};

}  // namespace grapevine::net
