#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "grapevine/peer_id.hpp"
#include "grapevine/time.hpp"

namespace grapevine::membership {

// When whom was held for dead or gone, oldest first: so that they are remembered for a time (they may only have been
// cut off, and are called now and then) and then forgotten.
class Graveyard {
public:
    static constexpr std::size_t in_partial_view = 32;  // it remembers no more

    void bury(Instant now, PeerId peer) { graves_.push_back({now, peer}); }
    void risen(PeerId peer);
    // The oldest, if it lies there since before `since` or there are more than `cap`.
    std::optional<PeerId> forget(Instant since, std::size_t cap);
    std::size_t size() const { return graves_.size() - first_; }

private:
    struct Grave {
        Instant at;
        PeerId peer;
    };
    std::vector<Grave> graves_;
    std::size_t first_ = 0;  // those before it are forgotten
};

}  // namespace grapevine::membership
