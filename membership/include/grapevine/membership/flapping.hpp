#pragma once

#include <cstdint>
#include <vector>

#include "grapevine/peer_id.hpp"
#include "grapevine/time.hpp"

namespace grapevine::membership {

// Who has refuted suspicions of late. One that does so again and again lives, behind a bad link: to doubt it every
// second helps nobody, and to bury it because the odd refutation is lost makes it come and go for everybody.
class Flapping {
public:
    void refuted(PeerId peer, Instant now);
    bool often(PeerId peer, Instant now) const;           // twice at least, the last time within a minute
    bool since(PeerId peer, Instant now, Duration d) const;  // the last time within d
    bool over(Instant now, Duration d) const;  // none of it will be asked for again: nobody has, within d and a minute

private:
    struct Entry {
        PeerId peer;
        std::uint32_t times;
        Instant last;
    };
    static constexpr std::size_t kept = 128;
    std::vector<Entry> entries_;  // the one longest quiet gives way
};

}  // namespace grapevine::membership
