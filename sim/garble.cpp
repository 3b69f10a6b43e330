#include "grapevine/sim/garble.hpp"

#include <span>

#include "grapevine/wire/wire.hpp"

namespace grapevine::sim {

std::optional<Peer::Message> garbled(const Peer::Message& message, membership::Book& book, std::size_t header, Random& random) {
    std::string bytes = wire::encode(message, book);
    bool fits = true;
    for (std::uint64_t flips = 1 + random.below(4); flips > 0; --flips) {
        const std::uint64_t at = random.below(header + bytes.size());
        const auto other = static_cast<char>(1 + random.below(255));
        if (at < header) fits = false;
        else bytes[at - header] = static_cast<char>(bytes[at - header] ^ other);
    }
    if (!fits) return std::nullopt;
    const Snapshot* snapshot = parameters(message);
    return wire::decode(std::as_bytes(std::span(bytes)), book, snapshot ? snapshot->bytes : Bytes{});
}

}  // namespace grapevine::sim
