#include "grapevine/sim/run/run.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <sys/resource.h>
#include <unistd.h>

#include "grapevine/config/measure.hpp"
#include "grapevine/learn/encoding.hpp"
#include "grapevine/learn/stand_in_learner.hpp"
#include "grapevine/sim/run/expects.hpp"
#include "energy.hpp"
#include "happenings.hpp"
#include "length.hpp"
#include "measure.hpp"
#include "sharding.hpp"
#include "split_rounds.hpp"
#include "views.hpp"

namespace grapevine::sim {

namespace {

using WallClock = std::chrono::steady_clock;
constexpr std::size_t most_events = 500'000;            // lines of events.jsonl
constexpr double average_over = 100;                     // steps: half-life of the moving average of what is agreed on
constexpr std::uint64_t fewest_for_shards = 2000;        // peers: below it a window holds too little

std::uint64_t peers_of(const config::Config& config) {
    std::uint64_t peers = 0;
    for (const config::Group& group : config.groups) peers += group.count;
    return peers;
}

std::string hex(std::uint64_t x) {
    char text[17];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(x));
    return text;
}

double wall_since(WallClock::time_point then) { return std::chrono::duration<double>(WallClock::now() - then).count(); }

double cpu_seconds(bool all_threads) {  // else of this one: others may be running other scenarios
    rusage usage{};
    getrusage(all_threads ? RUSAGE_SELF : RUSAGE_THREAD, &usage);
    const auto s = [](const timeval& t) { return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec); };
    return s(usage.ru_utime) + s(usage.ru_stime);
}

double peak_bytes() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return static_cast<double>(usage.ru_maxrss) * 1024;
}

double resident_bytes() {
    long pages = 0, resident = 0;
    if (std::FILE* f = std::fopen("/proc/self/statm", "r")) {
        if (std::fscanf(f, "%ld %ld", &pages, &resident) != 2) resident = 0;
        std::fclose(f);
    }
    return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

}  // namespace

// One run: the world, what happens to it, and what is written down of it.
class Run {
public:
    explicit Run(const RunRequest& request)
        : request_(request), config_(request.config), resident_before_(resident_bytes()),
          tallies_(std::max(1u, request.threads)), world_(options()),
          population_(config_, request.task, world_) {
        population_.start();
        happenings_.emplace(config_, population_, world_, watch_);
        sharding_.emplace(config_, request.task, world_, population_);
        model_bytes_ = world_.learner(0).size() * bytes_per_element(world_.learner(0).encoding());
    }

    RunResult go() {
        peers_max_ = world_.up_count();
        compares_views_ = compares_views();
        const std::size_t peers_at_start = world_.up_count();
        sample(Instant{});
        const Instant end{length_of(config_)};
        Instant next_sample = Instant{config_.metrics.every};
        RunResult result;
        while (!over_) {
            Instant next = std::min(end, next_sample);
            if (const auto deed = happenings_->next()) next = std::min(next, *deed);
            if (const auto look = sharding_->next()) next = std::min(next, *look);
            if (!advance(next)) {
                result.stopped = interrupted_ = !world_.violation();
                break;
            }
            std::vector<record::RunEvent> events;
            happenings_->do_due(next, events);
            for (const record::RunEvent& e : events) {
                write(e);
                for (Onlooker* onlooker : request_.onlookers) onlooker->happened(e);
            }
            peers_max_ = std::max(peers_max_, world_.up_count());
            if (sharding_->next() == next) sharding_->look(next);
            if (next == next_sample) next_sample += config_.metrics.every;
            else if (next != end) continue;
            world_.run_until(next);  // what a deed of this very instant has caused
            drain();
            world_.look_at_views();
            const bool last = next == end || all_made_their_steps() || (world_.up_count() == 0 && !happenings_->next());
            sample(next, last);
            over_ = last || (config_.train.target && config_.train.target->stop && reached(*config_.train.target, samples_));
        }
        if (samples_.empty() || samples_.back().t < seconds(world_.now())) sample(world_.now(), true);
        if (over_ && request_.inspector && !violation()) found_ = request_.inspector->ended(world_);
        if (violation()) {
            result.violation = violation();
            const Violation& v = *result.violation;
            write({seconds(v.at), name_of(id_of(v.peer), world_), "violated", "", {{"what", v.what}}});
        }
        for (Onlooker* onlooker : request_.onlookers) onlooker->ended(world_.now());
        result.summary = summarise(peers_at_start);
        result.samples = std::move(samples_);
        if (live_ == everything) result.merged = merged_model(world_, crew_);
        return result;
    }

private:
    World::Options options() {
        World::Options o;
        o.seed = config_.seed;
        o.network = Network(config_.groups, config_.links, config_.seed);
        o.tap = taps();
        o.believable = learn::well_formed;
        o.average_over = evaluates() ? average_over : 0;
        o.notable = [this](std::uint32_t shard, const Peer::Event& event) { return notable(shard, event); };
        o.metered = std::any_of(config_.groups.begin(), config_.groups.end(), [](const auto& g) { return g.power.has_value(); });
        o.crew = request_.crew;
        if (!request_.inspector && peers_of(config_) >= fewest_for_shards) o.shards = std::max(1u, request_.threads);
        return o;
    }

