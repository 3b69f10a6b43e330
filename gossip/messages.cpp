#include "grapevine/gossip/messages.hpp"

namespace grapevine::gossip {

namespace {
template <class M>
concept WithParameters = requires(M m) { m.snapshot; m.ticket; };
}  // namespace

const Snapshot* parameters(const Message& message) {
    return std::visit(
        [](const auto& m) -> const Snapshot* {
            if constexpr (WithParameters<decltype(m)>) return &m.snapshot;
            else return nullptr;
        },
        message);
}

Snapshot* parameters(Message& message) {
    return const_cast<Snapshot*>(parameters(static_cast<const Message&>(message)));
}

std::uint32_t ticket(const Message& message) {
    return std::visit(
        [](const auto& m) -> std::uint32_t {
            if constexpr (WithParameters<decltype(m)>) return m.ticket;
            else return 0;
        },
        message);
}

}  // namespace grapevine::gossip
