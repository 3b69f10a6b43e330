#pragma once

#include <compare>
#include <cstdint>
#include <string>

namespace grapevine {

// Who a peer is. Drawn at random at every start and never reused: a restarted node is a new peer, and an
// address is not a name. 0 is nobody.
struct PeerId {
    std::uint64_t value = 0;
    friend constexpr auto operator<=>(PeerId, PeerId) = default;
    explicit constexpr operator bool() const { return value != 0; }
};

// A peer and where to reach it. Only the transport reads the endpoints ("tcp://10.0.0.7:7470").
struct Contact {
    PeerId id;
    std::string name;     // outlives restarts; for people. At most 64 bytes.
    std::string control;  // endpoint of the control plane. At most 128 bytes.
    std::string bulk;     // endpoint of the bulk plane, where parameters travel. At most 128 bytes.
    friend bool operator==(const Contact&, const Contact&) = default;
};

}  // namespace grapevine
