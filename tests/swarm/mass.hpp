#pragma once

#include <map>
#include <optional>
#include <tuple>
#include <vector>

#include "grapevine/sim/tap.hpp"
#include "grapevine/sim/world.hpp"

namespace grapevine::swarm {

// An account of push-sum's mass: what is held, what is on its way, and what is known to be lost is together what was brought. A
// peer that gives more than it had, takes a push twice or forgets one shows in its own part of the account: what has
// come to it and lies not beside its model yet, or not there any more. That is never less than nothing, and nothing now and then.
class MassAccount final : public sim::Tap {
public:
    void sent(Instant, const Parcel& parcel) override;
    void handed(Instant, std::uint32_t peer, const Peer::Input& input, Instant shown) override;

    // To be called after every entry.
    std::optional<sim::Violation> after(const sim::World& world);
    // Since the last call: of somebody who is up some mass was never where it belongs.
    std::optional<sim::Violation> leak(const sim::World& world);

private:
    using Push = std::tuple<std::uint32_t, std::uint32_t, std::uint32_t>;  // from, to, ticket
    struct Account {
        double held_and_lost = 0;
        double change = 0;    // of what is on its way, by what it sent and was handed since the last look
        double unmixed = 0;   // has come, or was frozen for somebody who is gone
        double least = 0;     // unmixed, since the last call of leak()
        bool begun = false;
    };
    Account& of(std::uint32_t peer) {
        if (peer >= accounts_.size()) accounts_.resize(peer + std::size_t{1});
        return accounts_[peer];
    }
    double take(const Push& push);

    std::vector<Account> accounts_;
    std::map<Push, double> on_its_way_;
};

}  // namespace grapevine::swarm
