#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "grapevine/gossip/sharding.hpp"
#include "grapevine/membership/membership.hpp"
#include "grapevine/peer/peer.hpp"

namespace grapevine::node {

// Which rows this node trains on, as those who are there come and go and say how fast they are. Who has what is decided in
// gossip/sharding.hpp, from records alone, ours as the others know it too: so all reckon with the same numbers.
class Sharding {
public:
    // `order`: the rows, block after block.
    Sharding(const membership::Book& book, std::vector<std::uint32_t> order) : book_(book), order_(std::move(order)) {}

    static bool concerns(const Peer::Event& event);        // who is there, or what somebody says of itself
    void changed(Instant now) { resharding_.stir(now); }

    struct Deal {
        std::vector<std::uint32_t> rows;
        std::size_t blocks, members;       // members: that share the data, with us
    };
    std::optional<Deal> woken(Instant now, const membership::Membership& members);
    std::size_t rows() const { return order_.size(); }     // of the whole set

private:
    const membership::Book& book_;
    std::vector<std::uint32_t> order_;
    gossip::Resharding resharding_;
    membership::Handle self_ = ~membership::Handle{0};     // our record when we last looked
};

// How often one pass of all that train uses a row, by what members say: the sum of the rows of each over all rows. 1 where every row is
// somebody's and nobody else's. Who has not said counts with an even part. `ours`: rows of this node.
double uses_of_a_row(const membership::Book& book, const membership::Membership& members, std::size_t ours, std::size_t all);

}  // namespace grapevine::node
