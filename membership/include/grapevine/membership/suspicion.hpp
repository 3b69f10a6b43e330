#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "grapevine/peer_id.hpp"
#include "grapevine/time.hpp"

namespace grapevine::membership {

// When a suspicion that began `elapsed` ago with `confirmations` further accusers ends, from now; may be
// negative. K = 0 gives min. (Lifeguard's dogpile; memberlist suspicion.go has the same vectors.)
Duration remaining_suspicion(std::uint32_t confirmations, std::uint32_t k, Duration elapsed, Duration min, Duration max);
// alpha max(1, log10 n) periods
Duration shortest_suspicion(std::size_t n, double alpha, Duration period);

struct Suspicion {
    PeerId about;
    Instant since{}, ends{};
    Instant armed{};            // when the timer that watches it fires
    std::uint8_t k = 0;         // accusers that shorten it, after the first
    std::uint8_t count = 0;     // accusers so far
    bool patient = false;       // it lasts as long as any
    std::array<PeerId, 4> accusers{};

    bool accused_by(PeerId peer) const;
    std::uint32_t confirmations() const { return count > 0 ? count - 1u : 0u; }
    bool takes_more() const { return count <= k; }
};

// Who is suspected, since when, by whom.
class Suspicions {
public:
    const Suspicion* find(PeerId about) const;
    Suspicion* find(PeerId about);
    Suspicion& begin(PeerId about, Instant now, std::uint8_t k, PeerId accuser);  // k <= 3
    void end(PeerId about);
    void postpone(Duration by);  // we were not there to hear the answers
    std::size_t size() const { return list_.size(); }

private:
    std::vector<Suspicion> list_;
};

}  // namespace grapevine::membership
