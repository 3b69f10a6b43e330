#include "mass.hpp"

#include <algorithm>
#include <cmath>

namespace grapevine::swarm {

namespace {

const gossip::Push* push_in(const Peer::Message& message) {
    const auto* exchanged = std::get_if<gossip::Message>(&message);
    return exchanged ? std::get_if<gossip::Push>(exchanged) : nullptr;
}

constexpr double rounding = 1e-9;

}  // namespace

void MassAccount::sent(Instant, const Parcel& parcel) {
    const gossip::Push* push = push_in(parcel.message);
    if (!push) return;
    on_its_way_[{parcel.passage.from, parcel.passage.to, push->ticket}] = push->snapshot.weight;
    of(parcel.passage.from).change += push->snapshot.weight;
}

double MassAccount::take(const Push& push) {
    const auto found = on_its_way_.find(push);
    if (found == on_its_way_.end()) return 0;  // it came before
    const double mass = found->second;
    on_its_way_.erase(found);
    return mass;
}

void MassAccount::handed(Instant, std::uint32_t peer, const Peer::Input& input, Instant) {
    if (const auto* received = std::get_if<Received<Peer::Message>>(&input)) {
        if (const gossip::Push* push = push_in(received->message)) of(peer).change -= take({sim::index_of(received->from), peer, push->ticket});
    } else if (const auto* undelivered = std::get_if<gossip::Undelivered>(&input)) {
        of(peer).change -= take({peer, sim::index_of(undelivered->to), undelivered->ticket});
    }
}

std::optional<sim::Violation> MassAccount::after(const sim::World& world) {
    for (std::uint32_t i = 0; i < world.size(); ++i) {
        Account& account = of(i);
        const gossip::Exchange::Mass mass = world.peer(i).mass();
        const double now = mass.held + mass.lost;
        const bool brings = !account.begun || (account.held_and_lost == mass.lost && mass.held == 1 && account.change == 0 && account.unmixed < 0.5);
        if (brings) account.begun = true, account.held_and_lost = now;  // it begins, or a newcomer to whom nobody gave any begins alone
        account.unmixed -= now - account.held_and_lost + account.change;
        account.held_and_lost = now;
        account.change = 0;
        account.least = std::min(account.least, account.unmixed);
        if (account.unmixed < -rounding)
            return sim::Violation{world.now(), i, "has made mass: " + std::to_string(-account.unmixed) + " more than came to it"};
    }
    return {};
}

std::optional<sim::Violation> MassAccount::leak(const sim::World& world) {
    std::optional<sim::Violation> found;
    for (std::uint32_t i = 0; i < world.size(); ++i) {
        Account& account = of(i);
        if (world.up(i) && account.least > rounding && !found)
            found = sim::Violation{world.now(), i, "has mass that is neither held nor on its way nor known to be lost: " + std::to_string(account.least)};
        account.least = account.unmixed;
    }
    return found;
}

}  // namespace grapevine::swarm
