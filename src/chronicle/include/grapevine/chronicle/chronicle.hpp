#pragma once

#include <functional>
#include <optional>
#include <string>

#include "grapevine/peer/peer.hpp"
#include "grapevine/record/sample.hpp"

namespace grapevine::chronicle {

// What a peer told, as a line of events.jsonl: the same from a node and from the simulator. Nothing for what
// happens too often to be worth one (orders, training, skipped turns).
std::optional<record::RunEvent> event_of(double t, std::string peer, const Peer::Event& event,
                                         const std::function<std::string(PeerId)>& name_of);

}  // namespace grapevine::chronicle
