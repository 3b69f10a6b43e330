#include "dpsgd.hpp"

#include <algorithm>

namespace grapevine::gossip {

namespace {

// A keyed permutation of [0, n) that answers in O(1) and stores nothing: a Feistel network over the next
// power of four, walked until it falls inside (Black, Rogaway 2002).
class Permutation {
public:
    Permutation(std::uint64_t n, std::uint64_t key) : n_(n), key_(key) {
        while ((std::uint64_t{1} << (2 * half_)) < n) ++half_;
        mask_ = (std::uint64_t{1} << half_) - 1;
    }
    std::uint64_t forward(std::uint64_t x) const {
        do x = rounds(x, true);
        while (x >= n_);
        return x;
    }
    std::uint64_t backward(std::uint64_t x) const {
        do x = rounds(x, false);
        while (x >= n_);
        return x;
    }

private:
    std::uint64_t rounds(std::uint64_t x, bool forward) const {
        std::uint64_t left = x >> half_, right = x & mask_;
        for (std::uint64_t i = 0; i < count; ++i) {
            const std::uint64_t round = forward ? i : count - 1 - i;
            if (forward) {
                const std::uint64_t next = left ^ (Random::mix(key_ + (round << 56) + right) & mask_);
                left = right;
                right = next;
            } else {
                const std::uint64_t before = right ^ (Random::mix(key_ + (round << 56) + left) & mask_);
                right = left;
                left = before;
            }
        }
        return (left << half_) | right;
    }
    static constexpr std::uint64_t count = 8;
    std::uint64_t n_, key_, mask_ = 0;
    unsigned half_ = 1;
};

}  // namespace

std::optional<std::uint64_t> matched(std::uint64_t i, std::uint64_t n, std::uint64_t seed, std::uint64_t round) {
    if (n < 2) return std::nullopt;
    const Permutation p(n, Random::mix(seed ^ Random::mix(round + 1)));
    const std::uint64_t place = p.forward(i) ^ 1;
    if (place >= n) return std::nullopt;
    return p.backward(place);
}

void Dpsgd::enter(Instant now, const Roll& roll, Out& out) {
    neighbours_.clear();
    const std::uint64_t n = roll.size();
    if (config().graph == Graph::ring) {
        neighbours_.push_back({roll.at(roll.rank + 1), false, {}});
        if (n > 2) neighbours_.push_back({roll.at(roll.rank + n - 1), false, {}});
    } else if (const auto partner = matched(roll.rank, n, config().seed, round())) {
        neighbours_.push_back({roll.at(*partner), false, {}});
    }
    published_ = waited_in_vain_ = false;
    combines_ = 0;
    bytes_ = 0;
    if (neighbours_.empty()) return done(now, How::sat_out, out);
    order(Publish{model_slot, Range{0, config().size}}, out);
}

void Dpsgd::arrived(Instant now, const Roll&, PeerId from, Message&& message, Out& out) {
    auto* model = std::get_if<RoundModel>(&message);
    if (!model || combines_ > 0 || model->snapshot.range.count != config().size) return;
    for (Neighbour& n : neighbours_)
        if (n.id == from && !n.theirs) n.theirs = std::move(model->snapshot);
    mix_if_ready(now, out);
}

void Dpsgd::completed(Instant now, const Roll& roll, Completion&& completion, Out& out) {
    if (auto* published = std::get_if<Published>(&completion.what)) {
        published_ = true;
        for (const Neighbour& n : neighbours_)
            send(n.id, RoundModel{roll.hash, round(), new_ticket(), published->snapshot}, out);
        return mix_if_ready(now, out);
    }
    const auto* combined = std::get_if<Combined>(&completion.what);
    if (!combined || combines_ == 0) return;
    if (distance_ < 0) {  // of the first neighbour: the others meet a model that is part mixed
        distance_ = combined->distance;
        norm_ = combined->norm;
    }
    if (--combines_ > 0) return;
    out.tell(MixedWith{neighbours_.front().id, 0, distance_, norm_, bytes_, now - entered(), weight_});
    done(now, waited_in_vain_ ? How::given_up : How::mixed, out);
}

void Dpsgd::mix_if_ready(Instant now, Out& out) {
    if (!published_ || combines_ > 0) return;
    std::size_t here = 0;
    for (const Neighbour& n : neighbours_) {
        if (!n.theirs && !n.missed) return;
        here += n.theirs ? 1 : 0;
    }
    if (here == 0) {
        out.tell(Failed{neighbours_.front().id, Failure::overdue});
        return done(now, How::given_up, out);
    }
    weight_ = 1.0 / static_cast<double>(here + 1);
    distance_ = -1;
    double ours = weight_;
    for (Neighbour& n : neighbours_) {
        if (!n.theirs) continue;
        bytes_ += n.theirs->bytes.size;
        ++combines_;
        order(Combine{model_slot, ours, weight_, std::move(*n.theirs)}, out);
        n.theirs.reset();
        ours = 1;
    }
}

void Dpsgd::lost_peer(Instant now, const Roll&, PeerId peer, Out& out) {
    for (Neighbour& n : neighbours_)
        if (n.id == peer && !n.theirs) n.missed = true;
    mix_if_ready(now, out);
}

void Dpsgd::overdue(Instant now, const Roll&, Out& out) {
    for (Neighbour& n : neighbours_) n.missed = true;
    waited_in_vain_ = true;
    mix_if_ready(now, out);
}

void Dpsgd::abandon() { neighbours_.clear(); }

}  // namespace grapevine::gossip
