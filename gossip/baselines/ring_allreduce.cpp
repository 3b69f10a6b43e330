#include "ring_allreduce.hpp"

#include <limits>

namespace grapevine::gossip {

Range RingAllreduce::part_of(const Roll& roll, std::uint64_t p) const {
    return part(Range{0, config().size}, p % roll.size(), roll.size());
}

void RingAllreduce::enter(Instant, const Roll& roll, Out& out) {
    const std::uint32_t n = roll.size();
    inbox_.assign(2 * (n - 1), std::nullopt);
    next_hop_ = 0;
    bytes_ = 0;
    publishing_.clear();
    const double weight = first_of_roll() ? 1 + samples() : 1;
    weights_.assign(n, weight);
    order(Fold{gathered, model_slot, 0, weight}, out);
    publishing_.push_back({0, weight});
    order(Publish{gathered, part_of(roll, roll.rank)}, out);
}

void RingAllreduce::arrived(Instant, const Roll& roll, PeerId from, Message&& message, Out& out) {
    auto* ring = std::get_if<Part>(&message);
    const std::uint32_t n = roll.size();
    if (!ring || from != roll.at(roll.rank + n - 1) || ring->hop >= inbox_.size() || inbox_[ring->hop] || ring->hop < next_hop_) return;
    const std::uint32_t h = ring->hop;
    const std::uint64_t p = h < n - 1 ? roll.rank + 2ull * n - 1 - h : roll.rank + 2ull * n - (h - (n - 1));
    if (ring->snapshot.range != part_of(roll, p) || !(ring->snapshot.weight > 0)) return;
    inbox_[h] = std::move(ring->snapshot);
    take_in_order(roll, out);
}

void RingAllreduce::take_in_order(const Roll& roll, Out& out) {
    const std::uint32_t n = roll.size();
    while (next_hop_ < inbox_.size() && inbox_[next_hop_]) {
        const std::uint32_t h = next_hop_++;
        Snapshot theirs = std::move(*inbox_[h]);
        bytes_ += theirs.bytes.size;
        if (h < n - 1) {
            const std::uint64_t p = (roll.rank + 2ull * n - 1 - h) % n;
            const double weight = weights_[p] += theirs.weight;
            const double scale = h == n - 2 ? 1 / weight : 1;  // complete: from a sum to a mean
            order(Combine{gathered, scale, scale, std::move(theirs)}, out);
            publishing_.push_back({h + 1, weight});
            order(Publish{gathered, part_of(roll, p)}, out);
        } else {
            if (h + 1 < inbox_.size()) ship(roll, h + 1, theirs, out);  // passed on as it came
            order(Combine{gathered, 0, 1, std::move(theirs)}, out);
            if (h + 1 == inbox_.size()) order(Swap{gathered}, out);
        }
    }
}

void RingAllreduce::completed(Instant now, const Roll& roll, Completion&& completion, Out& out) {
    if (auto* published = std::get_if<Published>(&completion.what)) {
        const Outgoing next = publishing_.front();
        publishing_.erase(publishing_.begin());
        published->snapshot.weight = next.weight;
        ship(roll, next.hop, std::move(published->snapshot), out);
    } else if (std::holds_alternative<Swapped>(completion.what)) {
        const double unknown = std::numeric_limits<double>::quiet_NaN();
        out.tell(MixedWith{{}, 0, unknown, unknown, bytes_, now - entered(), 1.0 - 1.0 / roll.size()});
        done(now, How::mixed, out);
    }
}

void RingAllreduce::ship(const Roll& roll, std::uint32_t hop, Snapshot snapshot, Out& out) {
    send(roll.at(roll.rank + 1), Part{roll.hash, round(), hop, new_ticket(), std::move(snapshot)}, out);
}

void RingAllreduce::overdue(Instant now, const Roll& roll, Out& out) {
    if (next_hop_ == inbox_.size()) return;  // only the learner is late
    out.tell(Failed{roll.at(roll.rank + roll.size() - 1), Failure::overdue});
    done(now, How::given_up, out);
}

void RingAllreduce::abandon() {
    inbox_.clear();
    publishing_.clear();
}

}  // namespace grapevine::gossip
