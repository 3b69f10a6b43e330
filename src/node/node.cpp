#include "node.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>
#include <utility>

#include "grapevine/learn/encoding.hpp"
#include "grapevine/learn/resume.hpp"
#include "grapevine/learn/safetensors.hpp"
#include "grapevine/learn/shard.hpp"
#include "grapevine/wire/wire.hpp"
#include "identity.hpp"
#include "log.hpp"
#include "rested.hpp"

namespace grapevine::node {

namespace {
constexpr Duration leave_within = std::chrono::seconds(5);    // then we go without a farewell
constexpr Duration finish_within = std::chrono::seconds(15);  // more than an exchange takes to settle
constexpr Duration describe_after = std::chrono::seconds(5);  // what is told about us is told for half a minute: not before we have a pace
constexpr Duration stopped_for = std::chrono::milliseconds(500);      // without a turn of the loop
constexpr Duration caught_up_after = std::chrono::milliseconds(30);   // of silence
constexpr Duration catch_up_within = std::chrono::milliseconds(500);  // what comes later is no backlog
constexpr Duration longest_wait = std::chrono::milliseconds(100);  // so that a signal is seen soon
}  // namespace

End run(const Options& options, const std::atomic<bool>& stop) {
    set_log(options.log_format, options.quiet ? "warn" : options.log_level, options.name);
    return Node(options, stop).run();
}

// Time since the first call, by a clock that neither jumps nor runs backwards and goes on while the machine sleeps: who
// slept must see that time has passed, or it takes answers that never came for news.
Instant Node::now() const {
    const auto read = [] {
        timespec t{};
        clock_gettime(CLOCK_BOOTTIME, &t);
        return Duration(std::chrono::seconds(t.tv_sec)) + std::chrono::nanoseconds(t.tv_nsec);
    };
    static const Duration origin = read();
    return Instant(read() - origin);
}

End Node::run() {
    (void)now();
    if (const auto end = open_transport()) return *end;
    if (const auto end = look_for_cluster()) return *end;
    if (!config_) return End::finished;  // told to stop before there was a run
    if (const auto end = prepare()) return *end;

    reporter_ = std::make_unique<Reporter>(options_, *config_, transport_->contact(), run_id_, device_, metadata_);
    if (const auto error = reporter_->open(desk_)) {
        log(Level::error, "start", error->what + ": " + error->hint);
        return End::configuration;
    }
    if (task_->sets.train && config_->data.shards != config::Data::Shards::own) reporter_->shared(task_->sets.train->rows());
    keep_identity();
    const Contact self = transport_->contact();
    log(Level::info, "node", options_.name + " at " + self.control +
                                 (options_.status ? ", status " + status_url(options_.status_host, reporter_->status_port()) : "") +
                                 ", computes on " + device_);
    log(Level::info, "node", (found_ ? "joins " + found_->record.contact.name + "'s run" : std::string("begins a run")) + ": " +
                                 config::to_string(config_->model.kind) + " on " + (config_->model.needs_data() ? config_->data.set : "no data") +
                                 ", exchange " + config::to_string(config_->exchange.kind));
    if (options_.listen_host == "127.0.0.1" && !search_.any())
        log(Level::info, "node", "others on this machine join with: grapevine node --join " + self.control.substr(self.control.find("//") + 2));
    if (resumed_) reporter_->go_on_from(resumed_->number("step").value_or(0));
    resumed_.reset();
    if (!reporter_->directory().empty() && config_->model.needs_data() && options_.checkpoint_every > Duration::zero())
        checkpoints_ = std::make_unique<Checkpoints>(reporter_->directory() + "/checkpoints");
    workshop_ = std::make_unique<Workshop>(*learner_, config_->train.pace, [t = transport_.get()] { t->wake(); });
    const End end = loop();
    answer_at_the_end();
    workshop_->close();
    if (!superseded_) {  // else our files are the other one's, if it was started as we were
        save_model();
        evaluate_at_the_end();
        reporter_->finish(view(), target_reached_);
    }
    transport_->close(std::chrono::milliseconds(500));
    return end;
}

End Node::loop() {
    if (options_.require_peers > 0) held_.emplace();
    step(Start{});
    if (sharding_) sharding_->changed(now());
    if (found_) meet(*found_);
    next_sample_ = now();
    next_evaluation_ = now();
    next_checkpoint_ = now() + options_.checkpoint_every;
    Instant turn = now();  // when timers had theirs
    while (phase_ != Phase::gone && !broken_) {
        Instant until = std::min(now() + longest_wait, next_sample_);
        if (const auto alarm = alarms_.next()) until = std::min(until, *alarm);
        if (auto inbound = transport_->receive(std::max(until - now(), Duration::zero()))) take(std::move(*inbound));
        if (now() - turn > stopped_for) catch_up();
        for (int n = 0; n < 64; ++n) {  // what else has come, but let timers have their turn
            auto more = transport_->receive(Duration::zero());
            if (!more) break;
            take(std::move(*more));
        }
        while (auto done = workshop_->take()) take(std::move(*done));
        while (auto timer = alarms_.due(now())) step(Woken<Peer::Timer>{std::move(*timer)});
        turn = now();
        reshard();
        tidy_book();
        while (auto question = desk_.take()) asked(std::move(*question));
        answer_what_is_due();
        check_the_end();
    }
    return end();
}

// Every change of a member is another record. Between two steps nobody but the membership holds a handle: what it does not
// use is let go, before a flood of invented members fills the book.
void Node::tidy_book() {
    if (book_.size() <= 2 * records_in_use_ + 1024) return;
    effects_.list.clear();
    std::vector<bool> used;
    peer_->members().mark(used);
    book_.keep_only(used);
    records_in_use_ = book_.size();
}

// We were stopped, or slept. What lies in the sockets came before what fell due meanwhile and is heard first: or we would
// accuse others of the silence that was ours. libzmq's threads were stopped as well, and need a moment to bring it.
void Node::catch_up() {
    const Instant begun = now();
    Instant heard = begun;
    while (now() - heard < caught_up_after && now() - begun < catch_up_within && !broken_) {
        auto inbound = transport_->receive(caught_up_after);
        if (!inbound) continue;
        take(std::move(*inbound));
        heard = now();
    }
}

// Who is there has changed, or how fast they are. The learner takes other rows up between two steps; a step in slices is not torn for it.
void Node::reshard() {
    if (!sharding_ || phase_ != Phase::running) return;
    if (auto deal = sharding_->woken(now(), peer_->members())) {
        reporter_->dealt(view(), *deal, sharding_->rows());
        dealt_ = std::make_shared<const std::vector<std::uint32_t>>(std::move(deal->rows));
        deal_missed_ = true;
    }
    if (!deal_missed_ || deal_asked_) return;
    deal_missed_ = false;
    deal_asked_ = true;
    workshop_->call([this, rows = dealt_] {
        if (learn::between_steps(*learner_)) learn::deal(*learner_, *rows);
        else deal_missed_ = true;
        deal_asked_ = false;
    });
}

void Node::take(net::Inbound&& inbound) {
    std::visit(Cases{
                   [&](net::Hello& h) {
                       if (const auto end = hello(h)) broken_ = *end;
                   },
                   [&](net::NoAnswer& none) {
                       greeted(none.endpoint, "", none.why);
                       if (awaited_.erase(none.endpoint) > 0) lament("no answer from " + none.endpoint + " (" + none.why + ")");
                   },
                   [&](net::TurnedAway& away) {
                       greeted(away.endpoint, "", away.why);
                       awaited_.erase(away.endpoint);
                       if (strangers_.insert(away.endpoint).second) log(Level::warn, "join", away.endpoint + " and we do not fit: " + away.why);
                   },
                   [&](net::OtherVersion& other) {
                       (void)other_version(other);
                       greeted(other.endpoint, "", "it speaks version " + net::to_string(other.theirs) + " of the protocol, we speak " + net::to_string(other.ours));
                   },
                   [&](net::DialledBack& answer) { dialled_back(answer); },
                   [&](net::Echoed& echo) { echoed(echo); },
                   [&](net::Frame& frame) {
                       auto message = wire::decode(std::as_bytes(std::span(frame.bytes)), book_);
                       if (message) step(Received<Peer::Message>{frame.from, std::move(*message)});
                   },
                   [&](net::Parcel& parcel) {
                       auto message = wire::decode(std::as_bytes(std::span(parcel.header)), book_, parcel.body);
                       if (!message) return;
                       // One value that is no number would spread to all who mix with us; and places are not believed.
                       if (const Snapshot* s = parameters(*message); s && fits(*s, learner_->layout(), learner_->size()) && !(learn::travels_as(*s, encoding_, learner_->encoding()) && learn::well_formed(*s))) {
                           if (reporter_->refused() == 1) log(Level::warn, "gossip", "parameters that are no numbers, garbled, or in an encoding that is not this run's came in and are not mixed (said once)");
                           return;
                       }
                       reporter_->partners().received(seconds(now()), parcel.from, parcel.body.size);
                       step(Received<Peer::Message>{parcel.from, std::move(*message)});
                   },
                   [&](net::Undelivered& u) { step(gossip::Undelivered{u.to, u.ticket}); },
               },
               inbound);
}

void Node::take(Workshop::Done&& done) {
    std::visit(Cases{
                   [&](Completion& completion) {
                       const auto* trained = std::get_if<Trained>(&completion.what);
                       if (trained) reporter_->used(trained->samples);
                       if (trained && !std::isfinite(trained->loss)) {
                           log(Level::error, "train", "the loss is no longer a number: training has diverged. A smaller learning rate may help.");
                           broken_ = End::failed;
                           return;
                       }
                       step(std::move(completion));
                   },
                   [&](Workshop::Evaluated& e) {
                       evaluating_ = false;
                       next_evaluation_ = rested(next_evaluation_, now(), e.took);
                       reporter_->evaluated(e.evaluation, e.steps);
                       if (std::exchange(sample_waits_, false)) reporter_->sample(view());
                       step(gossip::Observed{e.evaluation.loss, e.evaluation.accuracy});
                       const auto& target = config_->train.target;
                       if (!target) return;
                       const double value = target->metric == "loss" ? e.evaluation.loss : e.evaluation.accuracy.value_or(std::nan(""));
                       const bool holds = target->at_least ? value >= target->value : value <= target->value;
                       target_hits_ = holds ? target_hits_ + 1 : 0;
                       if (target_hits_ < 3 || target_reached_) return;
                       target_reached_ = true;
                       if (target->stop) begin_finish("the target is reached");
                   },
                   [&](Workshop::Broke& broke) {
                       log(Level::error, "device", broke.why + ": nothing more can be trained here. Leaving; the others go on. The last checkpoint is as it was.");
                       device_lost_ = true;
                       if (phase_ != Phase::leaving && phase_ != Phase::gone) begin_leave();
                   },
               },
               done);
}

void Node::step(Peer::Input&& input) {
    effects_.list.clear();
    const Instant at = now();
    if (recorder_) recorder_->given(at, input);
    peer_->step(at, std::move(input), effects_);
    if (recorder_) recorder_->wanted(effects_);
    for (auto& effect : effects_.list)
        std::visit(Cases{
                       [&](Peer::Effects::Send& s) { send(s.to, s.message); },
                       [&](Peer::Effects::Wake& wake) { alarms_.set(wake.at, std::move(wake.timer)); },
                       [&](Peer::Effects::Tell& t) { tell(std::move(t.event)); },
                   },
                   effect);
}

void Node::send(PeerId to, const Peer::Message& message) {
    std::string bytes = wire::encode(message, book_);
    if (const Snapshot* snapshot = parameters(message)) {
        reporter_->partners().sent(seconds(now()), to, snapshot->bytes.size);
        transport_->ship(to, gossip::ticket(std::get<gossip::Message>(message)), std::move(bytes), snapshot->bytes);
    } else {
        transport_->send(to, std::move(bytes));
    }
}

void Node::tell(Peer::Event&& event) {
    if (auto* order = std::get_if<Order>(&event)) return held_ ? held_->push_back(std::move(*order)) : workshop_->put(std::move(*order));
    if (const auto* reachable = std::get_if<membership::Reachable>(&event)) return know(reachable->record);
    if (const auto* unreachable = std::get_if<membership::Unreachable>(&event)) return transport_->forget(unreachable->peer);
    if (const auto* m = std::get_if<membership::Measured>(&event)) return measured_.push_back(*m);
    if (const auto* wanted = std::get_if<membership::EchoWanted>(&event)) return transport_->echo(wanted->peer);
    if (auto* models = std::get_if<gossip::Collected>(&event)) return collected(std::move(*models));
    if (std::holds_alternative<membership::Superseded>(event) && std::exchange(superseded_, true)) return;  // it says so until we are gone
    if (std::holds_alternative<membership::Refused>(event)) broken_ = End::incompatible;
    if (const auto* joined = std::get_if<membership::Joined>(&event)) know(joined->record);
    if (const auto* changed = std::get_if<membership::Changed>(&event)) know(changed->record);
    if (const auto* fetched = std::get_if<gossip::Fetched>(&event)) settle_model(fetched->whole);
    if (sharding_ && Sharding::concerns(event)) sharding_->changed(now());
    look_for_agreement(event);
    reporter_->told({seconds(now()), peer_.get(), &book_, {}, {}, ""}, event);
    // The dead keep their address: they are called now and then, and a cut heals by that. Unreachable follows.
    if (const auto* gone = std::get_if<membership::Gone>(&event); gone && gone->why == membership::Standing::left) transport_->forget(gone->peer);
    if (std::holds_alternative<gossip::Finished>(event) && phase_ == Phase::finishing) {
        begin_leave();
        // Not from within this step: the peer's list of wishes is being carried out.
    }
    if (std::holds_alternative<membership::Departed>(event)) phase_ = Phase::gone;
}

// The model we waited for is there, or nobody gave it: then we begin as who begins a run does. What the exchange wants of the learner
// comes after this.
void Node::settle_model(bool given) {
    if (given) {
        has_model_ = true;
        return;
    }
    workshop_->call([this] {
        learn::draw_initial(*learner_);
        has_model_ = true;
    });
}

// Under an exchange that makes everybody agree it is the model agreed on that such a run has to show, as in a simulation; between
// two rounds it is some steps of our own away. It is there now, before the next step is ordered.
void Node::look_for_agreement(const Peer::Event& event) {
    if (const auto* mixed = std::get_if<gossip::MixedWith>(&event); mixed && !mixed->with) {
        agrees_ = true;
        if (std::exchange(evaluation_waits_, false)) workshop_->evaluate();
    }
    if (const auto* formed = std::get_if<gossip::RollFormed>(&event); formed && formed->size < 2) agrees_ = false;
    if (const auto* failed = std::get_if<gossip::Failed>(&event); failed && failed->why == gossip::Failure::partner_gone) agrees_ = false;
}

void Node::begin_finish(const std::string& why) {
    if (phase_ != Phase::running) return;
    phase_ = Phase::finishing;
    finish_by_ = now() + finish_within;
    log(Level::info, "node", why + ": merging with the others, then leaving");
    step(gossip::Finish{});
}

void Node::begin_leave() {
    phase_ = Phase::leaving;
    leave_by_ = now() + leave_within;
    reporter_->leaving();
}

void Node::check_the_end() {
    const Instant t = now();
    look_at_the_list();
    look_at_the_clock();
    if (t >= next_evaluation_ && has_model_ && !evaluating_ && phase_ == Phase::running && config_->model.kind != config::ModelKind::average) {
        next_evaluation_ += config_->metrics.evaluate_every;
        if (next_evaluation_ <= t) next_evaluation_ = t + config_->metrics.evaluate_every;  // a machine that slept
        evaluating_ = true;
        evaluate_by_ = t;
        if (agrees_) evaluate_by_ += config_->metrics.evaluate_every;
        else workshop_->evaluate();
        evaluation_waits_ = agrees_;
    }
    if (evaluation_waits_ && t >= evaluate_by_) {
        evaluation_waits_ = false;
        workshop_->evaluate();
    }
    if (t >= next_sample_) {
        next_sample_ += config_->metrics.every;
        if (next_sample_ <= t) next_sample_ = t + config_->metrics.every;
        sample_waits_ = evaluating_ && !sample_waits_;  // for what belongs to it, but not for ever
        if (!sample_waits_) reporter_->sample(view());
        keep_identity();
        if (t - Instant{} >= describe_after) step(membership::Describe{reporter_->metadata()});
        show_greeting();  // its age of the run has changed
    }
    if (checkpoints_ && has_model_ && (t >= next_checkpoint_ || checkpoint_missed_) && phase_ == Phase::running) keep_checkpoint();
    if (t >= next_ask_back_ && phase_ == Phase::running) ask_whether_dialable();
    // Alone, though we were told of others: they may be there by now. Or in a run that gives way to an older one.
    if (search_.any() && t >= next_greeting_ && phase_ == Phase::running && (provisional_ || peer_->members().roster().present() == 0)) greet_seeds();
    greet_found();
    wait_for_peers();
    look_around();

    if ((stop_ || told_to_leave_ || superseded_) && phase_ != Phase::leaving && phase_ != Phase::gone) {
        log(Level::info, "node", superseded_ ? "leaving, without a word to the files" : "told to stop: leaving");
        begin_leave();
    }
    if (phase_ == Phase::running) {
        if (config_->until && elapsed_before_ + seconds(t) >= seconds(*config_->until)) begin_finish("the run is over");
        else if (config_->until_steps && reporter_->steps() >= *config_->until_steps) begin_finish("all steps are made");
    }
    if (phase_ == Phase::finishing && t >= finish_by_) {
        begin_leave();
    }
    if (phase_ == Phase::leaving && !peer_->members().leaving()) step(membership::Leave{});
    if (phase_ == Phase::leaving && t >= leave_by_) phase_ = Phase::gone;
}

Reporter::View Node::view() const {
    static constexpr const char* phases[] = {"running", "finishing", "leaving", "gone"};
    return {seconds(now()), peer_.get(), &book_, transport_->counters(), workshop_->times(), phases[static_cast<int>(phase_)], checkpoints_ ? checkpoints_->age() : std::nullopt, checkpoints_ ? checkpoints_->failed() : 0};
}

End Node::end() const {
    if (broken_) return *broken_;
    if (device_lost_) return End::device;
    if (config_->train.target && config_->train.target->stop && !target_reached_ && !stop_ && !told_to_leave_ && !superseded_) return End::missed_target;
    return End::finished;
}

// Membership may have taken a higher generation, when it heard of the run before.
void Node::keep_identity() {
    const std::uint64_t generation = book_.generation(peer_->members().self());
    if (generation == generation_kept_ || superseded_) return;
    generation_kept_ = generation;
    keep_generation(options_.out, options_.name, generation);
}

// What we could go on from, now and then. Where a disk is full the last one stays, and the run goes on.
void Node::keep_checkpoint() {
    if (const auto fault = checkpoints_->take_fault()) log(Level::warn, "files", fault->what + ": " + fault->hint + ". The last checkpoint stays, and training goes on");
    if (checkpoint_asked_ || checkpoints_->busy()) return;
    next_checkpoint_ = now() + options_.checkpoint_every;
    checkpoint_missed_ = false;
    checkpoint_asked_ = true;
    const auto elapsed = static_cast<std::uint64_t>(std::llround(1000 * (elapsed_before_ + seconds(now()))));
    workshop_->call([this, elapsed] {
        checkpoint_missed_ = !learn::between_steps(*learner_);
        if (!checkpoint_missed_) {
            learn::Checkpoint checkpoint = learn::state_of(*task_, *learner_);
            learn::describe(*task_, *config_, config::to_toml(*config_, false), checkpoint);
            checkpoint.metadata["elapsed_ms"] = std::to_string(elapsed);
            checkpoint.metadata["part"] = std::to_string(part_);
            if (options_.shard) checkpoint.metadata["parts"] = std::to_string(options_.shard->second);
            checkpoints_->write(std::move(checkpoint));
        }
        checkpoint_asked_ = false;
    });
}

// What is told of the end is of the model at the end. Who was told to stop does not wait for it.
void Node::evaluate_at_the_end() {
    if (stop_ || told_to_leave_ || device_lost_ || broken_ || !has_model_ || config_->model.kind == config::ModelKind::average) return;
    try {
        reporter_->evaluated(learner_->evaluate(), reporter_->steps());
    } catch (const kernels::DeviceFailure& failure) {
        log(Level::error, "device", failure.what());
    }
}

// The model as it is, for `eval` and to go on from: DIR/final.safetensors.
void Node::save_model() {
    if (reporter_->directory().empty() || !config_->model.needs_data() || device_lost_ || !has_model_) return;
    const Completion done = learner_->carry_out({0, Publish{model_slot, {0, learner_->size()}}});
    const Snapshot& whole = std::get<Published>(done.what).snapshot;
    if (!learn::well_formed(whole)) return;
    learn::Checkpoint checkpoint = learn::to_checkpoint(task_->table, whole);
    learn::describe(*task_, *config_, config::to_toml(*config_, false), checkpoint);
    const std::string path = reporter_->directory() + "/final.safetensors";
    if (const auto error = learn::save(path, checkpoint)) log(Level::error, "files", error->what + ": " + error->hint);
    else log(Level::info, "node", "model in " + path);
}

}  // namespace grapevine::node
