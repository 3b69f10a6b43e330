#include "roll.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace grapevine::gossip {

namespace {
constexpr Duration tick = std::chrono::milliseconds(200);      // membership's gossip tick
constexpr std::size_t names = 128;                             // in a message: a kilobyte
constexpr std::size_t most_names = 65536;                      // that are gathered of what somebody proposes
// By how much an epoch may be beyond all that were heard of. Halves of a cut are never so far apart; and who names the last
// number there is would else leave none for the next proposal, for ever.
constexpr std::uint64_t most_ahead = std::uint64_t{1} << 32;
constexpr Duration silence = std::chrono::seconds(3);  // then a listed member is struck
}  // namespace

std::uint64_t hash_of(std::uint64_t epoch, const std::vector<PeerId>& ids) {
    std::uint64_t h = Random::mix(epoch + 0x9e3779b97f4a7c15ULL);
    for (const PeerId id : ids) h = Random::mix(h ^ id.value);
    return h;
}

RollCall::RollCall(const Config& config, PeerId self) : self_(self), fixed_(config.fixed_roll != nullptr) {
    if (!fixed_) return;
    const auto& ids = *config.fixed_roll;
    const auto place = std::lower_bound(ids.begin(), ids.end(), self);
    assert(place != ids.end() && *place == self);
    in_force_ = Roll{1, config.fixed_roll, hash_of(1, ids), static_cast<std::uint32_t>(place - ids.begin())};
}

bool RollCall::start(Instant now, const Company& company, Exchange::Out& out) {
    if (fixed_) {
        out.tell(RollFormed{1, in_force_->size(), in_force_->rank});
        return true;
    }
    return view_changed(now, company, out);
}

bool RollCall::view_changed(Instant now, const Company&, Exchange::Out& out) {
    if (fixed_) return false;
    still_since_ = now;
    struck_.clear();
    arm(now, out);
    return false;
}

void RollCall::arm(Instant now, Exchange::Out& out) {
    if (armed_ || stopped_) return;
    armed_ = true;
    out.wake(now + tick, RollDue{});
}

std::vector<PeerId> RollCall::view(const Company& company) const {
    std::vector<PeerId> ids = company.all();
    std::erase_if(ids, [&](PeerId id) { return std::find(struck_.begin(), struck_.end(), id) != struck_.end(); });
    ids.insert(std::lower_bound(ids.begin(), ids.end(), self_), self_);
    return ids;
}

bool RollCall::woken(Instant now, const Company& company, Exchange::Out& out) {
    armed_ = false;
    if (stopped_) return false;
    unsettled_ = false;
    const bool changed = look_after(now, company, out);
    // Ticks only while something is unsettled.
    if (unsettled_ || proposing_ || (promise_ && !in_force_) || now - still_since_ <= 2 * tick) arm(now, out);
    return changed;
}

bool RollCall::look_after(Instant now, const Company& company, Exchange::Out& out) {
    if (proposing_) {
        if (now - proposing_->since < silence) {  // a proposal or a yes may have been lost
            for (std::size_t i = 0; i < proposing_->yes.size(); ++i)
                if (!proposing_->yes[i]) name((*promise_->ids)[i], out);
            return false;
        }
        for (std::size_t i = 0; i < proposing_->yes.size(); ++i)
            if (!proposing_->yes[i]) struck_.push_back((*promise_->ids)[i]);
        propose(now, view(company), out);
        return conclude(out);
    }
    const bool pending = promise_ && !in_force_;
    if (pending) out.send(promise_->proposer, RollYes{promise_->epoch, promise_->hash});  // ours may have been lost
    if (now - still_since_ < 2 * tick) return false;
    // A proposer that is gone, or that forgot us, leaves the next lowest to propose anew.
    const std::vector<PeerId> ids = view(company);
    if (in_force_ && *in_force_->ids == ids) return false;
    if (ids.front() != self_) {
        // It is for the lowest to propose. It may not know: on our side of a cut we have made a roll without it, while
        // on its side nothing seemed to have changed; or it struck us when we could not be heard.
        if (!pending || now - still_since_ >= silence) out.send(ids.front(), in_force_ ? RollNo{in_force_->epoch, in_force_->hash} : RollNo{});
        unsettled_ = true;
        return false;
    }
    if (pending && promise_->proposer != self_ && now - still_since_ < silence && company.contains(promise_->proposer)) return false;
    propose(now, ids, out);
    return conclude(out);
}

