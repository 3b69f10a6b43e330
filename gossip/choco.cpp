#include "choco.hpp"

#include <limits>

#include "encoded.hpp"

namespace grapevine::gossip {

double step_of(double kept) { return kept; }

void Choco::started(Out& out) {
    momentum_.start([&](Fold fold) { order(fold, out); });
}

void Choco::enter(Instant, const Roll& roll, Out& out) {
    const std::uint64_t n = roll.size();
    neighbours_.clear();
    neighbours_.push_back({roll.at(roll.rank + 1), {}});
    if (n > 2) neighbours_.push_back({roll.at(roll.rank + n - 1), {}});
    ours_.reset();
    last_order_ = 0;
    bytes_ = 0;
    if (copies_of_ != roll.hash) {
        copies_of_ = roll.hash;
        order(Fold{copy, model_slot, 0, 0, {}}, out);
        order(Fold{mixed, model_slot, 0, 0, {}}, out);
    }
    order(Fold{difference, model_slot, 0, 1, {}}, out);
    order(Fold{difference, copy, 1, -1, {}}, out);
    order(encoded(config(), difference, Range{0, config().size}), out);
}

void Choco::arrived(Instant, const Roll&, PeerId from, Message&& message, Out& out) {
    auto* model = std::get_if<RoundModel>(&message);
    if (!model || last_order_ != 0 || model->snapshot.range.count != config().size) return;
    for (Neighbour& n : neighbours_)
        if (n.id == from && !n.theirs) n.theirs = std::move(model->snapshot);
    mix_if_ready(out);
}

void Choco::mix_if_ready(Out& out) {
    if (!ours_) return;
    for (const Neighbour& n : neighbours_)
        if (!n.theirs) return;
    // All at once: nothing comes between these orders, and the round is not over before the last of them.
    const double weight = 1.0 / static_cast<double>(neighbours_.size() + 1), step = step_of(config().kept);
    order(Combine{copy, 1, 1, *ours_, {}}, out);
    order(Combine{mixed, 1, weight, std::move(*ours_), {}}, out);
    for (Neighbour& n : neighbours_) {
        bytes_ += n.theirs->bytes.size;
        order(Combine{mixed, 1, weight, std::move(*n.theirs), {}}, out);
    }
    order(Fold{model_slot, mixed, 1, step, {}}, out);
    last_order_ = order(Fold{model_slot, copy, 1, -step, {}}, out);
    momentum_.mixed(steps(), [&](Fold fold) { order(fold, out); });
}

void Choco::completed(Instant now, const Roll& roll, Completion&& completion, Out& out) {
    if (auto* published = std::get_if<Published>(&completion.what)) {
        ours_ = std::move(published->snapshot);
        for (const Neighbour& n : neighbours_) send(n.id, RoundModel{roll.hash, round(), new_ticket(), *ours_}, out);
        return mix_if_ready(out);
    }
    if (last_order_ == 0 || completion.tag != last_order_) return;
    const double unknown = std::numeric_limits<double>::quiet_NaN();  // nobody has the other's model
    out.tell(MixedWith{neighbours_.front().id, 0, unknown, unknown, bytes_, now - entered(), 1.0 / static_cast<double>(neighbours_.size() + 1)});
    done(now, How::mixed, out);
}

// Not given up: see above. Said, so that it is seen who is waited for.
void Choco::overdue(Instant, const Roll&, Out& out) {
    for (const Neighbour& n : neighbours_)
        if (!n.theirs) out.tell(Failed{n.id, Failure::overdue});
}

}  // namespace grapevine::gossip
