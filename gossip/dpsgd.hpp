#pragma once

#include "rounds.hpp"

namespace grapevine::gossip {

// Decentralised parallel SGD (Lian et al. 2017): in every round x <- sum_j W_ij x_j over a graph, waiting for the
// neighbours of this round and for nobody else.
//   ring      both neighbours on the roll, 1/3 each (two peers: 1/2)
//   matching  one partner drawn anew each round by all alike (Boyd et al. 2006), 1/2 each
// Weights of neighbours that did not answer within patience are shared out among those who did. Who was slow for a
// while and finds its neighbours in later rounds waits for none of them, and so comes up with them.
class Dpsgd final : public Rounds {
public:
    using Rounds::Rounds;

protected:
    void enter(Instant now, const Roll& roll, Out& out) override;
    void arrived(Instant now, const Roll& roll, PeerId from, Message&& message, Out& out) override;
    void completed(Instant now, const Roll& roll, Completion&& completion, Out& out) override;
    void lost_peer(Instant now, const Roll& roll, PeerId peer, Out& out) override;
    void passed(Instant now, const Roll& roll, PeerId peer, Out& out) override { lost_peer(now, roll, peer, out); }
    void overdue(Instant now, const Roll& roll, Out& out) override;
    void abandon() override;

private:
    struct Neighbour {
        PeerId id;
        bool missed = false;
        std::optional<Snapshot> theirs;
    };
    void mix_if_ready(Instant now, Out& out);

    std::vector<Neighbour> neighbours_;
    bool published_ = false;
    bool waited_in_vain_ = false;  // for a neighbour: then the round's length says nothing
    std::size_t combines_ = 0;  // still to be carried out
    double distance_ = 0, norm_ = 0, weight_ = 0;
    std::uint64_t bytes_ = 0;
};

}  // namespace grapevine::gossip
