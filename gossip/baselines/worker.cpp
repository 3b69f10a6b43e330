#include "worker.hpp"

#include <limits>

namespace grapevine::gossip {

void Worker::start(Instant now, Common& common, Exchange::Out& out) { wait_for_server(now, common, out); }

void Worker::wait_for_server(Instant now, Common& common, Exchange::Out& out) { out.wake(now + common.patience.now(), Overdue{++stamp_}); }

void Worker::adopt(Instant now, Common& common, PeerId server, std::uint64_t round, Exchange::Out& out) {
    server_ = server;
    lost_ = false;
    ++stamp_;
    ++session_;
    held_ = 0;
    handin_.reset();
    asked_ = false;
    awaited_ = 0;
    doing_ = Doing::waiting;
    out.send(server, Ready{session_, 0});
    if (round == 0) return begin(now, common, out);
    if (common.through()) rest(out);
}

void Worker::found_again(Exchange::Out& out) {
    lost_ = false;
    ++stamp_;
    if (handin_) out.send(*server_, *handin_);
}

void Worker::peer_up(Instant now, Common& common, PeerId peer, Exchange::Out& out) {
    if (server_ == peer && lost_) found_again(out);
    else if (!server_ && former_ == peer) adopt(now, common, peer, 1, out);
}

void Worker::peer_down(Instant now, Common& common, PeerId peer, Exchange::Out& out) {
    if (server_ != peer || lost_) return;
    lost_ = true;
    if (common.finishing) return common.conclude(out);
    wait_for_server(now, common, out);
}

void Worker::overdue(Instant now, Common& common, const Overdue& overdue, Exchange::Out& out) {
    if (overdue.stamp != stamp_ || (server_ && !lost_) || doing_ == Doing::alone) return;
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

void Worker::received(Instant now, Common& common, PeerId from, Message&& message, Exchange::Out& out) {
    const auto* serving = std::get_if<Serving>(&message);
    const auto* ready = std::get_if<Ready>(&message);
    auto* handout = std::get_if<Handout>(&message);
    if (!serving && !ready && !handout) return;
    if (server_ != from) {
        if (ready && ready->roll != 0) return;  // another worker takes us for a server
        if (server_ && !lost_ && *server_ < from) return;
        adopt(now, common, from, serving ? serving->round : ready ? ready->round - 1 : handout->round, out);
        if (!handout) return;
    }
    if (lost_) found_again(out);
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
    if (handout.round <= held_) return;  // doubled, or overtaken
    handin_.reset();
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