    Tap* taps() {
        if (request_.tap) taps_.add(request_.tap);
        for (Onlooker* onlooker : request_.onlookers) taps_.add(onlooker);
        return taps_.empty() ? nullptr : &taps_;
    }

    // What is only counted is counted at once: a large world tells much.
    bool notable(std::uint32_t shard, const Peer::Event& event) {
        record::ExchangeTally& tally = tallies_[shard].of;
        const bool wanted = request_.files && events_written_ <= most_events;
        return std::visit(Cases{
                              [](const membership::Reachable&) { return false; },
                              [](const membership::Unreachable&) { return false; },
                              [](const membership::EchoWanted&) { return false; },
                              [](const membership::ProbeFailed&) { return true; },
                              [](const membership::Suspected&) { return true; },
                              [](const membership::Gone&) { return true; },
                              [](const membership::Departed&) { return true; },
                              [&](const gossip::MixedWith& mixed) {
                                  tally.mixed(mixed.staleness);
                                  return wanted || counts_split_rounds();
                              },
                              [&](const gossip::Failed& failed) {
                                  tally.failed(static_cast<record::ExchangeTally::Failure>(failed.why));
                                  return wanted || counts_split_rounds();
                              },
                              [&](const gossip::Skipped&) {
                                  tally.skipped();
                                  return false;
                              },
                              [](const gossip::TrainedSome&) { return false; },
                              [&](const auto&) { return wanted; },
                          },
                          event);
    }

    bool counts_split_rounds() const {
        return config_.exchange.kind == config::ExchangeKind::group || config_.exchange.kind == config::ExchangeKind::outer;
    }

    const std::optional<Violation>& violation() const { return world_.violation() ? world_.violation() : found_; }

    bool inspect(Instant to) {
        for (std::uint64_t n = 1; world_.run_one(to); ++n) {
            found_ = request_.inspector->after(world_);
            if (violation()) return false;
            if (n % 65536 == 0) drain();
        }
        world_.run_until(to);
        drain();
        return !violation();
    }

    bool advance(Instant to) {
        if (request_.inspector) return inspect(to);
        constexpr double often = 0.05;  // s between two looks at what else there is
        for (bool there = false; !there;) {
            const auto began = WallClock::now();
            there = world_.run_some(to, at_once_);
            const double took = wall_since(began);
            at_once_ = std::clamp<std::uint64_t>(static_cast<std::uint64_t>(static_cast<double>(at_once_) * std::clamp(often / std::max(took, 1e-6), 0.25, 4.0)), 64, 1 << 20);
            drain();  // or a long interval's notes fill the memory
            if ((request_.stop && request_.stop->load()) || world_.violation()) return false;
            report_progress();
        }
        return true;
    }

