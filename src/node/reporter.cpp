#include "reporter.hpp"

#include <chrono>
#include <cmath>
#include <cstdio>

#include "grapevine/chronicle/chronicle.hpp"
#include "grapevine/config/measure.hpp"
#include "grapevine/record/format.hpp"
#include "grapevine/record/quality.hpp"
#include "log.hpp"
#include "metrics.hpp"
#include "status_pages.hpp"

#include <sys/resource.h>
#include <unistd.h>

namespace grapevine::node {

namespace {

constexpr double mix_log_every = 2, train_log_every = 5;  // seconds
constexpr std::uint32_t most_lines_a_second = 20;         // about members: a thousand may join at once
constexpr double rates_over = 10;                          // seconds

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

Reporter::Reporter(const Options& options, const config::Config& config, const Contact& self, std::uint64_t run, const std::string& device,
                   const Metadata& metadata)
    : options_(options), config_(config), self_(self), run_(run), device_(device), directory_(options.out), metadata_(metadata) {}

Reporter::~Reporter() {
    listen_to_log({});
    journal_.end();  // who waits for events holds a thread of the server
}

std::optional<record::Error> Reporter::open(Desk& desk) {
    if (!directory_.empty()) {
        auto created = record::RunFiles::create(directory_, config::to_toml(config_), options_.overwrite);
        if (const auto* error = std::get_if<record::Error>(&created)) return *error;
        files_.emplace(std::get<record::RunFiles>(std::move(created)));
    }
    if (!options_.tensorboard.empty()) {
        auto created = record::EventFile::create(options_.tensorboard, unix_now());
        if (const auto* error = std::get_if<record::Error>(&created)) return *error;
        event_file_.emplace(std::get<record::EventFile>(std::move(created)));
    }
    if (options_.status) {
        auto opened = StatusServer::open(options_.status_host == "*" ? "0.0.0.0" : options_.status_host, options_.status_port, desk, journal_, history_, options_.status_token);
        if (const auto* taken = std::get_if<std::string>(&opened))
            return record::Error{"status page: " + *taken, "choose another with --status PORT (0: any free one), or none with --no-status"};
        status_ = std::get<std::unique_ptr<StatusServer>>(std::move(opened));
        const bool everywhere = options_.status_host == "*" || options_.status_host == "0.0.0.0" || options_.status_host == "::";
        announcement_ = std::make_unique<Announcement>(Local{options_.name, getpid(), status_->port(), everywhere ? "127.0.0.1" : options_.status_host, options_.status_token});
    }
    listen_to_log([this](Level level, const char* area, const std::string& said) {
        record::RunEvent line;
        line.t = t_;
        line.kind = "log";
        line.peer = options_.name;
        write_down(line, {level, area, said}, false);
    });
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

// What an event is to people; nothing for what is none to them.
std::optional<Reporter::Said> Reporter::words_for(const View& view, const Peer::Event& event) {
    const auto name = [&](PeerId id) { return name_of(id, view); };
    using Words = std::optional<Said>;
    return std::visit(
        Cases{
            [&](const membership::Joined& j) -> Words { return Said{Level::info, "members", name(j.peer) + " joined at " + view.book->at(j.record).contact.control + (view.book->degraded(j.record) ? ", degraded" : "")}; },
            [](const membership::ProbeFailed&) -> Words { return std::nullopt; },
            [](const membership::Reachable&) -> Words { return std::nullopt; },
            [](const membership::Unreachable&) -> Words { return std::nullopt; },
            [](const membership::Measured&) -> Words { return std::nullopt; },
            [](const membership::EchoWanted&) -> Words { return std::nullopt; },
            [&](const membership::BulkWay& b) -> Words {
                const auto* entry = view.peer->members().roster().find(b.peer);
                const std::string where = entry ? " at " + view.book->at(entry->record).contact.bulk : std::string();
                switch (b.way) {
                    case membership::Way::open: return Said{Level::info, "members", "parameters get through to " + name(b.peer) + " again"};
                    case membership::Way::doubtful: return Said{Level::info, "members", "exchanges with " + name(b.peer) + " came to nothing, one after the other: it is skipped for a while"};
                    case membership::Way::narrow:
                        return Said{Level::warn, "members", name(b.peer) + " bulk unreachable: few bytes come back from its bulk plane" + where + ", and many do not. Packets of full size vanish on the way, as where a tunnel or VPN "
                                                            "carries shorter ones than this machine believes: try a smaller MTU. We do not mix with it meanwhile"};
                    case membership::Way::shut: break;
                }
                return Said{Level::warn, "members", name(b.peer) + " bulk unreachable: it answers pings, and its bulk plane" + where + " does not answer. A firewall that lets one of both ports through? "
                                                    "We do not mix with it meanwhile; 'grapevine doctor --peer' tries both"};
            },
            [&](const membership::Changed& c) -> Words {
                if (view.book->degraded(c.record)) return Said{Level::warn, "members", name(c.peer) + " is degraded: it finds its own links bad and is not mixed with for now"};
                return Said{Level::info, "members", name(c.peer) + " is well again: its links are no worse than those of others"};
            },
            [&](const membership::Superseded& s) -> Words { return Said{Level::warn, "node", "a later process bears our name " + options_.name + " (" + hex(s.by.value) + "): it takes our place"}; },
            [&](const membership::Refused&) -> Words { return Said{Level::error, "join", "the name " + options_.name + " belongs to a member with another key: choose another with --name"}; },
            [&](const membership::Suspected& s) -> Words { return Said{Level::warn, "members", name(s.peer) + " suspect (says " + name(s.accuser) + "), held for dead unless it answers soon"}; },
            [&](const membership::Refuted& r) -> Words { return Said{Level::info, "members", name(r.peer) + " answers after all"}; },
            [&](const membership::Gone& g) -> Words {
                if (g.why == membership::Standing::left) return Said{Level::info, "members", name(g.peer) + " left"};
                return Said{Level::warn, "members", name(g.peer) + " is held for dead"};
            },
            [&](const membership::Departed&) -> Words { return Said{Level::info, "node", "has left"}; },
            [&](const gossip::MixedWith& m) -> Words {
                const bool logged = view.t - mix_logged_at_ >= mix_log_every;
                if (logged) mix_logged_at_ = view.t;
                return Said{Level::info, "gossip", "mixed with " + (m.with ? name(m.with) : std::string("all")) + "   staleness " + std::to_string(m.staleness) +
                                                       " steps  distance " + (m.norm > 0 ? record::format_percent(distance_) : std::string("-")) + "  " +
                                                       record::format_bytes(static_cast<double>(m.bytes)) + " in " + record::format_seconds(seconds(m.took)), logged};
            },
            [&](const gossip::Failed& f) -> Words {
                if (f.why == gossip::Failure::no_graph)
                    return Said{Level::warn, "gossip", "the graph's file is for another number of nodes than are on the roll: training goes on without mixing"};
                static constexpr const char* why[] = {"it declined", "no answer in time", "its bulk port cannot be reached", "it is gone", "it has another layout", "", "its model lies too far from ours"};
                const bool logged = f.why != gossip::Failure::declined && f.why != gossip::Failure::partner_gone;
                return Said{Level::warn, "gossip", "no exchange with " + name(f.with) + ": " + why[static_cast<int>(f.why)], logged};
            },
            [](const gossip::Skipped&) -> Words { return std::nullopt; },
            [&](const gossip::RollFormed& r) -> Words { return Said{Level::info, "exchange", "number " + std::to_string(r.rank + 1) + " of " + std::to_string(r.size) + " on roll " + std::to_string(r.epoch)}; },
            [](const gossip::TrainedSome&) -> Words { return std::nullopt; },
            [&](const gossip::Tallied& t) -> Words {
                if (!t.loss) return Said{Level::info, "cluster", "consensus distance " + record::format_short(t.consensus->distance) + " over all peers"};
                return Said{Level::info, "cluster", text("loss %.3f", *t.loss) + (t.accuracy ? text("  accuracy %.3f  worst %.3f", *t.accuracy, t.worst_accuracy.value_or(0)) : std::string()) +
                                                        "  over all peers"};
            },
            [](const gossip::Fetched& f) -> Words {
                if (!f.whole) return Said{Level::warn, "gossip", "nobody gave us the others' model: catching up by mixing"};
                return Said{Level::info, "gossip", "has the others' model: " + record::format_bytes(static_cast<double>(f.bytes)) + " in " + std::to_string(f.pieces) + (f.pieces == 1 ? " piece" : " pieces") + " from " +
                                                       std::to_string(f.donors) + (f.donors == 1 ? " member" : " members") + ", " + record::format_seconds(seconds(f.took)) + " after the start"};
            },
            [](const gossip::Collected&) -> Words { return std::nullopt; },
            [](const gossip::Finished&) -> Words { return Said{Level::info, "exchange", "all that was to be mixed is mixed", false}; },
            [](const Order&) -> Words { return std::nullopt; },
        },
        event);
}

// Records change with every half minute of steps; to people that is none, but whether the member is degraded is.
bool Reporter::changed_for_people(const View& view, const membership::Changed& changed) {
    return view.book->degraded(changed.record) ? degraded_.insert(changed.peer).second : degraded_.erase(changed.peer) > 0;
}

void Reporter::log_event(const Said& said, const std::optional<record::RunEvent>& event) {
    const auto* about = event ? &*event : nullptr;
    if (!said.logged) return log_unheard(Level::debug, said.area, said.text, about);
    if (std::string_view(said.area) != "members") return log_unheard(said.level, said.area, said.text, about);
    if (t_ - second_began_ >= 1) {
        second_began_ = t_;
        lines_this_second_ = 0;
    }
    if (++lines_this_second_ <= most_lines_a_second) log_unheard(said.level, said.area, said.text, about);
    else ++lines_left_out_;
}

// To the journal, as a line of events.jsonl with what people are told.
void Reporter::write_down(record::RunEvent line, const Said& said, bool often) {
    line.fields.emplace_back("unix_time", unix_now());
    line.fields.emplace_back("level", std::string(word(said.level)));
    line.fields.emplace_back("area", std::string(said.area));
    line.fields.emplace_back("text", said.text);
    journal_.add(line.kind, record::to_json(line), often);
}

void Reporter::told(const View& view, const Peer::Event& event) {
    t_ = view.t;
    std::visit(Cases{
                   [&](const membership::Suspected& s) {
                       ++happened_.suspected;
                       accusers_[s.peer] = s.accuser;
                   },
                   [&](const membership::Refuted& r) {
                       ++happened_.refuted;
                       accusers_.erase(r.peer);
                   },
                   [&](const membership::Gone& g) {
                       ++(g.why == membership::Standing::left ? happened_.left : happened_.dead);
                       accusers_.erase(g.peer);
                       degraded_.erase(g.peer);
                   },
                   [&](const membership::Joined& j) {
                       ++happened_.joined;
                       if (view.book->degraded(j.record)) degraded_.insert(j.peer);
                   },
                   [&](const gossip::MixedWith& m) {
                       ++mixes_;
                       tally_.mixed(m.staleness);
                       staleness_ = m.staleness;
                       if (m.norm > 0) distance_ = m.distance / m.norm;
                       history_.mixed(static_cast<double>(m.staleness), m.norm > 0 ? std::optional(distance_) : std::nullopt);
                       partners_.mixed(view.t, m);
                       took_.add(seconds(m.took));
                   },
                   [&](const gossip::Failed& f) {
                       ++failures_;
                       clipped_ += f.why == gossip::Failure::clipped;
                       tally_.failed(static_cast<record::ExchangeTally::Failure>(f.why));
                       partners_.failed(view.t, f);
                   },
                   [&](const gossip::Skipped&) {
                       ++skipped_;
                       tally_.skipped();
                   },
                   [&](const gossip::TrainedSome& t) {
                       steps_ += t.steps;
                       loss_ = t.loss;
                   },
                   [](const auto&) {},
               },
               event);
    const auto* changed = std::get_if<membership::Changed>(&event);
    if (changed && !changed_for_people(view, *changed)) return;
    const auto said = words_for(view, event);
    auto line = chronicle::event_of(view.t, options_.name, event, [&](PeerId id) { return name_of(id, view); });
    if (said) log_event(*said, line);
    if (!line) return;
    if (changed) line->fields.emplace_back("degraded", view.book->degraded(changed->record));
    if (said) write_down(*line, *said, std::holds_alternative<gossip::MixedWith>(event) || std::holds_alternative<gossip::Failed>(event));
    if (files_) {
        files_->event(*line);
        fault();
    }
}

void Reporter::used(double samples) {
    samples_ += samples;
    const std::size_t rows = metadata_.rows > 0 ? metadata_.rows : all_rows_;
    if (rows > 0) epochs_ += samples / static_cast<double>(rows);
}

void Reporter::dealt(const View& view, const Sharding::Deal& deal, std::size_t all) {
    t_ = view.t;
    const bool alone = metadata_.rows == 0 && deal.rows.size() == all;
    metadata_.rows = static_cast<std::uint32_t>(deal.rows.size());
    if (alone) return;
    record::RunEvent line;
    line.t = view.t;
    line.peer = options_.name;
    line.kind = "resharded";
    line.fields = {{"rows", static_cast<double>(deal.rows.size())}, {"blocks", static_cast<double>(deal.blocks)}, {"members", static_cast<double>(deal.members)}};
    const Said said{Level::info, "data", "trains on " + std::to_string(deal.rows.size()) + " of " + std::to_string(all) + " rows, " + std::to_string(deal.blocks) + " blocks of " +
                                             std::to_string(gossip::data_blocks) + "; " + std::to_string(deal.members) + " share them"};
    log_event(said, line);
    write_down(line, said, false);
    if (!files_) return;
    files_->event(line);
    fault();
}

std::string Reporter::metadata() {
    if (metadata_.level != gossip::takes_none) metadata_.level = gossip::speed_level(rates().samples, metadata_.level);
    return pack(metadata_now());
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
    record::Sample& s = evaluations_.emplace_back();
    s.loss = evaluation.loss;
    s.accuracy = evaluation.accuracy;
    if (evaluations_.size() > 5) evaluations_.erase(evaluations_.begin());
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
    if (const auto cluster = view.peer->cluster()) {
        s.cluster_loss = cluster->loss;
        s.cluster_accuracy = cluster->accuracy;
        s.cluster_worst_accuracy = cluster->worst_accuracy;
        if (cluster->consensus) s.consensus_distance = cluster->consensus->distance, s.consensus_relative = cluster->consensus->relative;
    }
    s.steps = static_cast<double>(steps_);
    s.samples = samples_;
    if (metadata_.rows > 0) s.shard_rows = metadata_.rows;
    if (metadata_.rows > 0 || all_rows_ > 0) s.epochs = epochs_;
    if (uses_over_ > 0) s.samples_per_epoch = uses_ / uses_over_;
    const auto& bulk = view.traffic.bulk;
    s.bytes_payload = static_cast<double>(view.traffic.body_bytes_out);
    s.bytes_control = static_cast<double>(view.traffic.control.bytes_out + bulk.bytes_out - view.traffic.body_bytes_out);
    s.refused_mixes = static_cast<double>(refused_ + clipped_);
    s.messages = static_cast<double>(view.traffic.control.frames_out + view.traffic.parcels_out);
    if (config_.exchange.kind == config::ExchangeKind::push_sum) {
        const auto mass = view.peer->mass();
        s.mass = mass.held, s.mass_lost = mass.lost;
    }
    return s;
}

void Reporter::sample(const View& view) {
    t_ = view.t;
    if (all_rows_ > 0 && metadata_.rows > 0) {
        const double passed = uses_over_ > 0 ? view.t - uses_at_ : 1e-9;
        uses_ += passed * uses_of_a_row(*view.book, view.peer->members(), metadata_.rows, all_rows_);
        uses_over_ += passed;
        uses_at_ = view.t;
    }
    const record::Sample s = sample_of(view);
    readings_.push_back({view.t, samples_, view.traffic, view.times});
    while (readings_.size() > 2 && readings_[1].t <= view.t - rates_over) readings_.pop_front();
    const auto self = view.peer->members().self();
    if (view.book->degraded(self) != degraded_self_) {
        degraded_self_ = !degraded_self_;
        if (degraded_self_)
            log(Level::warn, "members", "our own links are bad (" + std::to_string(view.book->failing(self)) + " % of our last pings failed): the others do not mix with us for now. A firewall, a full line?");
        else log(Level::info, "members", "our links are no worse than those of others again");
    }
    if (lines_left_out_ > 0 && t_ - second_began_ >= 1) {
        log(Level::info, "members", "... and " + std::to_string(lines_left_out_) + " lines more about members: 'grapevine monitor' shows them as they come");
        lines_left_out_ = 0;
    }
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
    if (event_file_) {
        event_file_->sample(s, s.unix_time.value_or(0));
        if (const auto error = event_file_->fault()) log(Level::error, "files", error->what + ": " + error->hint + " (training goes on)");
    }
    history_.add(point_of(s));
    if (status_) show(view, s);
}

History::Point Reporter::point_of(const record::Sample& s) const {
    const StatusFacts::Rates now = rates();
    History::Point p{s.t, s.unix_time, s.loss, s.accuracy, {}, s.cluster_loss, s.cluster_accuracy, s.cluster_worst_accuracy, s.consensus_relative, {}, {}, {}, {}, {}, {}, {}, {}, s.peers_alive};
    if (steps_ > 0) p.training_loss = loss_;
    if (readings_.size() < 2) return p;
    p.samples_per_second = now.samples;
    p.bytes_sent_per_second = now.bytes_out;
    p.bytes_received_per_second = now.bytes_in;
    const auto &a = readings_.front(), &b = readings_.back();
    const double passed = std::max(b.t - a.t, 1e-3);
    p.training = std::min(1.0, seconds(b.times.training - a.times.training) / passed);
    p.mixing = std::min(1.0, seconds(b.times.mixing - a.times.mixing) / passed);
    p.waiting = std::max(0.0, 1 - *p.training - *p.mixing - seconds(b.times.evaluating - a.times.evaluating) / passed);
    return p;
}

std::string Reporter::quality() const {
    const double loss = evaluated_ ? evaluation_.loss : loss_;
    std::string line = text("  loss %.3f", loss);
    if (evaluation_.accuracy) line += text("  accuracy %.3f", *evaluation_.accuracy);
    if (const auto q = record::quality(config::measure_of(config_), loss)) line += std::string("  ") + q->name + text(" %.3f", q->value);
    return line;
}

void Reporter::log_training(const View& view) {
    const double rate = (samples_ - samples_logged_) / std::max(view.t - train_logged_at_, 1e-9);
    train_logged_at_ = view.t;
    samples_logged_ = samples_;
    const double training = seconds(view.times.training), mixing = seconds(view.times.mixing);
    const double all = std::max(view.t - seconds(view.times.evaluating), 1e-9);
    std::string line = "step " + std::to_string(steps_) + quality();
    if (evaluated_ && steps_evaluated_at_ < steps_logged_) line += " (at step " + std::to_string(steps_evaluated_at_) + ")";  // and not since the line before
    steps_logged_ = steps_;
    line += "  " + record::format_count(rate) + " samples/s";
    line += text("  local %.0f %%  mixing %.0f %%  waiting %.0f %%", 100 * training / all, 100 * mixing / all,
                 std::max(0.0, 100 - 100 * (training + mixing) / all));
    log(Level::info, "train", line);
}

StatusFacts::Rates Reporter::rates() const {
    if (readings_.size() < 2) return {};
    const Reading &then = readings_.front(), &now = readings_.back();
    const double passed = std::max(now.t - then.t, 1e-3);
    const auto rate = [&](std::uint64_t a, std::uint64_t b) { return static_cast<double>(b - a) / passed; };
    const auto &a = then.traffic, &b = now.traffic;
    return {(now.samples - then.samples) / passed, rate(a.control.frames_out + a.parcels_out, b.control.frames_out + b.parcels_out),
            rate(a.control.frames_in + a.parcels_in, b.control.frames_in + b.parcels_in),
            rate(a.control.bytes_out + a.bulk.bytes_out, b.control.bytes_out + b.bulk.bytes_out),
            rate(a.control.bytes_in + a.bulk.bytes_in, b.control.bytes_in + b.bulk.bytes_in)};
}

Metadata Reporter::metadata_now() const {
    Metadata m = metadata_;
    m.steps = steps_;
    m.speed = static_cast<float>(rates().samples);
    return m;
}

StatusFacts Reporter::facts(const View& view) const {
    StatusFacts facts;
    facts.name = options_.name;
    facts.version = options_.version;
    facts.run = run_;
    facts.run_name = config_.name;
    facts.phase = view.phase;
    if (const auto ahead = view.peer->members().others_ahead()) facts.clock_offset = seconds(*ahead);
    facts.device = device_;
    facts.exchange = config::to_string(config_.exchange.kind);
    facts.model = std::string(config::to_string(config_.model.kind)) + (config_.model.needs_data() ? " on " + config_.data.set : "");
    facts.directory = directory_;
    facts.self = self_;
    facts.status_host = options_.status_host;
    facts.status_port = status_port();
    facts.mixes = mixes_;
    facts.counts = tally_.counts();
    facts.failures = failures_;
    facts.skipped = skipped_;
    facts.refused = refused_;
    facts.staleness = staleness_;
    facts.distance = distance_;
    facts.training_loss = loss_;
    facts.times = view.times;
    facts.rates = rates();
    facts.metadata = metadata_now();
    return facts;
}

std::string Reporter::members(const View& view) const { return members_json(facts(view), unix_now(), view.peer->members(), *view.book, accusers_); }
std::string Reporter::links(const View& view) const { return partners_.json(view.t, options_.name, view.traffic, view.peer->members(), *view.book); }
std::string Reporter::info(const View& view) const { return info_json(facts(view), sample_of(view), view.peer->members(), *view.book); }

void Reporter::show(const View& view, const record::Sample& sample) {
    const StatusFacts now = facts(view);
    StatusPages pages;
    pages.status = status_json(now, sample);
    pages.config = config::to_toml(config_);
    pages.ready = steps_ > 0;
    pages.metrics = prometheus_text(now, {took_, tally_.staleness(), happened_, view.checkpoint_age, view.checkpoints_failed, pages.ready}, sample, view.traffic, view.peer->members(), *view.book);
    status_->show(std::move(pages));
}

void Reporter::finish(const View& view, bool reached_target) {
    if (evaluated_) log(Level::info, "train", record::format_count(static_cast<double>(steps_)) + " steps, " + record::format_count(samples_) + " samples; at step " + std::to_string(steps_evaluated_at_) + quality());
    if (!files_) return;
    record::Summary s;
    s.name = config_.name;
    s.seed = config_.seed;
    s.exchange = config::to_string(config_.exchange.kind);
    s.measure = config::measure_of(config_);
    s.peers = first_ ? static_cast<std::uint64_t>(first_->peers_alive.value_or(1)) : 1;
    s.peers_max = s.peers;
    s.wall_seconds = view.t;
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto of = [](const timeval& t) { return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec); };
    s.cpu_seconds = of(usage.ru_utime) + of(usage.ru_stime);
    s.peak_bytes = static_cast<double>(usage.ru_maxrss) * 1024;
    s.final = sample_of(view);
    s.last5 = record::last_five(evaluations_);
    s.exchange_counts = tally_.counts();
    s.staleness = tally_.staleness();
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
