#pragma once

#include <array>

#include "quasi_global.hpp"
#include "rounds.hpp"

namespace grapevine::gossip {

// Moshpit SGD (Ryabinin et al. 2021): every round the roll falls anew into random groups of about the same size, by a
// permutation that all draw alike, and each group takes its exact mean, by itself.
//
// Of a group of g, member j owns part j of the model. Everybody sends part j of what it has to j (hop 0), who
// averages all g and sends the finished part to everybody (hop 1): 2 (g-1)/g of the model out, in 2(g-1) messages.
//
//    enter --Publish--> parts on their way --g-1 parts of mine--> averaged, sent --g-1 finished parts--> Swap
//      |                          |                                     |
//      | (alone)                  +--patience is over, or a member has gone on without us--> model as it was
//      +--> sits the round out
//
// It is gathered in a slot of its own and swapped in as a whole. Who holds all g parts swaps; who does not within
// patience keeps its model. That some of a group swap and others do not cannot be ruled out (two generals); both are
// whole models. Such rounds are counted.
//
// Members weigh alike, unless one has more than twice another's samples behind it; then by samples, so that a newcomer
// takes what the others have.
class Group : public Rounds {
public:
    Group(const Config& config, PeerId self, Random random) : Group(config, self, random, 1) {}
    Slot slots() const override { return static_cast<Slot>(2 + QuasiGlobal::slots(config())); }

protected:
    Group(const Config& config, PeerId self, Random random, Slot gathered) : Rounds(config, self, random), gathered_(gathered), momentum_(config, 2) {}

    void enter(Instant now, const Roll& roll, Out& out) override;
    void arrived(Instant now, const Roll& roll, PeerId from, Message&& message, Out& out) override;
    void completed(Instant now, const Roll& roll, Completion&& completion, Out& out) override;
    void lost_peer(Instant, const Roll&, PeerId, Out&) override {}  // the roll changes without it
    void passed(Instant now, const Roll& roll, PeerId peer, Out& out) override;
    void late(const Roll& roll, PeerId from, const Message& message, Out& out) override;
    void told(Instant now, const Roll& roll, PeerId from, const Message& message, Out& out) override;
    void overdue(Instant now, const Roll& roll, Out& out) override;
    void abandon() override;

    // Slot `gathered` holds the group's mean: give the orders that make a model of it, the last of them a Swap.
    virtual void conclude(Out& out);
    void started(Out& out) override;
    std::optional<Drift> drift() const override { return momentum_.drift(); }
    bool behind() const { return behind_; }  // the others of the group have more than twice our samples

    const Slot gathered_;

private:
    struct Member {
        PeerId id;
        std::optional<Snapshot> theirs;  // their values of our part
        bool began = false;              // that came
        bool finished = false;           // the mean of their part came
        double samples = 0;
    };
    struct Outgoing {
        std::uint32_t hop;
        std::size_t to;  // place in the group, of hop 0
    };
    Range part_of(std::size_t place) const { return part(Range{0, config().size}, place, members_.size()); }
    std::size_t place_of(PeerId peer) const;
    void average(Out& out);
    void conclude_if_whole(Out& out);
    void give_up(Instant now, PeerId missing, How how, Out& out);

    std::vector<Member> members_;  // in the order of their parts; empty: no round
    std::size_t place_ = 0;        // ours
    std::uint64_t name_ = 0;       // of the group in this round
    std::optional<std::pair<PeerId, std::uint64_t>> abandoned_;  // with whom, which group: still to be told
    std::vector<Outgoing> publishing_;  // orders to publish that are out, oldest first
    std::size_t began_ = 0, finished_ = 0;  // members that have
    bool shared_ = false;     // our part is averaged and sent
    bool concluding_ = false;
    bool behind_ = false;
    double together_ = 0;     // samples behind the mean
    double borrowed_ = 0;     // samples behind our model that others have trained on
    std::uint64_t bytes_ = 0;
    static constexpr std::uint64_t nothing_mixed = ~std::uint64_t{0};
    std::array<std::uint64_t, 8> mixed_ = [] {  // the last rounds that we mixed, by their number modulo
        std::array<std::uint64_t, 8> none;
        none.fill(nothing_mixed);
        return none;
    }();
    QuasiGlobal momentum_;    // not of the outer exchanges, which have a momentum of their own
};

// Into how many groups n peers fall.
constexpr std::uint64_t groups_of(std::uint64_t n, std::uint64_t size) {
    const std::uint64_t groups = (2 * n + size) / (2 * size);
    return groups > 0 ? groups : 1;
}

}  // namespace grapevine::gossip
