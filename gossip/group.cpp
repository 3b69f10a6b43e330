#include "group.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "encoded.hpp"
#include "permutation.hpp"

namespace grapevine::gossip {

void Group::started(Out& out) {
    momentum_.start([&](Fold fold) { order(fold, out); });
}

void Group::conclude(Out& out) {
    const auto give = [&](Fold fold) { order(fold, out); };
    order(Swap{gathered_}, out);
    if (behind_) momentum_.begin_anew(steps(), give);
    else momentum_.mixed(steps(), give);
}

void Group::enter(Instant now, const Roll& roll, Out& out) {
    if (abandoned_) out.tell(Failed{abandoned_->first, Failure::partner_gone, abandoned_->second});
    abandoned_.reset();
    members_.clear();
    publishing_.clear();
    began_ = finished_ = 0;
    shared_ = concluding_ = behind_ = false;
    bytes_ = 0;
    const std::uint64_t n = roll.size(), size = config().group_size;
    if (size == 0) {  // everybody
        for (const PeerId id : *roll.ids) members_.push_back({id, {}, false, false, 0});
        place_ = roll.rank;
        name_ = Random::mix(roll.hash ^ Random::mix(round()));
    } else {
        const Permutation p(n, Random::mix(config().seed ^ Random::mix(round() + 1)));
        const std::uint64_t at = p.forward(roll.rank), groups = groups_of(n, size);
        Range mine{};
        std::uint64_t which = 0;
        for (; which < groups; ++which) {
            mine = part(Range{0, n}, which, groups);
            if (at < mine.offset + mine.count) break;
        }
        for (std::uint64_t i = 0; i < mine.count; ++i) members_.push_back({roll.at(p.backward(mine.offset + i)), {}, false, false, 0});
        place_ = at - mine.offset;
        name_ = Random::mix(roll.hash ^ Random::mix(round() ^ Random::mix(which)));
    }
    if (members_.size() < 2) return done(now, How::sat_out, out);
    for (std::size_t i = 1; i < members_.size(); ++i) {  // everybody begins with another: no link has all at once
        const std::size_t to = (place_ + i) % members_.size();
        order(encoded(config(), model_slot, part_of(to)), out);
        publishing_.push_back({0, to});
    }
}

std::size_t Group::place_of(PeerId peer) const {
    const auto is = [&](const Member& m) { return m.id == peer; };
    const auto by_id = [](const Member& m, PeerId id) { return m.id < id; };
    auto found = members_.end();
    if (config().group_size > 0) found = std::find_if(members_.begin(), members_.end(), is);
    else if (found = std::lower_bound(members_.begin(), members_.end(), peer, by_id); found != members_.end() && !is(*found)) found = members_.end();
    const auto place = static_cast<std::size_t>(found - members_.begin());
    return place == place_ ? members_.size() : place;
}

void Group::arrived(Instant, const Roll&, PeerId from, Message&& message, Out& out) {
    auto* came = std::get_if<Part>(&message);
    const std::size_t place = place_of(from);
    if (!came || place == members_.size()) return;
    Member& member = members_[place];
    Snapshot& s = came->snapshot;
    if (came->hop == 0) {
        if (member.began || s.range != part_of(place_) || !std::isfinite(s.samples) || s.samples < 0) return;
        member.began = true;
        member.samples = s.samples;
        bytes_ += s.bytes.size;
        member.theirs = std::move(s);
        if (++began_ == members_.size() - 1) average(out);
    } else if (came->hop == 1) {
        if (member.finished || s.range != part_of(place)) return;
        member.finished = true;
        ++finished_;
        bytes_ += s.bytes.size;
        order(Combine{gathered_, 0, 1, std::move(s)}, out);
        conclude_if_whole(out);
    }
}

// In the order of the members, not of arrival: the same sum whatever the network did.
void Group::average(Out& out) {
    members_[place_].samples = samples() + borrowed_;
    const auto fewer = [](const Member& a, const Member& b) { return a.samples < b.samples; };
    const double least = std::min_element(members_.begin(), members_.end(), fewer)->samples;
    const double most = std::max_element(members_.begin(), members_.end(), fewer)->samples;
    const bool alike = config().sums || most <= 2 * least;
    behind_ = 2 * members_[place_].samples < most;
    const auto weight = [&](const Member& m) { return alike ? 1 : m.samples / most; };
    double sum = 0;
    together_ = 0;
    for (const Member& m : members_) {
        sum += weight(m);
        together_ += weight(m) * m.samples;
    }
    together_ /= sum;
    order(Fold{gathered_, model_slot, 0, weight(members_[place_]), part_of(place_)}, out);
    std::size_t left = members_.size() - 1;
    for (std::size_t i = 0; i < members_.size(); ++i) {
        if (i == place_) continue;
        const double scale = --left == 0 ? 1 / sum : 1;  // complete: from a sum to a mean
        order(Combine{gathered_, scale, scale * weight(members_[i]), std::move(*members_[i].theirs)}, out);
        members_[i].theirs.reset();
    }
    order(encoded(config(), gathered_, part_of(place_)), out);
    publishing_.push_back({1, place_});
}

void Group::completed(Instant now, const Roll& roll, Completion&& completion, Out& out) {
    if (auto* published = std::get_if<Published>(&completion.what)) {
        const Outgoing next = publishing_.front();
        publishing_.erase(publishing_.begin());
        Snapshot s = std::move(published->snapshot);
        s.samples = samples() + borrowed_;
        if (next.hop == 0) return send(members_[next.to].id, Part{roll.hash, round(), 0, new_ticket(), std::move(s)}, out);
        for (std::size_t i = 1; i < members_.size(); ++i)
            send(members_[(place_ + i) % members_.size()].id, Part{roll.hash, round(), 1, new_ticket(), s}, out);
        if (config().encoding) order(Combine{gathered_, 0, 1, std::move(s)}, out);  // what the others get, rounded as they get it
        shared_ = true;
        conclude_if_whole(out);
    } else if (std::holds_alternative<Swapped>(completion.what)) {
        borrowed_ = together_ - samples();
        mixed_[round() % mixed_.size()] = round();
        const double unknown = std::numeric_limits<double>::quiet_NaN();
        const PeerId with = config().group_size == 0 ? PeerId{} : members_[place_ == 0 ? 1 : 0].id;
        out.tell(MixedWith{with, 0, unknown, unknown, bytes_, now - entered(), 1 - 1.0 / static_cast<double>(members_.size()), 1, name_});
        done(now, How::mixed, out);
    }
}

void Group::conclude_if_whole(Out& out) {
    if (!shared_ || concluding_ || finished_ < members_.size() - 1) return;
    concluding_ = true;
    conclude(out);
}

// It is through this round, and cannot have the mean if we have not had its values: it gave the round up.
void Group::passed(Instant now, const Roll&, PeerId peer, Out& out) {
    const std::size_t place = place_of(peer);
    if (place < members_.size() && !members_[place].began) give_up(now, peer, How::overtaken, out);
}

// Somebody begins a round that we are through with. What we mixed had its values, so this is that message again; else we
// gave the round up, and it would wait for us: also where it has had our values, for a mean is made by all.
void Group::late(const Roll& roll, PeerId from, const Message& message, Out& out) {
    const auto* came = std::get_if<Part>(&message);
    if (!came || came->hop != 0 || std::find(mixed_.begin(), mixed_.end(), came->round) != mixed_.end()) return;
    out.send(from, Ready{roll.hash, came->round});
}

void Group::told(Instant now, const Roll&, PeerId from, const Message& message, Out& out) {
    const auto* ready = std::get_if<Ready>(&message);
    if (!ready || !in_round() || ready->round != round() || concluding_) return;
    if (const std::size_t place = place_of(from); place < members_.size() && !members_[place].finished) give_up(now, from, How::overtaken, out);
}

void Group::overdue(Instant now, const Roll&, Out& out) {
    if (concluding_) return;  // only the learner is late
    for (std::size_t i = 0; i < members_.size(); ++i)
        if (i != place_ && !members_[i].finished) return give_up(now, members_[i].id, How::given_up, out);
}

void Group::give_up(Instant now, PeerId missing, How how, Out& out) {
    out.tell(Failed{missing, Failure::overdue, name_});
    members_.clear();
    done(now, how, out);
}

void Group::abandon() {
    if (members_.size() > 1) abandoned_ = {members_[place_ == 0 ? 1 : 0].id, name_};
    members_.clear();
    publishing_.clear();
    mixed_.fill(nothing_mixed);
}

}  // namespace grapevine::gossip