    void report_progress() {
        if (!request_.progress || wall_since(last_report_) < 0.2) return;
        last_report_ = WallClock::now();
        Progress p;
        p.simulated_seconds = seconds(world_.now());
        p.wall_seconds = wall_since(began_);
        p.of_seconds = config_.until_steps && !config_.until ? 0 : seconds(length_of(config_));
        p.events_per_second = static_cast<double>(world_.counters().inputs) / std::max(p.wall_seconds, 1e-3);
        p.peers_up = world_.up_count();
        p.last = samples_.empty() ? nullptr : &samples_.back();
        request_.progress(p);
    }

    void drain() {
        for (const Note& note : world_.take_notes()) {
            watch_.see(note, world_);
            if (std::holds_alternative<membership::Departed>(note.event)) population_.gone(note.peer);
            split_rounds_.see(note);
            if (!request_.files) continue;
            if (const auto event = event_of(note, world_)) write(*event);
        }
    }

    void write(const record::RunEvent& event) {
        if (!request_.files || events_written_ > most_events) return;
        if (events_written_++ == most_events) {
            request_.files->event({event.t, "", "truncated", "", {}});
            return;
        }
        request_.files->event(event);
    }

    // Models that are never trained have nothing to evaluate.
    bool evaluates() const { return config_.model.kind != config::ModelKind::average && config_.train.compute != config::Compute::none; }

    bool makes_offers() const {
        using enum config::ExchangeKind;
        return config_.exchange.kind == gossip || config_.exchange.kind == epidemic || config_.exchange.kind == push_sum;
    }

    std::vector<std::uint32_t> to_evaluate(std::size_t most) const {
        if (!evaluates()) return {};
        std::vector<std::uint32_t> up;
        for (std::uint32_t i = 0; i < world_.size(); ++i)
            if (world_.up(i) && !world_.lies(i)) up.push_back(i);
        if (up.size() <= most) return up;
        // The same ones each time, as long as they live: ordered by a draw that belongs to the peer.
        const Random draws = Random(config_.seed).split(0x6576616c);
        std::sort(up.begin(), up.end(), [&](std::uint32_t a, std::uint32_t b) { return draws.split(a).bits() < draws.split(b).bits(); });
        up.resize(most);
        std::sort(up.begin(), up.end());
        return up;
    }

    bool holds_a_few() const {
        return config_.membership.kind != config::MembershipKind::swim && config_.membership.kind != config::MembershipKind::fixed;
    }

    // n^2 entries at each sample: where that is nothing, or where it is asked for.
    bool compares_views() const {
        if (config_.metrics.views) return *config_.metrics.views;
        return world_.size() <= 256 || std::any_of(config_.expects.begin(), config_.expects.end(), [](const auto& e) { return config::is_of_views(e.metric); });
    }

    bool all_made_their_steps() const {
        if (!config_.until_steps) return false;
        for (std::uint32_t i = 0; i < world_.size(); ++i)
            if (world_.up(i) && world_.steps(i) < *config_.until_steps) return false;
        return true;
    }

