#pragma once

#include "../rounds.hpp"

namespace grapevine::gossip {

// Ring allreduce (Patarasuk, Yuan 2009): everyone waits for everyone, everyone ends with the exact mean.
//
// The parameters are cut into n parts. In hop h < n-1 rank r sends part r-h, the weighted sum as far as it has
// come, to rank r+1, which adds its own; then rank r holds part r+1 complete and divides it. In the other n-1
// hops the finished parts go round once more. Each peer sends 2 (n-1)/n of the model in 2(n-1) messages.
//
// It is gathered in slot 1 and swapped in as a whole, so a round that breaks off leaves the model as it was.
// Every peer weighs 1; in the first round of a roll its samples, so that newcomers and healed halves agree.
class RingAllreduce final : public Rounds {
public:
    using Rounds::Rounds;
    Slot slots() const override { return 2; }

protected:
    void enter(Instant now, const Roll& roll, Out& out) override;
    void arrived(Instant now, const Roll& roll, PeerId from, Message&& message, Out& out) override;
    void completed(Instant now, const Roll& roll, Completion&& completion, Out& out) override;
    void lost_peer(Instant, const Roll&, PeerId, Out&) override {}  // the roll changes without it
    void overdue(Instant now, const Roll& roll, Out& out) override;
    void abandon() override;

private:
    static constexpr Slot gathered = 1;
    Range part_of(const Roll& roll, std::uint64_t part) const;
    void take_in_order(const Roll& roll, Out& out);
    void ship(const Roll& roll, std::uint32_t hop, Snapshot snapshot, Out& out);

    std::vector<std::optional<Snapshot>> inbox_;  // by hop
    std::uint32_t next_hop_ = 0;                  // to take from the inbox
    std::vector<double> weights_;                 // behind each part, as gathered here
    struct Outgoing {
        std::uint32_t hop;
        double weight;
    };
    std::vector<Outgoing> publishing_;  // orders to publish that are out, oldest first
    std::uint64_t bytes_ = 0;
};

}  // namespace grapevine::gossip
