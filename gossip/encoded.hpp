#pragma once

#include "grapevine/gossip/exchange.hpp"

namespace grapevine::gossip {

// The order to freeze what is to travel: in the run's encoding. All exchanges publish by it.
inline Publish encoded(const Config& config, Slot slot, Range range) { return {slot, range, config.encoding, config.kept}; }

}  // namespace grapevine::gossip
