#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "grapevine/peer_id.hpp"
#include "grapevine/time.hpp"

namespace grapevine::membership {

// What this peer's own direct probes say of its links. A peer whose probes fail much oftener than those of the
// others has bad links itself, and says so: it is not mixed with any more, and stays a member.
class LinkQuality {
public:
    void probed(bool answered);
    std::uint32_t probes() const { return static_cast<std::uint32_t>(std::bit_width(history_)) - 1; }
    std::uint32_t failing() const;  // per cent of the last 60
    // Whether that is too much beside the median of what the members publish, 20 points of 60 probes; of fewer
    // the more. Who is degraded already is well again at 10 points.
    bool worse_than(std::uint32_t median, bool already) const;

    static constexpr std::uint32_t window = 60, fewest = 8;

private:
    std::uint64_t history_ = 1;  // one bit a probe, set if it failed, the last one lowest; and above them a one
};

// Who has told us that it cannot reach us directly though others can: three of them within a minute mean that our
// links carry one way only.
class Complaints {
public:
    void from(PeerId peer, Instant now);
    std::uint32_t fresh(Instant now) const;  // different ones within the last minute
    static constexpr std::uint32_t enough = 3;

private:
    struct Entry {
        PeerId peer;
        Instant at{};
    };
    std::array<Entry, 4> last_{};
};

}  // namespace grapevine::membership