    void sample(Instant at, bool last = false) {
        const bool evaluate_now = last || at >= next_evaluation_;
        if (at >= next_evaluation_) next_evaluation_ = at + config_.metrics.evaluate_every;
        const Measured m = measure(world_, evaluate_now ? to_evaluate(last && !interrupted_ ? 1000 : config_.metrics.evaluate_peers) : std::vector<std::uint32_t>{},
                                   crew_, live_);
        const Counters& c = world_.counters();
        record::Sample s;
        s.t = seconds(at);
        s.peers_alive = static_cast<double>(world_.up_count());
        if (world_.up_count() > 0 && live_ > 0) s.consensus_distance = m.consensus_distance;
        s.consensus_relative = m.consensus_relative;
        if (!config_.model.needs_data() && !m.mean.empty()) s.mean = m.mean;
        s.loss = m.loss;
        s.accuracy = m.accuracy;
        s.worst_accuracy = m.worst_accuracy;
        s.merged_loss = m.merged_loss;
        s.merged_accuracy = m.merged_accuracy;
        if (evaluate_now && evaluates()) s.evaluated_peers = static_cast<double>(m.evaluated);
        if (tallies()) tally(m, s);
        s.steps = static_cast<double>(c.steps);
        s.samples = c.samples;
        sharding_->count(at, c.samples);
        s.shard_rows = sharding_->rows(), s.epochs = sharding_->epochs(), s.samples_per_epoch = sharding_->uses();
        s.bytes_payload = static_cast<double>(c.bytes_payload);
        s.bytes_control = static_cast<double>(c.bytes_control);
        s.messages = static_cast<double>(c.messages);
        if (config_.exchange.kind == config::ExchangeKind::push_sum) s.mass = m.mass, s.mass_lost = m.mass_lost, s.push_sum_potential = m.push_sum_potential;
        s.refused_mixes = static_cast<double>(c.refused_mixes);
        s.energy_joules = energy(world_, config_.groups);
        if (compares_views_) {
            const Views views = look_at_views(world_, watch_, holds_a_few());
            s.views_full = views.full;
            s.disagreements = views.disagreements;
            s.suspects = views.suspects;
            s.largest_component = views.largest_component;
            if (views.full != 1.0) views_full_since_.reset();
            else if (!views_full_since_) views_full_since_ = s.t;
        }
        if (request_.files) request_.files->sample(s);
        for (Onlooker* onlooker : request_.onlookers) onlooker->sampled(s);
        samples_.push_back(std::move(s));
    }

    bool tallies() const { return config_.metrics.tally.value_or(Duration::zero()) > Duration::zero(); }

    // Who was evaluated knows it, as a node does. What peers believe is of some while ago: of the epoch before.
    void tally(const Measured& m, record::Sample& s) {
        for (const auto& [peer, evaluation] : m.evaluations) world_.observe(peer, evaluation);
        double loss = 0, accuracy = 0, worst = 0, error = 0, distance = 0, relative = 0;
        std::size_t with_loss = 0, with_accuracy = 0, with_distance = 0, with_relative = 0;
        for (std::uint32_t i = 0; i < world_.size(); ++i) {
            if (!world_.up(i)) continue;
            const auto believed = world_.peer(i).cluster();
            if (!believed) continue;
            if (const auto& consensus = believed->consensus) {
                ++with_distance;
                distance += consensus->distance;
                if (consensus->relative) ++with_relative, relative += *consensus->relative;
            }
            if (!believed->loss) continue;
            ++with_loss;
            loss += *believed->loss;
            if (m.loss) error = std::max(error, std::abs(*believed->loss - *m.loss) / std::abs(*m.loss));
            if (!believed->accuracy) continue;
            ++with_accuracy;
            accuracy += *believed->accuracy;
            worst += believed->worst_accuracy.value_or(0);
        }
        if (with_distance > 0) s.cluster_consensus_distance = distance / static_cast<double>(with_distance);
        if (with_relative > 0) s.cluster_consensus_relative = relative / static_cast<double>(with_relative);
        if (with_loss == 0) return;
        s.cluster_loss = loss / static_cast<double>(with_loss);
        if (m.loss && with_loss == world_.up_count()) s.tally_error = error;
        if (with_accuracy == 0) return;
        s.cluster_accuracy = accuracy / static_cast<double>(with_accuracy);
        s.cluster_worst_accuracy = worst / static_cast<double>(with_accuracy);
    }