void RollCall::propose(Instant now, std::vector<PeerId> ids, Exchange::Out& out) {
    const std::uint64_t epoch = ++highest_;
    const std::uint64_t hash = hash_of(epoch, ids);
    const auto self = static_cast<std::size_t>(std::lower_bound(ids.begin(), ids.end(), self_) - ids.begin());
    promise_ = Promise{epoch, self_, std::make_shared<const std::vector<PeerId>>(std::move(ids)), hash};
    in_force_.reset();
    proposing_ = Proposing{now, std::vector<bool>(promise_->ids->size(), false)};
    proposing_->yes[self] = true;
    const auto nobody = std::make_shared<const std::vector<PeerId>>();
    for (const PeerId id : *promise_->ids)
        if (id != self_) out.send(id, RollProposal{epoch, nobody, hash, static_cast<std::uint32_t>(promise_->ids->size())});
}

void RollCall::name(PeerId to, Exchange::Out& out) const {
    const auto& ids = *promise_->ids;
    for (std::size_t i = 0; i < ids.size(); i += names) {
        const auto from = ids.begin() + static_cast<std::ptrdiff_t>(i), until = ids.begin() + static_cast<std::ptrdiff_t>(std::min(i + names, ids.size()));
        out.send(to, RollProposal{promise_->epoch, std::make_shared<const std::vector<PeerId>>(from, until), promise_->hash, static_cast<std::uint32_t>(ids.size())});
    }
}

// Whom it proposes, if that is known by now.
std::shared_ptr<const std::vector<PeerId>> RollCall::proposed(PeerId from, const RollProposal& proposal, const Company& company) {
    if (promise_ && promise_->proposer == from && promise_->hash == proposal.hash) return promise_->ids;
    if (proposal.ids->empty()) {
        std::vector<PeerId> ids = view(company);
        if (hash_of(proposal.epoch, ids) != proposal.hash) return nullptr;
        return std::make_shared<const std::vector<PeerId>>(std::move(ids));
    }
    if (told_.by != from || told_.hash != proposal.hash) told_ = {from, proposal.hash, {}};
    if (told_.ids.size() + proposal.ids->size() > most_names) return nullptr;
    for (const PeerId id : *proposal.ids) {
        const auto place = std::lower_bound(told_.ids.begin(), told_.ids.end(), id);
        if (place == told_.ids.end() || *place != id) told_.ids.insert(place, id);
    }
    if (told_.ids.size() != proposal.size || hash_of(proposal.epoch, told_.ids) != proposal.hash) return nullptr;
    return std::make_shared<const std::vector<PeerId>>(std::exchange(told_, {}).ids);
}

// All have said yes: it is in force, and they are told.
bool RollCall::conclude(Exchange::Out& out) {
    if (!proposing_ || std::find(proposing_->yes.begin(), proposing_->yes.end(), false) != proposing_->yes.end())
        return true;  // proposing has taken the old one out of force
    proposing_.reset();
    for (const PeerId id : *promise_->ids)
        if (id != self_) out.send(id, RollInForce{promise_->epoch, promise_->hash});
    return adopt(out);
}

bool RollCall::adopt(Exchange::Out& out) {
    const auto& ids = *promise_->ids;
    const auto place = static_cast<std::uint32_t>(std::lower_bound(ids.begin(), ids.end(), self_) - ids.begin());
    in_force_ = Roll{promise_->epoch, promise_->ids, promise_->hash, place};
    out.tell(RollFormed{promise_->epoch, in_force_->size(), place});
    return true;
}

