// What comes in goes to the part that it concerns.
#include "grapevine/membership/membership.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace grapevine::membership {

Membership::Membership(Book& book, Handle self, const Config& config, Random random, const std::vector<Handle>& known)
    : book_(book), config_(config), id_(book.id(self)), self_(self), settled_(!known.empty()), health_(config.local_health), random_(random),
      rumors_(config.rumor_cap), roster_(book, config.partial ? std::vector<Handle>{} : known) {
    assert(within_limits(book.at(self)));
    if (!config.partial) return;
    view_.emplace(book, self, config.view, random.split(0x76696577));
    for (std::size_t i = 0; i < config.view.passive && !known.empty(); ++i) view_->remember(known[random_.below(known.size())]);
}

void Membership::step(Instant now, Input&& input, Out& out) {
    std::visit(Cases{
                   [&](const Start&) { start(now, out); },
                   [&](const Met& met) { meet(now, met.who, out); },
                   [&](const Received<Message>& received) { receive(now, received.from, received.message, out); },
                   [&](const Woken<Timer>& woken) { wake(now, woken.timer, out); },
                   [&](const Describe& d) {
                       assert(d.metadata.size() <= longest_metadata);
                       occasional().metadata = d.metadata;
                       Record record = book_.at(self_);
                       const Contact before = record.contact;
                       if (!d.control.empty()) record.contact.control = d.control;
                       if (!d.bulk.empty()) record.contact.bulk = d.bulk;
                       if (!leaving_ && !(record.contact == before)) change_self(now, record, out);
                   },
                   [&](const ForceLeave& f) {
                       if (const auto* e = roster_.find(f.peer); e && e->standing != Standing::left) bury(now, f.peer, Standing::left, out);
                   },
                   [&](const Measure& m) { measure(now, m, out); },
                   [&](const Dialable& d) { dialable(now, d.yes, out); },
                   [&](const WallClock& w) {
                       if (!wall_time_) wall_time_ = std::make_unique<WallTime>();
                       wall_time_->set(w.at_zero);
                   },
                   [&](const Leave&) { leave(now, out); },
                   [&](const Echoed& e) { echoed(now, e, out); },
               },
               input);
}

void Membership::start(Instant now, Out& out) {
    started_ = true;
    last_step_ = now;
    if (!config_.probing) return;
    // A phase of one's own, so that a cluster that starts together does not probe in step.
    out.wake(now + Duration(1 + static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(config_.period.count())))), ProbeDue{});
    if (view_) return enter_view(out);
    occasional().born = now;
    // Soon at first: in a storm of joins the news of one another is thinly spread.
    arm_sync(now + scaled(config_.period, 2 + 4 * random_.uniform()), out);
}

void Membership::wake(Instant now, const Timer& timer, Out& out) {
    woken_late(now);
    std::visit(Cases{
                   [&](const ProbeDue&) { probe(now, out); },
                   [&](const DirectOverdue& overdue) { ask_helpers(overdue.round, out); },
                   [&](const NackDue& due) { nack(due.relay, out); },
                   [&](const SuspicionDue& due) { suspicion_due(now, due, out); },
                   [&](const GossipDue&) { gossip(now, out); },
                   [&](const SyncDue& due) {
                       if (due.stamp == occasional().sync_stamp) sync(now, out);
                   },
                   [&](const JoinDue&) { join_again(now, out); },
                   [&](const MeasureOverdue& overdue) { measured(now, overdue.round, false, out); },
               },
               timer);
}

