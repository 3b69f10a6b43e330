#include "server.hpp"

#include <algorithm>
#include <limits>

namespace grapevine::gossip {

namespace {
constexpr Duration ask_every = std::chrono::seconds(1);
constexpr Duration slow_is_waited_for = std::chrono::minutes(10);  // while nobody knows how long a round takes
constexpr double most_weight = 1e15;                               // that anybody can claim
const double unknown_distance = std::numeric_limits<double>::quiet_NaN();
}  // namespace

void Server::start(Instant now, Common& common, const Company& company, Exchange::Out& out) {
    const bool begins_with_theirs = (common.rounds() && !common.federated()) || common.config.newcomer;
    round_ = begins_with_theirs ? 0 : 1;
    for (const PeerId peer : company.all()) peer_up(now, common, peer, out);
    out.wake(now + ask_every, Due{ask_turn});
    ticks_.start(common.config, now, out);
    if (!begins_with_theirs) {
        publishing_ = common.publish(model_slot, out);
        return train(now, common, out);
    }
    open_ = true;
    opened_ = now;
    own_ = common.config.newcomer ? Own::none : Own::training;
    watch(now, common, out);
    train(now, common, out);
}

void Server::watch(Instant now, Common& common, Exchange::Out& out) {
    Duration patience = common.patience.known(common.config) ? common.patience.now(common.config) : slow_is_waited_for;
    if (round_ == 0 && common.config.newcomer) patience = common.patience.now(common.config);  // perhaps there is nobody
    out.wake(now + patience, Overdue{++stamp_});
}

// Counted rather than looked for: a round has many members.
void Server::set(Member& member, State state) {
    outstanding_ -= of_this_round(member);
    member.state = state;
    outstanding_ += of_this_round(member);
}

Server::Member& Server::add(PeerId peer) {
    Member& member = members_[peer];
    outstanding_ -= of_this_round(member);
    member.gone = false;
    outstanding_ += of_this_round(member);
    if (round_ == 0 && member.state == State::unknown) set(member, State::working);  // all are of the first round
    return member;
}

void Server::peer_up(Instant now, Common& common, PeerId peer, Exchange::Out& out) {
    Member& member = add(peer);
    out.send(peer, Serving{round_});
    if (member.state == State::idle && !(open_ && member.in == round_ + 1)) serve(now, common, peer, member, out);
}

void Server::peer_down(Instant now, Common& common, PeerId peer, Exchange::Out& out) {
    const auto found = members_.find(peer);
    if (found == members_.end() || found->second.gone) return;
    outstanding_ -= of_this_round(found->second);
    found->second.gone = true;
    close_if_done(now, common, out);
}

void Server::received(Instant now, Common& common, PeerId from, Message&& message, const Company& company, Exchange::Out& out) {
    if (std::holds_alternative<Serving>(message)) return out.send(from, Serving{round_});  // our id is the lower one
    const auto* said = std::get_if<Ready>(&message);
    auto* handin = std::get_if<Handin>(&message);
    const auto* decline = std::get_if<Decline>(&message);
    if (!said && !handin && !decline) return;
    // A stranger will be asked when it is known. Who is held for dead and speaks is heard, and not waited for.
    const auto found = members_.find(from);
    if (found == members_.end() && !company.contains(from)) return;
    Member& member = company.contains(from) ? add(from) : found->second;
    if (said) return ready(now, common, from, member, *said, out);
    if (handin) return handed_in(now, common, from, member, std::move(*handin), out);
    declined(now, common, member, *decline, out);
}

void Server::ready(Instant now, Common& common, PeerId from, Member& member, const Ready& ready, Exchange::Out& out) {
    if (ready.roll == 0 || ready.roll == member.session) return;  // heard before: it is at work
    member.session = ready.roll;
    if (round_ == 0) return member.in == 0 ? set(member, State::working) : void();
    if (open_ && of_this_round(member)) return hand(now, common, from, member, out);  // it was to train from it, and has it not
    set(member, State::idle);
    if (!(open_ && member.in == round_ + 1)) serve(now, common, from, member, out);  // else its part is in: the next round
}

// A member that is idle gets the model, unless it has to wait for the next round.
void Server::serve(Instant now, Common& common, PeerId to, Member& member, Exchange::Out& out) {
    if (member.gone) return;
    if (common.asynchronous()) return model_ ? answer(common, to, out) : void();
    if (open_ && !common.federated()) return hand(now, common, to, member, out);
    open(now, common, out);
}

void Server::hand(Instant now, Common& common, PeerId to, Member& member, Exchange::Out& out) {
    outstanding_ -= of_this_round(member);
    member.round = model_round_;
    member.handed = now;
    member.ticket = common.new_ticket();
    member.state = member.state == State::through ? State::through : State::working;
    outstanding_ += of_this_round(member);
    out.send(to, Handout{model_round_, member.ticket, *model_});
}

void Server::answer(Common& common, PeerId to, Exchange::Out& out) { answers_.push_back({common.publish(model_slot, out), to}); }

void Server::undelivered(Instant now, Common& common, const Undelivered& undelivered, Exchange::Out& out) {
    const auto found = members_.find(undelivered.to);
    if (found == members_.end()) return;
    Member& member = found->second;
    if (member.ticket != undelivered.ticket) return;
    if (member.gone) return member.state == State::working ? set(member, State::idle) : void();  // it is handed one when it is back
    if (member.state == State::through || of_this_round(member)) return hand(now, common, undelivered.to, member, out);
    if (member.state != State::working) return;
    set(member, State::idle);
    serve(now, common, undelivered.to, member, out);
}

// What a part weighs in the mean so far.
double Server::share(double weight) {
    weight_ += weight;
    ++in_;
    return weight / weight_;
}

void Server::handed_in(Instant now, Common& common, PeerId from, Member& member, Handin&& handin, Exchange::Out& out) {
    if (member.state != State::working || handin.round != member.round + 1) return;  // doubled, or of another session
    const double claimed = handin.snapshot.weight;
    if (!common.takes(handin.snapshot) || !(claimed > 0 && claimed <= most_weight)) {
        set(member, State::through);  // nothing that we could use will come from it
        out.tell(Failed{from, Failure::other_layout});
        return close_if_done(now, common, out);
    }
    if (common.asynchronous() && round_ > 0) {
        adding_.push_back({0, from, round_ - member.round, handin.snapshot.bytes.size, now - member.handed});
        set(member, State::idle);
        adding_.back().tag = common.order(Combine{model_slot, 1, 1, std::move(handin.snapshot)}, out);
        ++round_;
        return answer(common, from, out);
    }
    const bool late = !open_ || member.round != round_;
    // Its last steps: it would be drawn in vain.
    const bool last = common.federated() && common.config.until_steps && handin.snapshot.steps >= *common.config.until_steps;
    set(member, last ? State::through : State::idle);
    if (late) {
        if (last) settle(now, common, out);
        else serve(now, common, from, member, out);
        return;
    }
    member.in = handin.round;
    bytes_ += handin.snapshot.bytes.size;
    const double theirs = share(round_ == 0 || common.federated() ? claimed : 1);
    common.order(Combine{Common::aside, 1 - theirs, theirs, std::move(handin.snapshot)}, out);
    close_if_done(now, common, out);
}

void Server::declined(Instant now, Common& common, Member& member, const Decline& decline, Exchange::Out& out) {
    set(member, State::through);
    member.has = std::min<std::uint64_t>(decline.round, round_);
    close_if_done(now, common, out);
    settle(now, common, out);
}

// A round begins, if there is none and somebody trains.
void Server::open(Instant now, Common& common, Exchange::Out& out) {
    if (open_ || publishing_ || !model_ || common.asynchronous()) return;
    std::vector<Members::iterator> drawn;
    std::size_t peers = 1, unheard = 0;
    for (auto m = members_.begin(); m != members_.end(); ++m) {
        if (m->second.gone) continue;
        peers += m->second.state != State::through;
        unheard += m->second.state == State::unknown;
        if (m->second.state == State::idle) drawn.push_back(m);
    }
    bool own = !common.config.trains || !common.through();
    if (common.federated()) {
        if (unheard > 0 && round_ == 1 && asks_ < 2) return;  // all are to have the same chance
        const std::size_t ready = drawn.size() + own;
        const auto wanted = static_cast<std::size_t>(std::max(1.0, std::round(common.config.clients * static_cast<double>(peers))));
        // The first `wanted` of a random order; the last place is our own.
        std::vector<std::size_t> places(ready);
        for (std::size_t i = 0; i < ready; ++i) places[i] = i;
        for (std::size_t i = 0; i < std::min(wanted, ready); ++i) std::swap(places[i], places[i + random_.below(ready - i)]);
        places.resize(std::min(wanted, ready));
        std::sort(places.begin(), places.end());
        std::vector<Members::iterator> all;
        all.swap(drawn);
        own = false;
        for (const std::size_t place : places) {
            if (place < all.size()) drawn.push_back(all[place]);
            else own = true;
        }
    }
    if (drawn.empty() && !own) return settle(now, common, out);
    open_ = true;
    opened_ = now;
    in_ = 0;
    weight_ = own_weight_ = 0;
    bytes_ = 0;
    asked_ = in_vain_ = false;
    own_ = own ? Own::training : Own::none;
    own_begun_ = common.training.steps();
    own_used_ = 0;
    for (const auto m : drawn) hand(now, common, m->first, m->second, out);
    watch(now, common, out);
    train(now, common, out);
}

void Server::train(Instant now, Common& common, Exchange::Out& out) {
    if (common.halted || common.training.under_way()) return;
    if (common.asynchronous() && round_ > 0) return common.train(now, ~std::uint64_t{0}, out);  // in place: nobody is nearer
    if (!open_ || own_ != Own::training) return;
    const std::uint64_t made = common.training.steps() - own_begun_;
    const bool as_it_is = round_ == 0 && (common.asynchronous() || common.federated());
    if (!asked_ && !common.through() && !as_it_is && made < common.steps_a_round()) return common.train(now, common.steps_a_round() - made, out);
    if (common.through() && made == 0 && round_ > 0 && !asked_) {
        own_ = Own::none;
        return close_if_done(now, common, out);
    }
    own_part(now, common, out);
}

void Server::own_part(Instant now, Common& common, Exchange::Out& out) {
    own_ = Own::done;
    own_weight_ = round_ == 0 ? 1 + common.samples : common.federated() ? own_used_ : 1;
    const double ours = share(own_weight_);
    common.order(Fold{Common::aside, model_slot, 1 - ours, ours, {}}, out);
    close_if_done(now, common, out);
}

void Server::trained(Instant now, Common& common, const Trained& trained, Exchange::Out& out) {
    own_used_ += trained.samples;
    train(now, common, out);
    if (common.asynchronous()) settle(now, common, out);
}

void Server::close_if_done(Instant now, Common& common, Exchange::Out& out) {
    if (!open_) return;
    const bool enough = common.config.wait_for > 0 && in_ >= common.config.wait_for;
    if (!enough && (outstanding_ > 0 || own_ == Own::training)) return;
    if (in_ > 0) return close(common, out);
    if (round_ == 0) return;  // somebody will bring us a model
    open_ = false;
    open(now, common, out);
}

void Server::close(Common& common, Exchange::Out& out) {
    open_ = false;
    own_ = Own::none;
    ++round_;
    outstanding_ = 0;
    std::erase_if(members_, [](const auto& m) { return m.second.gone; });
    common.order(Swap{Common::aside}, out);
    publishing_ = common.publish(model_slot, out);
}

void Server::completed(Instant now, Common& common, Completion&& completion, Exchange::Out& out) {
    if (auto* published = std::get_if<Published>(&completion.what)) {
        if (completion.tag == publishing_) {
            publishing_ = 0;
            model_ = std::move(published->snapshot);
            model_round_ = round_ - adding_.size();
            if (in_ > 0) {
                out.tell(MixedWith{{}, 0, unknown_distance, unknown_distance, bytes_, now - opened_, 1 - own_weight_ / weight_});
                if (!in_vain_) common.patience.took(now - opened_);
                in_ = 0;
            }
            if (common.asynchronous()) {
                for (auto& [id, member] : members_)
                    if (!member.gone && member.state == State::idle) hand(now, common, id, member, out);
                train(now, common, out);
                settle(now, common, out);
            } else {
                open(now, common, out);
            }
        } else if (!answers_.empty() && answers_.front().tag == completion.tag) {
            const PeerId to = answers_.front().to;
            answers_.erase(answers_.begin());
            model_ = std::move(published->snapshot);
            model_round_ = round_ - adding_.size();
            const auto found = members_.find(to);
            if (found != members_.end() && !found->second.gone && found->second.state == State::idle) hand(now, common, to, found->second, out);
        }
    } else if (const auto* combined = std::get_if<Combined>(&completion.what); combined && !adding_.empty() && adding_.front().tag == completion.tag) {
        const Adding added = adding_.front();
        adding_.erase(adding_.begin());
        common.patience.took(added.took);
        out.tell(MixedWith{added.from, added.staleness, unknown_distance, unknown_distance, added.bytes, added.took, 1});
    }
}

void Server::due(Instant now, Common& common, const Due& due, Exchange::Out& out) {
    if (!ticks_.woken(common.config, now, due, out) || !open_) return;
    if (asked_) return out.tell(Skipped{});
    asked_ = true;
    for (const auto& [id, member] : members_)
        if (of_this_round(member)) out.send(id, Ready{0, round_ + 1});
    train(now, common, out);
}

void Server::ask(Instant now, Common& common, Exchange::Out& out) {
    ++asks_;
    for (const auto& [id, member] : members_) {
        if (member.gone) continue;
        const bool awaited = member.state == State::working && (common.asynchronous() || member.round == round_);
        // By the clock nobody hands in unasked, and the round for which it was asked may have ended without it.
        const bool forgotten = member.state == State::working && common.by_the_clock() && member.round < round_;
        if (forgotten || (awaited && asked_)) out.send(id, Ready{0, member.round + 1});
        else if (awaited || member.state == State::unknown) out.send(id, Serving{round_});
    }
    if (asks_ <= 2) open(now, common, out);
    out.wake(now + ask_every, Due{ask_turn});
}

void Server::overdue(Instant now, Common& common, const Overdue& overdue, Exchange::Out& out) {
    if (overdue.stamp != stamp_ || !open_) return;
    in_vain_ = true;
    for (const auto& [id, member] : members_)
        if (of_this_round(member)) out.tell(Failed{id, Failure::overdue});
    if (in_ > 0) return close(common, out);
    if (round_ == 0 && own_ == Own::none) own_ = Own::training;  // there is nobody to begin with: with our own, then
    watch(now, common, out);
    train(now, common, out);
}

// Nobody trains any more: the last model to all who hold another.
void Server::settle(Instant now, Common& common, Exchange::Out& out) {
    if (open_ || publishing_ || !answers_.empty() || !model_ || !common.through()) return;
    bool all_have_it = true;
    for (const auto& [id, member] : members_) {
        if (member.gone) continue;
        if (member.state != State::through) return;
        all_have_it = all_have_it && member.has >= round_;
    }
    if (all_have_it) return common.conclude(out);
    if (model_round_ != round_ || (common.asynchronous() && !final_)) {
        final_ = true;
        publishing_ = common.publish(model_slot, out);
        return;
    }
    for (auto& [id, member] : members_)
        if (!member.gone && member.has < round_ && member.round < round_) hand(now, common, id, member, out);
}

void Server::finish(Instant now, Common& common, Exchange::Out& out) {
    ticks_.stop();
    train(now, common, out);
    settle(now, common, out);
}

}  // namespace grapevine::gossip
