#pragma once

#include <cstddef>
#include <vector>

#include "bucket.hpp"
#include "inbox.hpp"
#include "parcels.hpp"

namespace grapevine::net {

// Whether the bulk plane leads there and back: bytes that the other one returns. First a few, then many, on one connection: where
// packets of full size vanish on their way the few come back and the many do not, and pings never tell.
//
//   asked --a way there--> sent --the few--> half --the many--> Echoed: all
//     ^ |                   | |               |
//     | +-------------------+-- no patience --+---------------> Echoed: nothing, nothing, little
//     +----- "too many" ------+
//
// Who is asked too often says so by an answer without bytes. That is no sign of a bad way, and it is asked again.
class Echoes {
public:
    Echoes(ParcelWire& wire, Inbox& inbox, const Options& options);

    void ask(PeerId who, Instant now);
    // Of another's: sends it back, if there is room on the line and there are not too many of them. How many bytes.
    std::size_t answer(const Links::Arrived& arrived, PeerId from, Reader reader, bool room, Instant now);
    void came(const Links::Arrived& arrived, PeerId from, Reader reader, Instant now);
    void forget(PeerId who);
    void tidy(Instant now);
    bool empty() const { return asked_.empty(); }

private:
    static constexpr std::size_t at_once = 64, few = 64;  // echoes; bytes
    struct Asked {
        PeerId who;
        std::uint64_t token = 0;  // of the few; of the many it is one more
        Instant deadline{}, sent{};
        bool out = false, half = false, busy = false;
    };
    void send(Asked& asked, Instant now);
    Links::Sent put(const Route& route, Kind kind, PeerId to, std::uint64_t token, const void* bytes, std::size_t size, Instant now);

    ParcelWire& wire_;
    Inbox& inbox_;
    Duration patience_;
    std::size_t many_;
    Bucket answers_;
    std::vector<Asked> asked_;
};

}  // namespace grapevine::net
