#include "dpsgd.hpp"

namespace grapevine::gossip {

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
