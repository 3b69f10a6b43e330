#include "worker.hpp"

#include <limits>

namespace grapevine::gossip {

namespace {
constexpr Duration say_again_after = std::chrono::seconds(5);
constexpr Duration slow_is_waited_for = std::chrono::minutes(10);  // while nobody knows how long an answer takes
}  // namespace

void Worker::start(Instant now, Common& common, Exchange::Out& out) { wait(now, common, out); }

void Worker::wait(Instant now, Common& common, Exchange::Out& out) {
    since_ = now;
    if (!watching_) watch(common, out);
}

// One timer watches whatever we wait for: one a wait would outlive it.
void Worker::watch(Common& common, Exchange::Out& out) {
    watching_ = true;
    out.wake(since_ + patience(common), Overdue{});
}

Duration Worker::patience(const Common& common) const {
    if (!server_ || lost_) return common.patience.now(common.config);
    if (!handin_) return say_again_after * (1 << tries_);
    return common.patience.known(common.config) ? std::max(common.patience.now(common.config), say_again_after) : slow_is_waited_for;
}

void Worker::adopt(Instant now, Common& common, PeerId server, std::uint64_t round, Exchange::Out& out) {
    server_ = server;
    lost_ = false;
    ++session_;
    held_ = 0;
    handin_.reset();
    asked_ = false;
    awaited_ = 0;
    doing_ = Doing::waiting;
    wait(now, common, out);
    out.send(server, Ready{session_, 0});
    if (round == 0) return begin(now, common, out);
    if (common.through()) rest(out);
}

void Worker::found_again(Instant now, Common& common, Exchange::Out& out) {
    lost_ = false;
    if (doing_ == Doing::waiting) wait(now, common, out);
    if (handin_) out.send(*server_, *handin_);
}

void Worker::peer_up(Instant now, Common& common, PeerId peer, Exchange::Out& out) {
    if (server_ == peer && lost_) found_again(now, common, out);
    else if (!server_ && former_ == peer) adopt(now, common, peer, 1, out);
}

void Worker::peer_down(Instant now, Common& common, PeerId peer, Exchange::Out& out) {
    if (server_ != peer || lost_) return;
    lost_ = true;
    if (common.finishing) return common.conclude(out);
    wait(now, common, out);
}

void Worker::overdue(Instant now, Common& common, Exchange::Out& out) {
    watching_ = false;
    const bool without = !server_ || lost_;
    if (doing_ == Doing::alone || (!without && doing_ != Doing::waiting)) return;
    if (now < since_ + patience(common)) return watch(common, out);
    if (!without) {
        // What we said or were sent got lost where nobody noticed: then begin anew.
        if (common.finished) return;
        if (!handin_) tries_ = std::min(tries_ + 1, 7u);  // a large model may be on its way to us all the while
        if (handin_ || !common.through() || held_ == 0) return adopt(now, common, *server_, 1, out);
        rest(out);
        return wait(now, common, out);
    }
    former_ = server_.value_or(PeerId{});
    server_.reset();
    lost_ = false;
    held_ = 0;
    handin_.reset();
    awaited_ = 0;
    doing_ = Doing::alone;
    out.tell(Failed{former_, Failure::partner_gone});
    proceed(now, common, out);
}

void Worker::received(Instant now, Common& common, PeerId from, Message&& message, const Company& company, Exchange::Out& out) {
    const auto* serving = std::get_if<Serving>(&message);
    const auto* ready = std::get_if<Ready>(&message);
    auto* handout = std::get_if<Handout>(&message);
    if (!serving && !ready && !handout) return;
    if (server_ != from) {
        if (ready && ready->roll != 0) return;  // another worker takes us for a server
        if (server_ && !lost_ && *server_ < from) return;
        // What a server that is gone had sent comes late to who was stopped, and nobody says a second time that it is gone. One
        // that we do not know yet says again that it serves.
        if (!company.contains(from)) return;
        adopt(now, common, from, serving ? serving->round : ready ? ready->round - 1 : handout->round, out);
        if (!handout) return;
    }
    if (lost_ && company.contains(from)) found_again(now, common, out);
    if (handout) return handed(common, from, std::move(*handout), out);
    if (serving) {
        if (doing_ == Doing::waiting && !handin_ && held_ == 0 && serving->round == 0) return begin(now, common, out);
        out.send(from, Ready{session_, held_});
        if (doing_ == Doing::waiting && !handin_ && common.through() && serving->round > 0) rest(out);
    } else if (ready->roll == 0 && ready->round == held_ + 1 && doing_ == Doing::working) {
        asked_ = true;
        proceed(now, common, out);
    }
}

void Worker::handed(Common& common, PeerId from, Handout&& handout, Exchange::Out& out) {
    if (!common.takes(handout.snapshot)) {
        out.send(from, Decline{static_cast<std::uint32_t>(held_), Why::other_layout});
        return out.tell(Failed{from, Failure::other_layout});
    }
    // Doubled, or overtaken; or what we handed in was not taken, and we are to begin again from the same.
    const bool again = handout.round == held_ && doing_ == Doing::waiting && handin_;
    if (handout.round <= held_ && !again) return;
    handin_.reset();
    tries_ = 0;
    held_ = handout.round;
    doing_ = Doing::taking;
    bytes_ = handout.snapshot.bytes.size;
    awaited_ = common.order(Combine{model_slot, 0, 1, std::move(handout.snapshot)}, out);
    if (common.asynchronous()) common.order(Fold{Common::aside, model_slot, 0, 1, {}}, out);
}

void Worker::begin(Instant now, Common& common, Exchange::Out& out) {
    doing_ = Doing::working;
    begun_ = common.training.steps();
    used_ = 0;
    asked_ = false;
    proceed(now, common, out);
}

// Trains on, or hands in what is due.
void Worker::proceed(Instant now, Common& common, Exchange::Out& out) {
    if (common.halted || common.training.under_way()) return;
    if (doing_ == Doing::alone) return common.train(now, ~std::uint64_t{0}, out);
    if (doing_ != Doing::working) return;
    const std::uint64_t made = common.training.steps() - begun_;
    const bool as_it_is = held_ == 0 && !(common.rounds() && !common.federated());  // for a server that has lost the model
    const bool through = common.through();
    if (!asked_ && !through && !as_it_is && made < common.steps_a_round()) return common.train(now, common.steps_a_round() - made, out);
    if (through && made == 0 && held_ > 0) {
        doing_ = Doing::waiting;
        wait(now, common, out);
        rest(out);
        return common.conclude(out);
    }
    doing_ = Doing::publishing;
    const bool difference = common.asynchronous() && held_ > 0;
    if (difference) common.order(Fold{Common::aside, model_slot, -1, 1, {}}, out);
    awaited_ = common.publish(difference ? Common::aside : model_slot, out);
}

// There is nothing more that we would train.
void Worker::rest(Exchange::Out& out) {
    if (server_) out.send(*server_, Decline{static_cast<std::uint32_t>(held_), Why::leaving});
}

void Worker::undelivered(const Undelivered& undelivered, Exchange::Out& out) {
    if (handin_ && server_ == undelivered.to && handin_->ticket == undelivered.ticket && !lost_) out.send(undelivered.to, *handin_);
}

void Worker::trained(Instant now, Common& common, const Trained& trained, Exchange::Out& out) {
    used_ += trained.samples;
    proceed(now, common, out);
}

void Worker::completed(Instant now, Common& common, Completion&& completion, Exchange::Out& out) {
    if (completion.tag != awaited_ || !server_) return;
    if (auto* published = std::get_if<Published>(&completion.what)) {
        Snapshot snapshot = std::move(published->snapshot);
        snapshot.weight = held_ == 0 ? 1 + common.samples : common.federated() ? used_ : 1;
        if (common.asynchronous() && held_ > 0) snapshot.samples = used_;  // those behind the difference
        handin_ = Handin{held_ + 1, common.new_ticket(), std::move(snapshot)};
        handed_in_ = now;
        doing_ = Doing::waiting;
        if (!lost_) wait(now, common, out);  // else that one goes on
        if (!lost_) out.send(*server_, *handin_);
    } else if (std::holds_alternative<Combined>(completion.what)) {
        const double unknown = std::numeric_limits<double>::quiet_NaN();
        const Duration took = handed_in_ > Instant{} ? now - handed_in_ : Duration::zero();
        if (took > Duration::zero()) common.patience.took(took);
        handed_in_ = {};
        out.tell(MixedWith{common.asynchronous() ? *server_ : PeerId{}, 0, unknown, unknown, bytes_, took, 1});
        begin(now, common, out);
    }
}

void Worker::finish(Instant now, Common& common, Exchange::Out& out) {
    if (!server_ || lost_) return common.conclude(out);
    if (doing_ == Doing::working) return proceed(now, common, out);
    if (doing_ != Doing::waiting || handin_) return;
    rest(out);
    // Of a federated run the last model is handed to all when all are through; elsewhere we have just taken ours.
    if (!common.federated()) common.conclude(out);
}

void Worker::halt(Exchange::Out& out) { rest(out); }

}  // namespace grapevine::gossip
