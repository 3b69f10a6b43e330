#pragma once

#include <vector>

#include "grapevine/gossip/exchange.hpp"

namespace grapevine::gossip {

// The other side of Fetching: freezes the pieces of our model that others ask for, and sends them. For two of them at once and so many
// pieces each, so that neither memory nor uplink goes to newcomers alone; a third is told to ask elsewhere.
//
//   a piece:  PieceWanted --> freezing --Published--> sent --PieceCame, Undelivered, its taker is gone, a minute--> over
class Donating {
public:
    explicit Donating(const Config& config) : config_(config) {}

    // Gives an order of this tag for a piece, or says why there is none.
    void wanted(Instant now, PeerId from, const PieceWanted& wanted, std::optional<Why> refused, std::uint32_t tag, Exchange::Out& out);
    void published(std::uint32_t tag, Snapshot&& snapshot, std::uint32_t ticket, Exchange::Out& out);
    void came(PeerId from, const PieceCame& piece);
    void undelivered(const Undelivered& u, Exchange::Out& out);
    void peer_down(PeerId peer);
    bool over() const { return given_.empty(); }

    static constexpr std::size_t most_takers = 2;
    static constexpr std::size_t most_pieces = 64;  // each: 256 MiB of float32

private:
    struct Given {
        PeerId to;
        std::uint32_t fetch, piece;
        std::uint32_t tag;         // of the order
        std::uint32_t ticket = 0;  // once it is sent
        Instant since{};
        bool gone = false;         // the taker is, or its wish, while it was frozen: the order's answer is still to come
    };
    const Config& config_;
    std::vector<Given> given_;
};

}  // namespace grapevine::gossip
