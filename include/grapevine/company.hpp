#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "grapevine/peer_id.hpp"
#include "grapevine/random.hpp"

namespace grapevine {

// The others, as far as this peer knows: whom it may exchange with now. Membership is behind it; an exchange
// asks and keeps no list of its own, so that a large cluster is held once a peer and not twice.
class Company {
public:
    virtual std::size_t size() const = 0;                            // without oneself
    virtual bool contains(PeerId peer) const = 0;
    virtual std::optional<PeerId> draw(Random& random) const = 0;    // uniformly; nobody if there is nobody
    virtual std::vector<PeerId> all() const = 0;                     // ascending; costs O(size)

protected:
    ~Company() = default;
};

}  // namespace grapevine
