#pragma once

#include "grapevine/gossip/exchange.hpp"

namespace grapevine::gossip {

// The part of the model that the exchange of this number carries: all of it, or one of `fragments` parts in turn.
inline Range fragment(const Config& config, std::uint64_t number) {
    return part(Range{0, config.size}, number % config.fragments, config.fragments);
}

}  // namespace grapevine::gossip
