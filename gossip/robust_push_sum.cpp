#include "robust_push_sum.hpp"

#include <algorithm>
#include <cassert>
#include <limits>

namespace grapevine::gossip {

namespace {
constexpr double least_mass = 0x1p-500, most_mass = 0x1p64;
constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
}  // namespace

RobustPushSum::RobustPushSum(const Config& config, PeerId self, Random random) : Overlapping(config, self, random), roll_(config, self) {
    if (!catching_up()) mass_ = held_ = 1;
}

void RobustPushSum::started(Instant now, const Company& company, Out& out) {
    if (roll_.start(now, company, out)) roll_changed();
}

void RobustPushSum::roll_changed() {
    ++life_;
    neighbours_.clear();
    freezing_ = false;
    round_ = 0;
    mass_ = held_ = catching_up() ? 0 : 1;
    sum_mass_ = 0;
    const auto& roll = roll_.in_force();
    if (!roll || roll->size() < 2) return;
    neighbours_.push_back({roll->at(roll->rank + std::uint64_t{1}), first_last});
    if (roll->size() > 2) neighbours_.push_back({roll->at(roll->rank + std::uint64_t{roll->size()} - 1), first_last + 1});
}

void RobustPushSum::due(Instant now, const Company&, Out& out) {
    if (halted() || neighbours_.empty() || mass_ == 0) return;
    for (Neighbour& n : neighbours_)
        if (n.ticket != 0 && now - n.sent >= patience().now(config())) {
            n.ticket = 0;  // the next sum holds what that one held
            out.tell(Failed{n.id, Failure::overdue});
        }
    if (freezing_ || std::none_of(neighbours_.begin(), neighbours_.end(), [](const Neighbour& n) { return n.ticket == 0; })) {
        if (!finishing()) out.tell(Skipped{});
        return;
    }
    const double share = mass_ >= least_mass && sum_mass_ < most_mass ? mass_ / static_cast<double>(neighbours_.size() + 1) : 0;
    if (share > 0) {
        add({.life = life_, .gained = share - mass_}, Fold{sum_slot, model_slot, sum_mass_ > 0 ? 1.0 : 0.0, share, {}}, out);
        mass_ = share;
        sum_mass_ += share;
    }
    freezing_ = true;
    add({.life = life_, .sum_mass = sum_mass_}, Publish{sum_slot, Range{0, config().size}}, out);
}

void RobustPushSum::receive(Instant now, PeerId from, Message&& message, const Company& company, Out& out) {
    if (const auto* offer = std::get_if<Offer>(&message)) return out.send(from, Decline{offer->round, Why::busy});
    if (const auto* accept = std::get_if<Accept>(&message)) {
        Neighbour* n = find(from);
        if (!n || n->ticket == 0 || static_cast<std::uint32_t>(n->sent_round) != accept->round) return;
        n->ticket = 0;
        patience().took(now - n->sent);
        return;
    }
    auto* model = std::get_if<RoundModel>(&message);
    if (!model) {
        if (!parameters(message) && roll_.received(now, from, message, company, out)) roll_changed();
        return;
    }
    if (halted()) return;
    roll_.heard(now, from, out);
    if (roll_.implied(model->roll, out)) roll_changed();
    if (!roll_.in_force()) return;
    if (model->roll != roll_.in_force()->hash) return roll_.outdated(from, out);
    Neighbour* n = find(from);
    if (!n) return;
    if (!fits(model->snapshot, config().layout, config().size) || model->snapshot.range.count != config().size ||
        !(model->snapshot.weight < 2 * most_mass))
        return out.tell(Failed{from, Failure::other_layout});
    out.send(from, Accept{static_cast<std::uint32_t>(model->round)});
    if (model->round > n->round) take(now, *n, std::move(*model), out);
}

// What is new in the sum is mass, `came`, with a mean of its own: the neighbour's slot holds that mean for a moment, and the
// sum again when it has been mixed in.
void RobustPushSum::take(Instant now, Neighbour& from, RoundModel&& model, Out& out) {
    const double came = model.snapshot.weight - from.mass, whole = mass_ + came;
    from.round = model.round;
    // Hardly anything, by which the model would be divided: with what comes next it counts.
    if (!(came > 0x1p-40 * model.snapshot.weight) || !(whole < most_mass)) return;
    const std::uint64_t bytes = model.snapshot.bytes.size;
    add({.life = life_}, Combine{from.last, from.mass > 0 ? -1 / came : 0, 1 / came, model.snapshot}, out);
    add({.life = life_, .gained = came, .mixed = MixedWith{from.id, 0, unknown, unknown, bytes, {}, came / whole}, .since = now, .steps = steps()},
        Fold{model_slot, from.last, mass_ / whole, came / whole, {}}, out);
    from.mass = model.snapshot.weight;
    add({.life = life_}, Combine{from.last, 0, 1, std::move(model.snapshot)}, out);
    mass_ = whole;
}

void RobustPushSum::completed(Instant now, Completion&& completion, const Company&, Out& out) {
    assert(!tasks_.empty() && tasks_.front().tag == completion.tag);
    Task task = std::move(tasks_.front());
    tasks_.erase(tasks_.begin());
    if (task.mixed) {
        task.mixed->staleness = completion.steps - task.steps;
        task.mixed->took = now - task.since;
        out.tell(*task.mixed);
        if (catching_up()) caught_up(now, out);
    }
    if (task.life != life_) return;
    held_ = tasks_.empty() ? mass_ : held_ + task.gained;  // what was added up in another order is put right
    auto* published = std::get_if<Published>(&completion.what);
    if (!published) return;
    freezing_ = false;
    published->snapshot.weight = *task.sum_mass;
    ++round_;
    for (Neighbour& n : neighbours_) {
        if (n.ticket != 0) continue;  // a slow link has one of ours already
        n.ticket = new_ticket();
        n.sent_round = round_;
        n.sent = now;
        out.send(n.id, RoundModel{roll_.in_force()->hash, round_, n.ticket, published->snapshot});
    }
}

void RobustPushSum::undelivered(Instant, const Undelivered& u, const Company&, Out& out) {
    Neighbour* n = find(u.to);
    if (!n || n->ticket != u.ticket) return;
    n->ticket = 0;
    out.tell(Failed{u.to, Failure::undelivered});
}

void RobustPushSum::roll_due(Instant now, const Company& company, Out& out) {
    if (roll_.woken(now, company, out)) roll_changed();
}

void RobustPushSum::peer_up(Instant now, PeerId, const Company& company, Out& out) {
    if (roll_.view_changed(now, company, out)) roll_changed();
}

void RobustPushSum::peer_down(Instant now, PeerId, const Company& company, Out& out) {
    if (roll_.view_changed(now, company, out)) roll_changed();
}

void RobustPushSum::begins_alone(Instant, Out&) {
    if (mass_ == 0) mass_ = held_ = 1;
}

void RobustPushSum::add(Task task, decltype(Order::what) what, Out& out) {
    task.tag = order(std::move(what), out);
    tasks_.push_back(std::move(task));
}

RobustPushSum::Neighbour* RobustPushSum::find(PeerId id) {
    for (Neighbour& n : neighbours_)
        if (n.id == id) return &n;
    return nullptr;
}

}  // namespace grapevine::gossip