bool RollCall::received(Instant now, PeerId from, const Message& message, const Company& company, Exchange::Out& out) {
    if (fixed_ || stopped_) return false;
    heard(now, from, out);
    const auto believable = [&](std::uint64_t epoch) { return epoch <= highest_ || epoch - highest_ <= most_ahead; };
    if (const auto* proposal = std::get_if<RollProposal>(&message)) {
        if (!believable(proposal->epoch)) return false;
        const auto all = proposed(from, *proposal, company);
        if (!all || !std::binary_search(all->begin(), all->end(), self_) || !std::binary_search(all->begin(), all->end(), from)) return false;
        highest_ = std::max(highest_, proposal->epoch);
        const std::uint64_t hash = proposal->hash;
        if (promise_) {
            if (promise_->hash == hash && promise_->proposer == from) {
                out.send(from, RollYes{proposal->epoch, hash});
                return false;
            }
            const bool newer = proposal->epoch > promise_->epoch ||
                               (proposal->epoch == promise_->epoch && from < promise_->proposer);
            if (!newer) {
                out.send(from, RollNo{promise_->epoch, promise_->hash});
                return false;
            }
        }
        promise_ = Promise{proposal->epoch, from, all, hash};
        proposing_.reset();
        in_force_.reset();
        still_since_ = now;
        out.send(from, RollYes{proposal->epoch, hash});
        arm(now, out);
        return true;
    }
    if (const auto* yes = std::get_if<RollYes>(&message)) {
        if (!promise_ || promise_->proposer != self_ || promise_->hash != yes->hash) return false;
        if (in_force_) {  // it missed that
            out.send(from, RollInForce{promise_->epoch, promise_->hash});
            return false;
        }
        if (!proposing_) return false;
        const auto& ids = *promise_->ids;
        const auto place = std::lower_bound(ids.begin(), ids.end(), from);
        if (place == ids.end() || *place != from) return false;
        proposing_->yes[static_cast<std::size_t>(place - ids.begin())] = true;
        if (std::find(proposing_->yes.begin(), proposing_->yes.end(), false) != proposing_->yes.end()) return false;
        return conclude(out);
    }
    if (const auto* no = std::get_if<RollNo>(&message)) {
        if (!believable(no->epoch)) return false;
        highest_ = std::max(highest_, no->epoch);
        if (proposing_ && no->epoch >= promise_->epoch) {  // again, above it, when the view has been still
            proposing_.reset();
            promise_.reset();
            still_since_ = now;
            arm(now, out);
        } else if (in_force_ && no->hash != in_force_->hash && std::binary_search(in_force_->ids->begin(), in_force_->ids->end(), from) &&
                   (no->epoch > in_force_->epoch || view(company).front() == self_)) {
            // Somebody whom we count on has gone on without us. If it is for us to propose, we do.
            in_force_.reset();
            promise_.reset();
            still_since_ = now;
            arm(now, out);
            return true;
        }
        return false;
    }
    if (const auto* force = std::get_if<RollInForce>(&message)) {
        if (!promise_ || promise_->hash != force->hash || in_force_ || promise_->proposer != from) return false;
        return adopt(out);
    }
    return false;
}

void RollCall::heard(Instant now, PeerId from, Exchange::Out& out) {
    if (std::erase(struck_, from) == 0) return;
    still_since_ = now;
    arm(now, out);
}

bool RollCall::implied(std::uint64_t hash, Exchange::Out& out) {
    if (in_force_ || proposing_ || !promise_ || promise_->hash != hash) return false;
    return adopt(out);
}

void RollCall::outdated(PeerId from, Exchange::Out& out) const {
    if (in_force_ && !fixed_) out.send(from, RollNo{in_force_->epoch, in_force_->hash});
}

}  // namespace grapevine::gossip
