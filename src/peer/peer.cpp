#include "grapevine/peer/peer.hpp"

#include <algorithm>
#include <utility>

namespace grapevine {

Peer::Peer(membership::Book& book, membership::Handle self, const PeerConfig& config, Random random,
           const std::vector<membership::Handle>& known)
    : exchange_(gossip::make_exchange(config.exchange, book.id(self), random.split(2))),
      membership_(book, self, config.membership, random.split(1), known),
      exchange_config_(&config.exchange) {
    if (gossip::Handover::wanted(config.exchange)) handover_ = std::make_unique<gossip::Handover>(config.exchange, random.split(4), 0);
    if (!config.tally) return;
    std::optional<gossip::Tallier::Model> model;
    if (!config.exchange.sets && config.exchange.size > 0) model = {config.exchange.seed, config.exchange.size};
    tallier_ = std::make_unique<gossip::Tallier>(*config.tally, random.split(3), model);
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
    const auto to_exchange = [&](gossip::Exchange::Input&& i) { this->to_exchange(now, std::move(i), effects); };
    std::visit(Cases{
                   [&](Start&) {
                       to_membership(Start{});
                       if (handover_) held_ = true, handover_->start(now, company, effects);
                       else to_exchange(Start{});
                       if (tallier_) tallier_->start(now, effects);
                   },
                   [&](membership::Met& met) { to_membership(met); },
                   [&](Received<Message>& received) {
                       if (!std::holds_alternative<membership::Message>(received.message)) membership_.heard_directly(now, received.from);
                       if (auto* m = std::get_if<membership::Message>(&received.message)) {
                           membership_.receive(now, received.from, *m, effects);
                       } else if (const auto* tally = std::get_if<gossip::Tally>(&std::get<gossip::Message>(received.message))) {
                           if (tallier_) tallier_->received(now, received.from, *tally, company, effects);
                       } else if (const auto* moments = std::get_if<gossip::Moments>(&std::get<gossip::Message>(received.message))) {
                           if (tallier_) tallier_->received(now, received.from, *moments, effects);
                       } else if (auto& message = std::get<gossip::Message>(received.message); gossip::Handover::is_ours(message)) {
                           std::optional<gossip::Why> refused;
                           if (leaving_) refused = gossip::Why::leaving;
                           else if (held_ || exchange_->catching_up()) refused = gossip::Why::catching_up;
                           if (handover_ || std::holds_alternative<gossip::PieceWanted>(message)) handover().received(now, received.from, std::move(message), refused, company, effects);
                       } else {
                           to_exchange(Received<gossip::Message>{received.from, std::move(std::get<gossip::Message>(received.message))});
                       }
                   },
                   [&](Woken<Timer>& woken) {
                       if (auto* t = std::get_if<membership::Timer>(&woken.timer)) {
                           membership_.wake(now, *t, effects);
                       } else if (std::holds_alternative<gossip::TallyDue>(std::get<gossip::Timer>(woken.timer))) {
                           if (tallier_) tallier_->woken(now, company, effects);
                       } else if (const auto* due = std::get_if<gossip::SketchDue>(&std::get<gossip::Timer>(woken.timer))) {
                           if (tallier_) tallier_->woken(now, *due, held_ || exchange_->catching_up(), effects);
                       } else if (const auto* due = std::get_if<gossip::FetchDue>(&std::get<gossip::Timer>(woken.timer))) {
                           if (handover_) handover_->woken(now, *due, company, effects);
                       } else {
                           to_exchange(Woken<gossip::Timer>{std::get<gossip::Timer>(woken.timer)});
                       }
                   },
                   [&](gossip::Undelivered& u) {
                       if (!gossip::Handover::is_ours(u.ticket)) to_exchange(u);
                       else if (handover_) handover_->undelivered(u, effects);
                   },
                   [&](Completion& c) {
                       if (const auto* sketched = std::get_if<Sketched>(&c.what)) tallier_->sketched(now, c.tag, *sketched);
                       else if (!gossip::Handover::is_ours(c.tag)) to_exchange(std::move(c));
                       else if (handover_) handover_->completed(now, std::move(c), effects);
                   },
                   [&](gossip::Finish& finish) {
                       finishing_ = true;
                       to_exchange(std::move(finish));
                   },
                   [&](membership::Describe& d) { to_membership(std::move(d)); },
                   [&](membership::ForceLeave& f) { to_membership(f); },
                   [&](membership::Measure& m) { to_membership(m); },
                   [&](membership::Dialable& d) { to_membership(d); },
                   [&](membership::WallClock& w) { to_membership(w); },
                   [&](membership::Echoed& e) { to_membership(e); },
                   [&](gossip::Observed& o) {
                       if (tallier_) tallier_->observe(now, o);
                   },
                   [&](gossip::Collect& c) { handover().collect(now, c, company, effects); },
                   [&](membership::Leave&) {
                       if (std::exchange(leaving_, true)) return;
                       if (std::exchange(finishing_, true)) depart(now, effects);
                       else to_exchange(gossip::Finish{true});
                   },
               },
               input);
    pass_on(now, before, effects);
    if (!handover_) return;
    if (const auto settled = handover_->settled()) begin_exchange(now, settled->samples, effects);
    if (!handover_->over()) return;
    handed_over_ = handover_->last_number();
    handover_.reset();
}

// While it is held back it has asked for nothing, so nothing comes but what others want of it and the end.
void Peer::to_exchange(Instant now, gossip::Exchange::Input&& input, Effects& effects) {
    if (held_) {
        if (const auto* received = std::get_if<Received<gossip::Message>>(&input)) {
            if (const auto* offer = std::get_if<gossip::Offer>(&received->message))
                effects.send(received->from, gossip::Message(gossip::Decline{offer->round, gossip::Why::busy}));
            return;
        }
        if (!std::holds_alternative<gossip::Finish>(input) && !std::holds_alternative<gossip::Halt>(input)) return;
        handover_->give_up(now, effects);
        handover_->settled();
        begin_exchange(now, {}, effects);
    }
    exchange_->step(now, std::move(input), membership_.company(), effects);
}

void Peer::begin_exchange(Instant now, std::optional<double> samples, Effects& effects) {
    if (std::exchange(held_, false)) exchange_->step(now, Start{}, membership_.company(), effects);
    if (samples) exchange_->fetched(now, *samples, effects);
}

// It goes on with the numbers of the last: no answer to that one's is taken for an answer to this one's.
gossip::Handover& Peer::handover() {
    if (!handover_) handover_ = std::make_unique<gossip::Handover>(*exchange_config_, Random(id().value), handed_over_);
    return *handover_;
}

// What membership has just told is news for the exchange as well; and what it all sends is counted.
void Peer::pass_on(Instant now, std::size_t from, Effects& effects) {
    const std::size_t end = effects.list.size();
    for (std::size_t i = from; i < end; ++i) {
        if (const auto* send = std::get_if<Effects::Send>(&effects.list[i]); send && tallier_)
            if (const Snapshot* values = parameters(send->message)) tallier_->sent(values->bytes.size);
        const auto* tell = std::get_if<Effects::Tell>(&effects.list[i]);
        if (!tell) continue;
        if (const auto* joined = std::get_if<membership::Joined>(&tell->event)) {
            to_exchange(now, gossip::PeerUp{joined->peer}, effects);
            if (handover_) handover_->peer_up(now, membership_.company(), effects);
        } else if (const auto* gone = std::get_if<membership::Gone>(&tell->event)) {
            to_exchange(now, gossip::PeerDown{gone->peer}, effects);
            if (handover_) handover_->peer_down(now, gone->peer, membership_.company(), effects);
        } else if (std::holds_alternative<gossip::Finished>(tell->event) && leaving_) {
            depart(now, effects);
        } else if (const auto* mixed = std::get_if<gossip::MixedWith>(&tell->event)) {
            membership_.mixed_with(mixed->with, effects);
        } else if (const auto* failed = std::get_if<gossip::Failed>(&tell->event)) {
            using enum gossip::Failure;
            if (failed->why == overdue || failed->why == undelivered) membership_.unanswered(now, failed->with, effects);
        }
    }
}

void Peer::depart(Instant now, Effects& effects) {
    if (std::exchange(departed_, true)) return;
    to_exchange(now, gossip::Halt{}, effects);
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
