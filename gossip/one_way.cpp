#include "one_way.hpp"

#include <algorithm>
#include <cassert>

#include "encoded.hpp"

namespace grapevine::gossip {

namespace {
constexpr std::size_t remembered = 128;  // pushes that came: a doubled one follows the first closely
}  // namespace

void OneWay::due(Instant now, const Company& company, Out& out) {
    mix(now, out);
    if (!gives()) return;
    if (turn_) {
        if (!finishing()) out.tell(Skipped{});
        return;
    }
    offer(now, company, out);
}

void OneWay::offer(Instant now, const Company& company, Out& out) {
    const std::size_t wanted = std::min<std::size_t>(targets_, company.size());
    Few<Target, 2> targets;
    // Distinct ones, each set of them as likely as any other. Partial views may not hold as many.
    for (std::size_t draws = 0; targets.size() < wanted && draws < 16 * wanted + 16; ++draws) {
        const auto drawn = company.draw(random());
        if (!drawn) break;
        if (std::none_of(targets.begin(), targets.end(), [&](const Target& t) { return t.to == *drawn; })) targets.push_back({*drawn});
    }
    if (targets.empty()) return;
    turn_ = std::make_unique<Turn>(Turn{++round_, now, std::move(targets), false, {}});
    for (const Target& t : turn_->targets) out.send(t.to, Offer{round_});
    out.wake(now + patience().now(config()), Overdue{round_});
}

void OneWay::receive(Instant now, PeerId from, Message&& message, const Company& company, Out& out) {
    if (const auto* offer = std::get_if<Offer>(&message)) {
        const Origin origin{from, offer->round};
        if (std::find(coming_.begin(), coming_.end(), origin) != coming_.end()) return;  // doubled on the way
        coming_.erase_if([&](const Origin& o) { return o.from == from; });         // it gave that one up
        if (halted()) return out.send(from, Decline{offer->round, Why::leaving});
        if (!room()) return out.send(from, Decline{offer->round, Why::busy});
        coming_.push_back(origin);
        out.send(from, Accept{offer->round});
        out.wake(now + patience().now(config()), AnswerOverdue{from, offer->round});
    } else if (const auto* accept = std::get_if<Accept>(&message)) {
        if (Target* target = find_pushed(from, accept->round)) {
            came(from, target->ticket);
            patience().took(now - turn_->since);
            return strike(now, from, {}, company, out);
        }
        Target* target = find(from, accept->round);
        if (!target || target->ticket != 0) return;
        target->accepted = true;
        if (turn_->frozen) return push(*target, out);
        if (turn_->freezing) return;
        turn_->freezing = true;
        Task task{.round = turn_->round};
        task.mass = freeze();
        task.tag = order(encoded(config(), model_slot, Range{0, config().size}), out);
        tasks_.push_back(task);
    } else if (const auto* decline = std::get_if<Decline>(&message)) {
        const Target* pushed = find_pushed(from, decline->round);
        const Target* asked = find(from, decline->round);
        if (pushed) vanished(from, pushed->ticket);
        else if (!asked || asked->ticket != 0) return;
        strike(now, from, decline->why == Why::other_layout ? Failure::other_layout : Failure::declined, company, out);
    } else if (auto* push = std::get_if<Push>(&message)) {
        const Origin origin{from, push->round}, offered{from, push_of(push->round)};
        const bool invited = coming_.erase_if([&](const Origin& o) { return o == offered; }) > 0;
        if (came_before(origin)) return;
        if (!invited && !room() && !keeps_uninvited()) return out.send(from, Decline{push->round, Why::busy});
        const bool usable = fits(push->snapshot, config().layout, config().size) && push->snapshot.range.count == config().size &&
                            take(now, from, push->round, std::move(push->snapshot), out);
        if (usable) return out.send(from, Accept{push->round});
        out.send(from, Decline{push->round, Why::other_layout});
        out.tell(Failed{from, Failure::other_layout});
    }
    // Other exchanges' messages: somebody runs another exchange. The handshake refuses that; nothing to do here.
}

void OneWay::completed(Instant now, Completion&& completion, const Company&, Out& out) {
    assert(!tasks_.empty() && tasks_[0].tag == completion.tag);
    const Task task = tasks_[0];
    tasks_.erase_front(1);
    if (auto* published = std::get_if<Published>(&completion.what)) {
        published->snapshot.weight = task.mass;
        const bool ours = turn_ && turn_->round == task.round;
        if (ours) turn_->freezing = false;
        if (!ours || std::none_of(turn_->targets.begin(), turn_->targets.end(), [](const Target& t) { return t.accepted; }))
            return keep(now, std::move(published->snapshot), out);  // all who accepted are gone; another who does begins anew
        turn_->frozen = std::move(published->snapshot);
        for (Target& target : turn_->targets)
            if (target.accepted) push(target, out);
    } else if (const auto* combined = std::get_if<Combined>(&completion.what)) {
        mixed(now, task, *combined, completion, out);
    }
}

void OneWay::push(Target& target, Out& out) {
    target.ticket = new_ticket();
    pushed(target.to, target.ticket, turn_->frozen->weight);
    out.send(target.to, Push{push_of(turn_->round), target.ticket, *turn_->frozen});
}

// No more is to be heard of it in this turn.
void OneWay::strike(Instant now, PeerId to, std::optional<Failure> why, const Company& company, Out& out) {
    turn_->targets.erase_if([&](const Target& t) { return t.to == to; });
    if (why) out.tell(Failed{to, *why});
    if (!turn_->targets.empty()) return;
    turn_.reset();
    turn_over(now, company, out);
}

void OneWay::undelivered(Instant now, const Undelivered& u, const Company& company, Out& out) {
    vanished(u.to, u.ticket);
    if (!turn_) return;
    for (const Target& t : turn_->targets)
        if (t.to == u.to && t.ticket == u.ticket) return strike(now, u.to, Failure::undelivered, company, out);
}

void OneWay::overdue(Instant now, std::uint64_t stamp, const Company& company, Out& out) {
    if (!turn_ || turn_->round != stamp) return;
    for (const Target& t : turn_->targets) out.tell(Failed{t.to, Failure::overdue});
    turn_.reset();
    turn_over(now, company, out);
}

void OneWay::answer_overdue(Instant, const AnswerOverdue& o) {
    const Origin late{o.to, o.round};
    coming_.erase_if([&](const Origin& origin) { return origin == late; });
}

void OneWay::peer_down(Instant now, PeerId peer, const Company& company, Out& out) {
    coming_.erase_if([&](const Origin& o) { return o.from == peer; });
    if (turn_ && find(peer, turn_->round)) strike(now, peer, Failure::partner_gone, company, out);
}

void OneWay::quietly(decltype(Order::what) what, Out& out) { tasks_.push_back({.tag = order(std::move(what), out)}); }

void OneWay::combine(Task task, double ours, double theirs, Snapshot&& snapshot, Out& out, const Guard& guard) {
    task.bytes = snapshot.bytes.size;
    task.tag = order(Combine{model_slot, ours, theirs, std::move(snapshot), guard}, out);
    tasks_.push_back(task);
}

OneWay::Target* OneWay::find(PeerId to, std::uint32_t round) {
    if (!turn_ || turn_->round != round) return nullptr;
    for (Target& t : turn_->targets)
        if (t.to == to) return &t;
    return nullptr;
}

OneWay::Target* OneWay::find_pushed(PeerId to, std::uint32_t round) {
    Target* target = find(to, push_of(round));
    return target && target->ticket != 0 ? target : nullptr;
}

bool OneWay::came_before(const Origin& origin) {
    if (std::find(seen_.begin(), seen_.end(), origin) != seen_.end()) return true;
    if (seen_.size() < remembered) seen_.push_back(origin);
    else seen_[seen_next_++ % remembered] = origin;
    return false;
}

}  // namespace grapevine::gossip
