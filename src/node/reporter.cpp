#include "reporter.hpp"

#include <chrono>
#include <cmath>
#include <cstdio>

#include "grapevine/chronicle/chronicle.hpp"
#include "grapevine/record/format.hpp"
#include "log.hpp"
#include "status_pages.hpp"

#include <sys/resource.h>
#include <unistd.h>

namespace grapevine::node {

namespace {

constexpr double mix_log_every = 2, train_log_every = 5;  // seconds
constexpr std::size_t recent_events = 200;

double unix_now() {
    return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

template <class... A>
std::string text(const char* format, A... a) {
    char buffer[256];
    std::snprintf(buffer, sizeof buffer, format, a...);
    return buffer;
}

}  // namespace

Reporter::Reporter(const Options& options, const config::Config& config, const Contact& self, std::uint64_t run, const std::string& device)
    : options_(options), config_(config), self_(self), run_(run), device_(device), directory_(options.out) {}

std::optional<record::Error> Reporter::open() {
    if (!directory_.empty()) {
        auto created = record::RunFiles::create(directory_, config::to_toml(config_), options_.overwrite);
        if (const auto* error = std::get_if<record::Error>(&created)) return *error;
        files_.emplace(std::get<record::RunFiles>(std::move(created)));
    }
    if (options_.status) {
        auto opened = StatusServer::open(options_.listen_host == "*" ? "0.0.0.0" : options_.listen_host, options_.status_port);
        if (const auto* taken = std::get_if<std::string>(&opened))
            return record::Error{"status page: " + *taken, "choose another with --status PORT (0: any free one), or none with --no-status"};
        status_ = std::get<std::unique_ptr<StatusServer>>(std::move(opened));
        announcement_ = std::make_unique<Announcement>(Local{options_.name, getpid(), status_->port()});
    }
    return std::nullopt;
}

std::string Reporter::name_of(PeerId id, const View& view) const {
    if (id == self_.id) return options_.name;
    if (const auto* entry = view.peer->members().roster().find(id)) {
        const std::string& name = view.book->at(entry->record).contact.name;
        if (!name.empty()) return name;
    }
    return text("%016llx", static_cast<unsigned long long>(id.value));
}

void Reporter::told(const View& view, const Peer::Event& event) {
    const auto name = [&](PeerId id) { return name_of(id, view); };
    std::visit(Cases{
                   [&](const membership::Joined& j) { log(Level::info, "members", name(j.peer) + " joined at " + view.book->at(j.record).contact.control); },
                   [](const membership::ProbeFailed&) {},
                   [](const membership::Measured&) {},
                   [](const membership::Reachable&) {},
                   [](const membership::Unreachable&) {},
                   [&](const membership::Changed& c) {
                       if (view.book->degraded(c.record)) log(Level::warn, "members", name(c.peer) + " finds its links bad: not mixed with for now");
                   },
                   [&](const membership::Superseded&) { log(Level::error, "node", "a later process of this name and key has joined: this one ends"); },
                   [&](const membership::Refused&) { log(Level::error, "join", "another node bears the name " + options_.name + " with another key"); },
                   [&](const membership::Suspected& s) { log(Level::warn, "members", name(s.peer) + " suspect (says " + name(s.accuser) + "), held for dead unless it answers soon"); },
                   [&](const membership::Refuted& r) { log(Level::info, "members", name(r.peer) + " answers after all"); },
                   [&](const membership::Gone& g) {
                       if (g.why == membership::Standing::left) log(Level::info, "members", name(g.peer) + " left");
                       else log(Level::warn, "members", name(g.peer) + " is held for dead");
                   },
                   [&](const membership::Departed&) { log(Level::info, "node", "has left"); },
                   [&](const gossip::MixedWith& m) {
                       ++mixes_;
                       staleness_ = m.staleness;
                       if (m.norm > 0) distance_ = m.distance / m.norm;
                       if (view.t - mix_logged_at_ < mix_log_every) return;
                       mix_logged_at_ = view.t;
                       log(Level::info, "gossip", "mixed with " + (m.with ? name(m.with) : std::string("all")) + "   staleness " + std::to_string(m.staleness) +
                                                      " steps  distance " + (m.norm > 0 ? record::format_percent(distance_) : std::string("-")) + "  " +
                                                      record::format_bytes(static_cast<double>(m.bytes)) + " in " + record::format_seconds(seconds(m.took)));
                   },
                   [&](const gossip::Failed& f) {
                       ++failures_;
                       static constexpr const char* why[] = {"it declined", "no answer in time", "its bulk port cannot be reached", "it is gone", "it has another layout"};
                       if (f.why != gossip::Failure::declined && f.why != gossip::Failure::partner_gone)
                           log(Level::warn, "gossip", "no exchange with " + name(f.with) + ": " + why[static_cast<int>(f.why)]);
                   },
                   [&](const gossip::Skipped&) { ++skipped_; },
                   [&](const gossip::RollFormed& r) { log(Level::info, "exchange", "number " + std::to_string(r.rank + 1) + " of " + std::to_string(r.size) + " on roll " + std::to_string(r.epoch)); },
                   [&](const gossip::TrainedSome& t) {
                       steps_ += t.steps;
                       samples_ += static_cast<double>(t.steps) * config_.data.batch;
                       loss_ = t.loss;
                   },
                   [](const gossip::Finished&) {},
                   [](const Order&) {},
               },
               event);
    const auto line = chronicle::event_of(view.t, options_.name, event, name);
    if (!line) return;
    recent_events_.push_back(record::to_json(*line));
    if (recent_events_.size() > recent_events) recent_events_.pop_front();
    if (files_) {
        files_->event(*line);
        fault();
    }
}

// Said once by the files; the run goes on without them.
void Reporter::fault() {
    if (const auto error = files_->fault()) log(Level::error, "files", error->what + ": " + error->hint + " (training goes on)");
}

std::uint64_t Reporter::refused() { return ++refused_; }

void Reporter::evaluated(const Evaluation& evaluation, std::uint64_t steps) {
    evaluation_ = evaluation;
    evaluated_ = true;
    steps_evaluated_at_ = steps;
}

record::Sample Reporter::sample_of(const View& view) const {
    record::Sample s;
    s.t = view.t;
    s.unix_time = unix_now();
    s.peers_alive = static_cast<double>(view.peer->members().roster().present() + 1);
    if (evaluated_) {
        s.loss = evaluation_.loss;
        s.accuracy = evaluation_.accuracy;
        s.evaluated_peers = 1;
    }
    s.steps = static_cast<double>(steps_);
    s.samples = samples_;
    const auto& bulk = view.traffic.bulk;
    s.bytes_payload = static_cast<double>(bulk.bytes_out);
    s.bytes_control = static_cast<double>(view.traffic.control.bytes_out);
    s.messages = static_cast<double>(view.traffic.control.frames_out + view.traffic.parcels_out);
    return s;
}

void Reporter::sample(const View& view) {
    const record::Sample s = sample_of(view);
    if (files_) {
        files_->sample(s);
        fault();
    }
    if (const auto& target = config_.train.target; target && !target_at_) {
        const auto value = record::value_of(s, target->metric);
        if (value && (target->at_least ? *value >= target->value : *value <= target->value)) {
            target_at_ = s.t;
            target_samples_ = s.samples;
            target_bytes_ = *s.bytes_payload + *s.bytes_control;
        }
    }
    if (!first_) first_ = s;
    last_ = s;
    if (view.t - train_logged_at_ >= train_log_every) log_training(view);
    if (status_) show(view, s);
}

void Reporter::log_training(const View& view) {
    const double rate = (samples_ - samples_logged_) / std::max(view.t - train_logged_at_, 1e-9);
    train_logged_at_ = view.t;
    samples_logged_ = samples_;
    const double training = seconds(view.times.training), mixing = seconds(view.times.mixing);
    const double all = std::max(view.t - seconds(view.times.evaluating), 1e-9);
    std::string line = "step " + std::to_string(steps_);
    line += text("  loss %.3f", evaluated_ ? evaluation_.loss : loss_);
    if (evaluation_.accuracy) line += text("  accuracy %.3f", *evaluation_.accuracy);
    line += "  " + record::format_count(rate) + " samples/s";
    line += text("  local %.0f %%  mixing %.0f %%  waiting %.0f %%", 100 * training / all, 100 * mixing / all,
                 std::max(0.0, 100 - 100 * (training + mixing) / all));
    log(Level::info, "train", line);
}

void Reporter::show(const View& view, const record::Sample& sample) {
    StatusFacts facts;
    facts.name = options_.name;
    facts.run = run_;
    facts.run_name = config_.name;
    facts.phase = view.phase;
    facts.device = device_;
    facts.exchange = config::to_string(config_.exchange.kind);
    facts.mixes = mixes_;
    facts.failures = failures_;
    facts.skipped = skipped_;
    facts.refused = refused_;
    facts.staleness = staleness_;
    facts.distance = distance_;
    facts.training_loss = loss_;
    facts.times = view.times;
    StatusPages pages;
    pages.status = status_json(facts, sample);
    pages.members = members_json(facts, self_, view.peer->members(), *view.book);
    pages.config = config::to_toml(config_);
    pages.events = "[";
    for (const auto& e : recent_events_) pages.events += (pages.events.size() > 1 ? ",\n" : "\n") + e;
    pages.events += "\n]\n";
    pages.metrics = prometheus_text(facts, sample, view.traffic);
    pages.ready = steps_ > 0;
    status_->show(std::move(pages));
}

void Reporter::finish(const View& view, bool reached_target) {
    if (!files_) return;
    record::Summary s;
    s.name = config_.name;
    s.seed = config_.seed;
    s.exchange = config::to_string(config_.exchange.kind);
    s.peers = first_ ? static_cast<std::uint64_t>(first_->peers_alive.value_or(1)) : 1;
    s.peers_max = s.peers;
    s.wall_seconds = view.t;
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto of = [](const timeval& t) { return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec); };
    s.cpu_seconds = of(usage.ru_utime) + of(usage.ru_stime);
    s.peak_bytes = static_cast<double>(usage.ru_maxrss) * 1024;
    s.final = sample_of(view);
    if (const auto& target = config_.train.target) {
        s.target = record::TargetResult{target->metric, target->value, {}, {}, {}};
        if (reached_target) s.target->reached_at_seconds = target_at_, s.target->reached_at_samples = target_samples_, s.target->reached_at_bytes = target_bytes_;
    }
    const double training = seconds(view.times.training), mixing = seconds(view.times.mixing);
    const double all = std::max({view.t - seconds(view.times.evaluating), training + mixing, 1e-9});
    s.time = {training / all, mixing / all, 1 - (training + mixing) / all};
    s.version = options_.version;
    s.command = options_.command;
    files_->summary(s);
    fault();
}

}  // namespace grapevine::node
