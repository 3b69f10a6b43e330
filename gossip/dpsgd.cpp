#include "dpsgd.hpp"

#include <algorithm>

#include "encoded.hpp"

namespace grapevine::gossip {

const MixingGraph& Dpsgd::over(const Roll& roll) {
    if (!graph_ || graph_->size() != roll.size()) graph_.emplace(config(), roll.size());
    return *graph_;
}

void Dpsgd::started(Out& out) {
    momentum_.start([&](Fold fold) { order(fold, out); });
}

// Along a directed edge the same peer tells us one part after the other, and waits for us in none of these rounds.
std::size_t Dpsgd::ahead(const Roll& roll) {
    const std::size_t rounds = over(roll).ahead();
    return config().graph == Graph::one_peer_exponential ? std::max<std::size_t>(rounds, config().fragments) : rounds;
}

void Dpsgd::enter(Instant now, const Roll& roll, Out& out) {
    heard_.clear();
    told_.clear();
    published_ = waited_in_vain_ = false;
    combines_ = 0;
    bytes_ = 0;
    if (over(roll).missing()) {
        if (missing_for_ != roll.hash) out.tell(Failed{{}, Failure::no_graph});
        missing_for_ = roll.hash;
        return done(now, How::sat_out, out);
    }
    const Row row = over(roll).row(roll.rank, 1 + (round() - 1) / config().fragments);
    own_ = row.own;
    for (const Weighted& in : row.in) heard_.push_back({roll.at(in.rank), in.weight, false, {}});
    for (const std::uint32_t rank : row.out) told_.push_back(roll.at(rank));
    if (heard_.empty() && told_.empty()) return done(now, How::sat_out, out);
    order(encoded(config(), model_slot, carried()), out);
}

void Dpsgd::arrived(Instant now, const Roll&, PeerId from, Message&& message, Out& out) {
    auto* model = std::get_if<RoundModel>(&message);
    if (!model || combines_ > 0 || model->snapshot.range != carried()) return;
    for (Neighbour& n : heard_)
        if (n.id == from && !n.theirs) n.theirs = std::move(model->snapshot);
    mix_if_ready(now, out);
}

void Dpsgd::completed(Instant now, const Roll& roll, Completion&& completion, Out& out) {
    if (auto* published = std::get_if<Published>(&completion.what)) {
        published_ = true;
        for (const PeerId peer : told_) send(peer, RoundModel{roll.hash, round(), new_ticket(), published->snapshot}, out);
        return mix_if_ready(now, out);
    }
    const auto* combined = std::get_if<Combined>(&completion.what);
    if (!combined || combines_ == 0) return;
    const PeerId whose = mixing_[mixing_.size() - combines_];
    if (clipping_.on()) clipping_.saw(whose, *combined);
    taken_ += combined->taken;
    if (combined->taken == 0) out.tell(Failed{whose, Failure::clipped});
    if (distance_ < 0) {
        distance_ = combined->distance;
        norm_ = combined->norm;
    }
    if (--combines_ > 0) return;
    const double taken = taken_ / static_cast<double>(mixing_.size());
    if (taken > 0) out.tell(MixedWith{mixing_.front(), 0, distance_, norm_, bytes_, now - entered(), weight_, taken});
    done(now, waited_in_vain_ ? How::given_up : How::mixed, out);
}

// One convex step for each model that is here: the k-th takes w_k of what the steps up to it have made of the row, which
// together is the row itself, and each of them alone leaves a model between those it met.
void Dpsgd::mix_if_ready(Instant now, Out& out) {
    if (!published_ || combines_ > 0) return;
    double so_far = own_;
    std::size_t here = 0;
    for (const Neighbour& n : heard_) {
        if (n.theirs) ++here;
        else if (n.missed) so_far += n.weight;
        else return;
    }
    if (here == 0) {
        if (heard_.empty()) return done(now, How::sat_out, out);
        out.tell(Failed{heard_.front().id, Failure::overdue});
        return done(now, How::given_up, out);
    }
    combines_ = here;
    distance_ = -1;
    mixing_.clear();
    taken_ = 0;
    for (Neighbour& n : heard_) {
        if (!n.theirs) continue;
        if (mixing_.empty()) weight_ = n.weight;
        mixing_.push_back(n.id);
        bytes_ += n.theirs->bytes.size;
        so_far += n.weight;
        const double weight = n.weight / so_far;
        order(Combine{model_slot, 1 - weight, weight, std::move(*n.theirs), clipping_.on() ? clipping_.guard(now, steps()) : Guard{}}, out);
        n.theirs.reset();
    }
    momentum_.mixed(steps(), [&](Fold fold) { order(fold, out); });
}

void Dpsgd::lost_peer(Instant now, const Roll&, PeerId peer, Out& out) {
    for (Neighbour& n : heard_)
        if (n.id == peer && !n.theirs) n.missed = true;
    mix_if_ready(now, out);
}

void Dpsgd::overdue(Instant now, const Roll&, Out& out) {
    for (Neighbour& n : heard_) n.missed = true;
    waited_in_vain_ = true;
    mix_if_ready(now, out);
}

void Dpsgd::abandon() {
    heard_.clear();
    told_.clear();
}

}  // namespace grapevine::gossip