    record::Summary summarise(std::size_t peers_at_start) {
        record::Summary s;
        const Counters& c = world_.counters();
        s.name = config_.name;
        s.seed = config_.seed;
        s.exchange = config::to_string(config_.exchange.kind);
        s.measure = config::measure_of(config_);
        if (config_.model.has_stand_in()) s.compute = config::to_string(config_.train.compute);
        s.estimate = request_.estimate;
        s.peers = peers_at_start;
        s.peers_max = peers_max_;
        s.simulated_seconds = seconds(world_.now());
        s.interrupted = interrupted_;
        s.wall_seconds = wall_since(began_);
        s.cpu_seconds = cpu_seconds(request_.crew) - cpu_began_;
        s.events = static_cast<double>(c.inputs);
        if (*s.cpu_seconds > 0) s.events_per_cpu_second = *s.events / *s.cpu_seconds;
        s.peak_bytes = peak_bytes();
        const double model = static_cast<double>(model_bytes_);
        s.bytes_per_peer = std::max(0.0, (resident_bytes() - resident_before_) / static_cast<double>(std::max<std::size_t>(world_.size(), 1)) - model);
        s.final = samples_.back();
        s.last5 = record::last_five(samples_);
        for (std::uint32_t i = 0; i < world_.size() && !world_.averaged().empty(); ++i) {
            if (!world_.up(i)) continue;
            const Evaluation e = world_.learner(i).evaluate(frozen(world_.learner(i), world_.averaged()));
            s.ema_loss = e.loss;
            s.ema_accuracy = e.accuracy;
            break;
        }
        if (const auto& target = config_.train.target) {
            s.target = record::TargetResult{target->metric, target->value, {}, {}, {}};
            if (const auto i = reached(*target, samples_)) {
                const record::Sample& at = samples_[*i];
                s.target->reached_at_seconds = at.t;
                s.target->reached_at_samples = at.samples;
                s.target->reached_at_bytes = *at.bytes_payload + *at.bytes_control;
            }
        }
        const World::Shares shares = world_.time_shares();
        s.time = {shares.computing, shares.mixing, shares.waiting};
        record::ExchangeTally tally;
        for (const Tally& t : tallies_) tally += t.of;
        s.exchange_counts = tally.counts();
        if (c.offers > 0 || makes_offers()) s.exchange_counts.started = static_cast<double>(c.offers);
        s.staleness = tally.staleness();
        s.membership = watch_.figures(world_, config_.membership.period);
        s.membership.views_full_at_seconds = views_full_since_;
        const auto count = [](std::uint64_t n) { return static_cast<double>(n); };
        s.network = {count(c.lost), count(c.garbled), count(c.misread), count(c.shut_out)};
        if (counts_split_rounds()) s.split_rounds = static_cast<double>(split_rounds_.count());
        s.trace_hash = hex(world_.trace_hash());
        if (live_ > 0) s.model_hash = hex(model_hash(world_, live_));
        for (const config::Expect& expect : config_.expects) s.expects.push_back(judge(expect, samples_, s));
        s.version = request_.version;
        s.command = request_.command;
        return s;
    }

    const RunRequest& request_;
    const config::Config& config_;
    const WallClock::time_point began_ = WallClock::now();
    const double cpu_began_ = cpu_seconds(request_.crew);
    double resident_before_;
    struct alignas(64) Tally {
        record::ExchangeTally of;
    };
    std::vector<Tally> tallies_;  // of each shard
    Taps taps_;
    Alone alone_;
    Crew& crew_ = request_.crew ? *request_.crew : alone_;
    World world_;
    Population population_;
    Watch watch_;
    SplitRounds split_rounds_;
    std::optional<Happenings> happenings_;
    std::optional<Sharding> sharding_;
    std::optional<Violation> found_;  // by the inspector
    std::vector<record::Sample> samples_;
    Instant next_evaluation_{};
    // Parameters that are not the same for ever: a stand-in has few.
    const std::uint64_t live_ = config_.train.compute == config::Compute::real ? everything : learn::StandInLearner::live(config_.train.compute);
    std::size_t peers_max_ = 0;
    std::uint64_t model_bytes_ = 0;
    std::size_t events_written_ = 0;
    bool over_ = false, interrupted_ = false;
    bool compares_views_ = false;
    std::optional<double> views_full_since_;  // until the last sample
    std::uint64_t at_once_ = 256;  // inputs
    WallClock::time_point last_report_{};
};

RunResult run(const RunRequest& request) { return Run(request).go(); }

}  // namespace grapevine::sim
