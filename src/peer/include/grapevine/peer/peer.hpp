#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "grapevine/gossip/exchange.hpp"
#include "grapevine/gossip/handover.hpp"
#include "grapevine/gossip/tallier.hpp"
#include "grapevine/membership/membership.hpp"
#include "grapevine/protocol.hpp"

namespace grapevine {

struct PeerConfig {
    membership::Config membership;
    gossip::Config exchange;
    std::optional<Duration> tally;  // tick of the cluster's figures; none: they are not asked for
    friend bool operator==(const PeerConfig&, const PeerConfig&) = default;
};

// The configurations of the peers of one driver, each kept once where peers in a row have the same. Outlives the peers.
class PeerConfigs {
public:
    const PeerConfig& keep(PeerConfig config);

private:
    std::deque<PeerConfig> kept_;
};

// A whole peer: membership and an exchange, joined. This is what a node runs, and what the simulator runs a
// thousand of. It is the one place where the two know of each other: members that join and go are told to the
// exchange, and the exchange sees the members as its Company.
class Peer {
public:
    using Message = std::variant<membership::Message, gossip::Message>;
    using Timer = std::variant<membership::Timer, gossip::Timer>;
    using Event = std::variant<membership::Joined, membership::Changed, membership::ProbeFailed, membership::Suspected,
                               membership::Refuted, membership::Gone, membership::Reachable, membership::Unreachable, membership::Departed, membership::Superseded,
                               membership::Refused, membership::Measured, Order, gossip::MixedWith, gossip::Failed, gossip::Skipped,
                               gossip::RollFormed, gossip::TrainedSome, gossip::Finished, gossip::Tallied, gossip::Fetched,
                               gossip::Collected, membership::BulkWay, membership::EchoWanted>;
    using Input = std::variant<Start, membership::Met, Received<Message>, Woken<Timer>, gossip::Undelivered,
                               Completion, gossip::Finish, membership::Leave, membership::Describe,
                               membership::ForceLeave, membership::Measure, gossip::Observed, membership::Dialable, gossip::Collect, membership::WallClock, membership::Echoed>;

    // The peer's list of wishes, which both halves write into.
    struct Effects final : Out<membership::Message, membership::Timer, membership::Event>,
                           Out<gossip::Message, gossip::Timer, gossip::Event> {
        struct Send {
            PeerId to;
            Message message;
        };
        struct Wake {
            Instant at;
            Timer timer;
        };
        struct Tell {
            Event event;
        };
        using Effect = std::variant<Send, Wake, Tell>;
        std::vector<Effect> list;

        void send(PeerId to, membership::Message message) override { list.emplace_back(Send{to, std::move(message)}); }
        void wake(Instant at, membership::Timer timer) override { list.emplace_back(Wake{at, timer}); }
        void tell(membership::Event event) override;
        void send(PeerId to, gossip::Message message) override { list.emplace_back(Send{to, std::move(message)}); }
        void wake(Instant at, gossip::Timer timer) override { list.emplace_back(Wake{at, timer}); }
        void tell(gossip::Event event) override;
    };

    // `self` and `known` are records of the book, which outlives the peer as the config does.
    Peer(membership::Book& book, membership::Handle self, const PeerConfig& config, Random random,
         const std::vector<membership::Handle>& known = {});
    Peer(membership::Book&, membership::Handle, const PeerConfig&&, Random, const std::vector<membership::Handle>& = {}) = delete;

    void step(Instant now, Input&& input, Effects& effects);

    PeerId id() const { return membership_.id(); }
    const membership::Membership& members() const { return membership_; }
    Slot slots() const { return exchange_->slots(); }  // that the learner must have
    gossip::Exchange::Mass mass() const { return exchange_->mass(); }
    // The cluster's loss and accuracy, as far as they are known here.
    std::optional<gossip::Tallied> cluster() const { return tallier_ ? tallier_->told() : std::nullopt; }

private:
    void pass_on(Instant now, std::size_t from, Effects& effects);
    void depart(Instant now, Effects& effects);
    void to_exchange(Instant now, gossip::Exchange::Input&& input, Effects& effects);
    void begin_exchange(Instant now, std::optional<double> samples, Effects& effects);
    gossip::Handover& handover();

    std::unique_ptr<gossip::Exchange> exchange_;
    membership::Membership membership_;
    std::unique_ptr<gossip::Tallier> tallier_;
    const gossip::Config* exchange_config_;
    std::unique_ptr<gossip::Handover> handover_;  // while there is one
    std::uint32_t handed_over_ = 0;               // the last number that one used
    // A newcomer that fetches its model first: Start --> held --Fetched, in vain or not--> the exchange begins.
    bool held_ = false;
    // Leave --> the exchange's last --Finished--> departs. Whose run has ended has merged before, and departs at once.
    bool finishing_ = false, leaving_ = false, departed_ = false;
};
static_assert(Protocol<Peer>);

// The parameters a message carries, if it does: such a message goes by the bulk plane.
const Snapshot* parameters(const Peer::Message& message);

// One word for what an input is ("ping", "offer", "trained"), for stories and traces.
const char* word(const Peer::Input& input);
const char* word(const Peer::Message& message);
const char* word(const Order& order);

// The integer fields of an input that decide what a peer does, in order: what a trace hash is made of. Never
// losses, distances or parameters, whose last bits differ between machines.
void integers(const Peer::Input& input, const membership::Book& book, std::vector<std::uint64_t>& into);

}  // namespace grapevine
