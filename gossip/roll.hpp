#pragma once

#include <optional>
#include <vector>

#include "grapevine/gossip/exchange.hpp"

namespace grapevine::gossip {

// Who takes part, and in which order: the same for all who use it.
struct Roll {
    std::uint64_t epoch = 0;
    std::shared_ptr<const std::vector<PeerId>> ids;  // ascending; the place is the rank
    std::uint64_t hash = 0;
    std::uint32_t rank = 0;  // ours
    std::uint32_t size() const { return static_cast<std::uint32_t>(ids->size()); }
    PeerId at(std::uint64_t rank) const { return (*ids)[rank % ids->size()]; }
};

std::uint64_t hash_of(std::uint64_t epoch, const std::vector<PeerId>& ids);

// Agrees on rolls. Exchanges with ranks (allreduce, graphs) never use the local view, in which two peers may
// differ; they use a roll that all on it have said yes to.
//
//   proposer (lowest id of its own view, once the view was still for two ticks and is not the roll in force):
//       Proposal --> all;  Yes from all --> InForce --> all;  who is silent for `patience` is struck
//       A proposal is first a hash: most see the same members. Who has not said yes a tick later is told them by name, so
//       many at a time that a message stays small; it has them all when the hash of those it was told is the one proposed.
//   everybody:  (none) --Proposal, newer than what we said yes to--> Promised --InForce--> in force
//                                      otherwise: No
//   whoever sees another set of members than its roll's tells the lowest of them: No, I am on that one
//
// A peer says yes to one roll at a time, the highest epoch and then the lowest proposer, and leaves the roll it
// was on: so two rolls in force are disjoint, and both sides of a cut have one.
class RollCall {
public:
    RollCall(const Config& config, PeerId self);

    // True where the roll in force has changed (also to none).
    bool start(Instant now, const Company& company, Exchange::Out& out);
    bool view_changed(Instant now, const Company& company, Exchange::Out& out);
    bool woken(Instant now, const Company& company, Exchange::Out& out);
    bool received(Instant now, PeerId from, const Message& message, const Company& company, Exchange::Out& out);
    // Anything came from it: if it was struck for its silence, it is one of us again.
    void heard(Instant now, PeerId from, Exchange::Out& out);
    // A round's message under a roll that we have said yes to says that it is in force: its sender was told, our own
    // telling was lost or overtaken. True where it is in force by that.
    bool implied(std::uint64_t hash, Exchange::Out& out);
    // Somebody sent a round's message under another roll: tell it ours, so that an older one is given up.
    void outdated(PeerId from, Exchange::Out& out) const;
    void stop() { stopped_ = true; }

    const std::optional<Roll>& in_force() const { return in_force_; }

private:
    struct Promise {
        std::uint64_t epoch = 0;
        PeerId proposer;
        std::shared_ptr<const std::vector<PeerId>> ids;
        std::uint64_t hash = 0;
    };
    struct Proposing {
        Instant since;
        std::vector<bool> yes;  // by place in the promise's ids, ours
    };

    void arm(Instant now, Exchange::Out& out);
    bool look_after(Instant now, const Company& company, Exchange::Out& out);
    std::vector<PeerId> view(const Company& company) const;
    void propose(Instant now, std::vector<PeerId> ids, Exchange::Out& out);
    void name(PeerId to, Exchange::Out& out) const;
    std::shared_ptr<const std::vector<PeerId>> proposed(PeerId from, const RollProposal& proposal, const Company& company);
    bool adopt(Exchange::Out& out);
    bool conclude(Exchange::Out& out);

    PeerId self_;
    bool fixed_;
    bool stopped_ = false;
    bool armed_ = false;
    bool unsettled_ = false;               // we wait for somebody else to propose
    Instant still_since_{};
    std::uint64_t highest_ = 0;            // epoch heard of
    std::optional<Promise> promise_;
    std::optional<Proposing> proposing_;   // the promise is our own and not all have answered
    struct Told {
        PeerId by;
        std::uint64_t hash = 0;
        std::vector<PeerId> ids;  // ascending
    };
    Told told_;                            // of a proposal that was not a roll of our own view
    std::optional<Roll> in_force_;
    std::vector<PeerId> struck_;           // silent members, until the view changes
};

}  // namespace grapevine::gossip
