#pragma once

#include "quasi_global.hpp"
#include "rounds.hpp"

namespace grapevine::gossip {

// dpsgd that sends differences, most of each left out: CHOCO-SGD (Koloskova, Stich, Jaggi 2019). Of every x_i there is a
// public copy y_i that its peer and its neighbours hold alike. In a round each peer i
//     sends    q_i = top_k(x_i - y_i)
//     and sets y_i <- y_i + q_i,   s_i <- s_i + sum_j w_ij q_j  (over its neighbours and itself),   x_i <- x_i + g (s_i - y_i)
// What was left out stays in x_i - y_i and travels later: that is the error feedback. s_i is sum_j w_ij y_j, so of the
// neighbours' copies only their weighted sum is kept. The mean of all x_i stays as it is.
//
// Slots: 1 y_i, 2 s_i, 3 the difference to be sent; then those of quasi-global momentum. Every q must count once at both of its ends, and so
//   - a neighbour of the round is waited for as long as it is on the roll, whatever patience says; one that dies leaves the roll.
//     With a fixed roll nobody does: then its neighbours stand still, and soon all;
//   - on a new roll all copies start at 0 again on all sides, and the first q's carry the models over in time. A round's
//     message belongs to its roll, so that none of the old ones is added to the new copies.
//
// The step g is smaller the less travels: see step_of().
class Choco final : public Rounds {
public:
    Choco(const Config& config, PeerId self, Random random) : Rounds(config, self, random), momentum_(config, 4) {}
    Slot slots() const override { return static_cast<Slot>(4 + QuasiGlobal::slots(config())); }

protected:
    void enter(Instant now, const Roll& roll, Out& out) override;
    void arrived(Instant now, const Roll& roll, PeerId from, Message&& message, Out& out) override;
    void completed(Instant now, const Roll& roll, Completion&& completion, Out& out) override;
    void lost_peer(Instant, const Roll&, PeerId, Out&) override {}  // its q is on its way, or the roll changes
    void overdue(Instant now, const Roll& roll, Out& out) override;
    void abandon() override { neighbours_.clear(); }
    void started(Out& out) override;
    std::optional<Drift> drift() const override { return momentum_.drift(); }

private:
    static constexpr Slot copy = 1, mixed = 2, difference = 3;
    struct Neighbour {
        PeerId id;
        std::optional<Snapshot> theirs;
    };
    void mix_if_ready(Out& out);

    std::vector<Neighbour> neighbours_;
    std::uint64_t copies_of_ = 0;  // the roll whose copies the slots hold
    std::optional<Snapshot> ours_; // our q of this round, until it is mixed
    std::uint32_t last_order_ = 0; // of this round
    std::uint64_t bytes_ = 0;
    QuasiGlobal momentum_;
};

// How far a peer goes towards its neighbours' copies: as far as the share that travels. The bound of the paper's theorem 2 is
// safe and hundreds of times too small to be of use. Measured on rings of 4 and 16 peers that average 400 normal draws, kept 0.01
// to 1: once and half that share always converge, twice it does not with 4 peers and kept 0.25 or 0.5.
double step_of(double kept);

}  // namespace grapevine::gossip