void Membership::receive(Instant now, PeerId from, const Message& message, Out& out) {
    if (from == id_) return;
    woken_late(now);
    last_heard_ = now;
    heard_directly(now, from);
    if (view_ && heard_from_the_dead(now, from, message, out)) return;
    if (std::holds_alternative<Join>(message.body)) {
        join_asked(now, from, message, out);
        return heard_directly(now, from);
    }
    const bool hearsay = std::holds_alternative<Welcome>(message.body) || std::holds_alternative<Records>(message.body);
    for (const Rumor& rumor : message.rumors) hear(now, from, rumor, hearsay, out);
    successor_speaks(from, out);
    std::visit(Cases{
                   [](const Join&) {},
                   [&](const Welcome& part) { welcomed(now, part, out); },
                   [&](const NameTaken&) {
                       if (joining_ && !settled_) out.tell(Refused{});
                   },
                   [&](const Sync& theirs) {
                       if (!view_) compare(from, theirs, out);
                   },
                   [&](const Known& theirs) {
                       if (!view_) compare(now, from, theirs, out);
                   },
                   [&](const Want& want) {
                       if (!view_ && !told_lately(now, from)) send_records(from, want.bits, want.mask, out);
                   },
                   [](const Records&) {},
                   [&](const Ping& ping) { pinged(now, from, ping, out); },
                   [&](const Ack& ack) { answered(now, from, ack, out); },
                   [&](const PingRequest& request) { relay_probe(now, from, request, message, out); },
                   [&](const Nack& nack) {
                       if (!probe_.answered && nack.round == probe_.round && probe_.nacks < probe_.helpers) ++probe_.nacks;
                   },
                   [](const Gossip&) {},
                   [&](const ViewMessage& view) { receive(now, from, view, out); },
                   [&](const MeasureRequest& request) { measure_for(now, from, request.serial, request.target, out); },
                   [&](const MeasureReport& report) {
                       if (!occasional_) return;
                       auto& measurements = occasional_->measurements;
                       const auto at = std::find_if(measurements.begin(), measurements.end(),
                                                    [&](const Measurement& m) { return m.asker == id_ && m.serial == report.serial; });
                       if (at == measurements.end()) return;
                       measurements.erase(at);
                       const auto took = Duration(static_cast<std::int64_t>(std::min<std::uint64_t>(report.nanoseconds, 1'000'000'000'000)));
                       out.tell(Measured{report.serial, report.answered ? std::optional(took) : std::nullopt});
                   },
               },
               message.body);
}

// Something happens to us each period at least. If nothing did for much longer we were stopped (a laptop that slept, a
// process that was paused), and what we did not hear in that time is nobody's fault: the probe that is out says nothing,
// and suspicions get their time anew, or we would bury those who have answered long ago.
void Membership::woken_late(Instant now) {
    const Duration missed = now - last_step_;
    last_step_ = std::max(last_step_, now);
    if (!started_ || !config_.probing || !health_.on() || missed <= 2 * period()) return;
    probe_.answered = true;
    if (occasional_) occasional_->suspicions.postpone(missed);
    health_.doubt(static_cast<std::uint32_t>(std::min<std::int64_t>(missed / config_.period, LocalHealth::most)));
}

bool Membership::Occasional::over(Instant now, Duration period) const {
    const auto long_ago = [&](Instant at) { return at == Instant{} || now - at > 60 * period; };
    return suspicions.size() == 0 && graveyard.size() == 0 && complaints.fresh(now) == 0 && flapping.over(now, 10 * period) && relays.empty() && open_links.empty() && bulk.empty() &&
           measurements.empty() && doubtful.empty() && seeds.empty() && welcomed.empty() && farewells == 0 && !successor && !metadata &&
           (answered.empty() || std::all_of(answered.begin(), answered.end(), [&](const Answered& a) { return long_ago(a.at); })) &&
           long_ago(described_at) && now >= next_heal && sync_stamp == 0;
}

void Membership::mark(std::vector<bool>& used) const {
    used.resize(book_.bound(), false);
    used[self_] = true;
    for (const auto& e : roster_.entries()) used[e.record] = true;
    if (occasional_)
        for (const Handle seed : occasional_->seeds) used[seed] = true;
    for (const Handle stranger : strangers_) used[stranger] = true;
    if (view_) {
        for (const Handle h : view_->active()) used[h] = true;
        for (const Handle h : view_->passive()) used[h] = true;
        view_->each_other([&](Handle h) { used[h] = true; });
    }
    rumors_.each([&](const Rumor& rumor) { used[rumor.about] = true; });
}

}  // namespace grapevine::membership
