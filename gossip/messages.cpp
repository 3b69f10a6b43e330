#include "grapevine/gossip/messages.hpp"

namespace grapevine::gossip {

const Snapshot* parameters(const Message& message) {
    if (const auto* m = std::get_if<Half>(&message)) return &m->snapshot;
    if (const auto* m = std::get_if<RoundModel>(&message)) return &m->snapshot;
    if (const auto* m = std::get_if<RingPart>(&message)) return &m->snapshot;
    return nullptr;
}

Snapshot* parameters(Message& message) {
    return const_cast<Snapshot*>(parameters(static_cast<const Message&>(message)));
}

std::uint32_t ticket(const Message& message) {
    if (const auto* m = std::get_if<Half>(&message)) return m->ticket;
    if (const auto* m = std::get_if<RoundModel>(&message)) return m->ticket;
    if (const auto* m = std::get_if<RingPart>(&message)) return m->ticket;
    return 0;
}

}  // namespace grapevine::gossip
