#include "grapevine/peer/peer.hpp"

#include <algorithm>
#include <utility>

namespace grapevine {

Peer::Peer(membership::Book& book, membership::Handle self, const PeerConfig& config, Random random,
           const std::vector<membership::Handle>& known)
    : exchange_(gossip::make_exchange(config.exchange, book.id(self), random.split(2))),
      membership_(book, self, config.membership, random.split(1), known) {
    if (config.tally) tallier_ = std::make_unique<gossip::Tallier>(*config.tally, random.split(3));
}

const PeerConfig& PeerConfigs::keep(PeerConfig config) {
    constexpr std::ptrdiff_t lately = 8;  // a newcomer's differs from others', and a server's
    const auto looked_at = std::min(static_cast<std::ptrdiff_t>(kept_.size()), lately);
    const auto same = std::find(kept_.end() - looked_at, kept_.end(), config);
    return same != kept_.end() ? *same : kept_.emplace_back(std::move(config));
}

void Peer::step(Instant now, Input&& input, Effects& effects) {
    const std::size_t before = effects.list.size();
    const Company& company = membership_.company();
    const auto to_membership = [&](membership::Membership::Input&& i) { membership_.step(now, std::move(i), effects); };
    const auto to_exchange = [&](gossip::Exchange::Input&& i) { exchange_->step(now, std::move(i), company, effects); };
    std::visit(Cases{
                   [&](Start&) {
                       to_membership(Start{});
                       to_exchange(Start{});
                       if (tallier_) tallier_->start(now, effects);
                   },
                   [&](membership::Met& met) { to_membership(met); },
                   [&](Received<Message>& received) {
                       if (!std::holds_alternative<membership::Message>(received.message)) membership_.heard_directly(now, received.from);
                       if (auto* m = std::get_if<membership::Message>(&received.message)) {
                           membership_.receive(now, received.from, *m, effects);
                       } else if (const auto* tally = std::get_if<gossip::Tally>(&std::get<gossip::Message>(received.message))) {
                           if (tallier_) tallier_->received(now, received.from, *tally, effects);
                       } else {
                           to_exchange(Received<gossip::Message>{received.from, std::move(std::get<gossip::Message>(received.message))});
                       }
                   },
                   [&](Woken<Timer>& woken) {
                       if (auto* t = std::get_if<membership::Timer>(&woken.timer)) {
                           membership_.wake(now, *t, effects);
                       } else if (std::holds_alternative<gossip::TallyDue>(std::get<gossip::Timer>(woken.timer))) {
                           if (tallier_) tallier_->woken(now, company, effects);
                       } else {
                           to_exchange(Woken<gossip::Timer>{std::get<gossip::Timer>(woken.timer)});
                       }
                   },
                   [&](gossip::Undelivered& u) { to_exchange(u); },
                   [&](Completion& c) { to_exchange(std::move(c)); },
                   [&](gossip::Finish& finish) {
                       finishing_ = true;
                       to_exchange(std::move(finish));
                   },
                   [&](membership::Describe& d) { to_membership(std::move(d)); },
                   [&](membership::ForceLeave& f) { to_membership(f); },
                   [&](membership::Measure& m) { to_membership(m); },
                   [&](membership::Dialable& d) { to_membership(d); },
                   [&](gossip::Observed& o) {
                       if (tallier_) tallier_->observe(now, o);
                   },
                   [&](membership::Leave&) {
                       if (std::exchange(leaving_, true)) return;
                       if (std::exchange(finishing_, true)) depart(now, effects);
                       else to_exchange(gossip::Finish{true});
                   },
               },
               input);
    pass_on(now, before, effects);
}

// What membership has just told is news for the exchange as well.
void Peer::pass_on(Instant now, std::size_t from, Effects& effects) {
    const std::size_t end = effects.list.size();
    for (std::size_t i = from; i < end; ++i) {
        const auto* tell = std::get_if<Effects::Tell>(&effects.list[i]);
        if (!tell) continue;
        if (const auto* joined = std::get_if<membership::Joined>(&tell->event)) {
            exchange_->step(now, gossip::PeerUp{joined->peer}, membership_.company(), effects);
        } else if (const auto* gone = std::get_if<membership::Gone>(&tell->event)) {
            exchange_->step(now, gossip::PeerDown{gone->peer}, membership_.company(), effects);
        } else if (std::holds_alternative<gossip::Finished>(tell->event) && leaving_) {
            depart(now, effects);
        } else if (const auto* failed = std::get_if<gossip::Failed>(&tell->event)) {
            using enum gossip::Failure;
            if (failed->why == overdue || failed->why == undelivered) membership_.unanswered(now, failed->with, effects);
        }
    }
}

void Peer::depart(Instant now, Effects& effects) {
    if (std::exchange(departed_, true)) return;
    exchange_->step(now, gossip::Halt{}, membership_.company(), effects);
    if (tallier_) tallier_->leave(now, membership_.company(), effects);
    membership_.step(now, membership::Leave{}, effects);
}

void Peer::Effects::tell(membership::Event event) {
    std::visit([&](auto&& e) { list.emplace_back(Tell{std::move(e)}); }, std::move(event));
}

void Peer::Effects::tell(gossip::Event event) {
    std::visit([&](auto&& e) { list.emplace_back(Tell{std::move(e)}); }, std::move(event));
}

const Snapshot* parameters(const Peer::Message& message) {
    const auto* m = std::get_if<gossip::Message>(&message);
    return m ? gossip::parameters(*m) : nullptr;
}

}  // namespace grapevine
