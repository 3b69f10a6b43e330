#pragma once

#include "clipping.hpp"
#include "fragments.hpp"
#include "graph.hpp"
#include "quasi_global.hpp"
#include "rounds.hpp"

namespace grapevine::gossip {

// Decentralised parallel SGD (Lian et al. 2017): in every round x <- sum_j W_ij x_j over a graph (graph.hpp), waiting
// for those it hears in this round and for nobody else.
//
//   entered --Published: sent to all it tells--> waiting --every one it hears: there, or missed--> mixing --> done
//
// Who is dead, has gone on to a later round or has used up our patience is missed, and its weight stays with our own model:
// an edge that fails both ways leaves a symmetric W doubly stochastic, so that the mean of all models stays where it is.
// Sharing the weight out among those who are there would move it towards them. Who was slow for a while and finds its
// neighbours in later rounds waits for none of them, and so comes up with them.
//
// With fragments every round of the graph is gone through once for each part, in as many rounds: else a part that is always
// due when the same edges are would stay among those that these join. So W_r meets each part in turn, and each part every W_r.
class Dpsgd final : public Rounds {
public:
    Dpsgd(const Config& config, PeerId self, Random random) : Rounds(config, self, random), clipping_(config), momentum_(config, 1) {}
    Slot slots() const override { return static_cast<Slot>(1 + QuasiGlobal::slots(config())); }

protected:
    void enter(Instant now, const Roll& roll, Out& out) override;
    void arrived(Instant now, const Roll& roll, PeerId from, Message&& message, Out& out) override;
    void completed(Instant now, const Roll& roll, Completion&& completion, Out& out) override;
    void lost_peer(Instant now, const Roll& roll, PeerId peer, Out& out) override;
    void passed(Instant now, const Roll& roll, PeerId peer, Out& out) override { lost_peer(now, roll, peer, out); }
    std::size_t ahead(const Roll& roll) override;
    void overdue(Instant now, const Roll& roll, Out& out) override;
    void abandon() override;
    void started(Out& out) override;
    std::optional<Drift> drift() const override { return momentum_.drift(); }

private:
    struct Neighbour {  // whom we hear
        PeerId id;
        double weight;
        bool missed = false;
        std::optional<Snapshot> theirs;
    };
    const MixingGraph& over(const Roll& roll);
    Range carried() const { return fragment(config(), round()); }
    void mix_if_ready(Instant now, Out& out);

    std::optional<MixingGraph> graph_;  // of a roll of the last size
    std::uint64_t missing_for_ = 0;     // hash of the roll of which it was said that there is no graph for it
    std::vector<Neighbour> heard_;
    std::vector<PeerId> told_;
    double own_ = 1;
    bool published_ = false;
    bool waited_in_vain_ = false;  // for a neighbour: then the round's length says nothing
    std::size_t combines_ = 0;  // still to be carried out
    double distance_ = 0, norm_ = 0, weight_ = 0;  // of the first: the others meet a model that is part mixed
    std::uint64_t bytes_ = 0;
    Clipping clipping_;
    QuasiGlobal momentum_;
    std::vector<PeerId> mixing_;  // whose models are being mixed, in the order given
    double taken_ = 0;            // sum over them of the share that clipping let pass
};

}  // namespace grapevine::gossip
