#include "local_compare.hpp"

#include <algorithm>
#include <csignal>
#include <fstream>
#include <map>

#include "exit_codes.hpp"
#include "grapevine/portable_math.hpp"
#include "grapevine/random.hpp"
#include "local_cluster.hpp"
#include "models.hpp"

namespace grapevine::cli {

namespace {

constexpr std::uint32_t most_processes = 16;

double mean_of(const config::Distribution& d) {
    using K = config::Distribution::Kind;
    switch (d.kind) {
        case K::uniform: return (d.a + d.b) / 2;
        case K::shifted_exponential: return d.a + d.b;
        case K::lognormal: return d.a * portable::exp(d.b * d.b / 2);
        case K::pareto: return d.b > 1 ? d.a * d.b / (d.b - 1) : d.a;
        case K::trace: {
            double sum = 0;
            for (const double v : d.values) sum += v;
            return d.values.empty() ? 0 : sum / static_cast<double>(d.values.size());
        }
        case K::constant: case K::exponential: case K::normal: case K::weibull: break;
    }
    return d.a;
}

struct Person {
    std::string name;
    std::size_t group;
    std::uint32_t place;
    bool up = true;
};

// One method, one seed, in real time.
class Local {
public:
    Local(const config::Config& config, std::string directory, const sim::CompareRequest& request)
        : config_(config), directory_(std::move(directory)), request_(request), cluster_(directory_) {}

    std::variant<record::Summary, record::Error> run() {
        const double began = steady_seconds();
        for (std::size_t g = 0; g < config_.groups.size(); ++g)
            for (std::uint32_t i = 0; i < config_.groups[g].count; ++i) {
                people_.push_back({config_.groups[g].name + "-" + std::to_string(i), g, i});
                if (config_.exchange.kind == config::ExchangeKind::single) break;
            }
        if (config_.exchange.kind == config::ExchangeKind::single) people_.resize(1);
        planned_ = people_.size();
        for (std::size_t i = 0; i < planned_; ++i)
            if (const auto error = start(i, i == 0 ? "" : cluster_.address(people_[0].name))) return record::Error{error->what, error->hint};
        const double ready = steady_seconds();
        const double until = seconds(config_.until.value_or(std::chrono::seconds(30)));
        std::vector<const config::Event*> events;
        for (const auto& e : config_.events) events.push_back(&e);
        std::stable_sort(events.begin(), events.end(), [](const auto* a, const auto* b) { return a->at < b->at; });
        for (const auto* e : events) {
            while (steady_seconds() - ready < seconds(e->at)) {
                if (request_.stop && request_.stop->load()) return record::Error{"interrupted", ""};
                sleep_for(0.05);
            }
            if (const auto error = happen(*e)) return record::Error{error->what, error->hint};
        }
        // The run's own end; nodes then merge and leave.
        for (const Person& p : people_) {
            if (!p.up) continue;
            while (!cluster_.wait(p.name, 0.2)) {
                if (request_.stop && request_.stop->load()) return record::Error{"interrupted", ""};
                if (steady_seconds() - ready > until + 60) return record::Error{p.name + " does not end", "its log is in " + directory_};
            }
            const int status = *cluster_.wait(p.name, 0);
            if (status != finished && status != missed_target) return record::Error{p.name + " ended with status " + std::to_string(status), "its log is in " + directory_};
        }
        return gather(steady_seconds() - began);
    }

private:
    std::optional<Error> start(std::size_t i, const std::string& join) {
        config::Config mine = config_;
        const config::Group& group = config_.groups[people_[i].group];
        mine.train.pace = std::max(mine.train.pace, from_seconds(mean_of(group.step_time)));
        const std::string file = directory_ + "/" + people_[i].name + ".toml";
        if (const auto error = record::make_directory(directory_)) return Error{error->what, error->hint};
        if (const auto error = record::replace_file(file, config::to_toml(mine))) return Error{error->what, error->hint};
        std::vector<std::string> words{file, "--shard", std::to_string(i % planned_ + 1) + "/" + std::to_string(planned_)};
        if (!join.empty()) words.insert(words.end(), {"--join", join});
        if (const auto error = cluster_.start(people_[i].name, words)) return error;
        return cluster_.wait_until_up(people_[i].name, 30);
    }

    std::vector<std::size_t> pick(const config::Selection& s) {
        std::vector<std::size_t> found;
        for (std::size_t i = 0; i < people_.size(); ++i) {
            const Person& p = people_[i];
            if (!p.up || (s.group != "*" && config_.groups[p.group].name != s.group)) continue;
            if (s.what == config::Selection::What::index && p.place != static_cast<std::uint32_t>(s.number)) continue;
            found.push_back(i);
        }
        std::size_t wanted = found.size();
        if (s.what == config::Selection::What::count) wanted = static_cast<std::size_t>(s.number);
        if (s.what == config::Selection::What::share) wanted = static_cast<std::size_t>(s.number * static_cast<double>(found.size()) + 0.5);
        for (std::size_t i = 0; i < std::min(wanted, found.size()); ++i) std::swap(found[i], found[i + picks_.below(found.size() - i)]);
        found.resize(std::min(wanted, found.size()));
        return found;
    }

    std::optional<Error> happen(const config::Event& e) {
        if (e.kind == config::Event::Kind::join) {
            const auto first = std::find_if(people_.begin(), people_.end(), [](const Person& p) { return p.up; });
            const std::string through = first == people_.end() ? "" : cluster_.address(first->name);
            for (std::uint32_t n = 0; n < e.count; ++n) {
                std::size_t g = 0;
                while (config_.groups[g].name != e.group) ++g;
                std::uint32_t place = 0;
                for (const Person& p : people_) place += p.group == g;
                people_.push_back({e.group + "-" + std::to_string(place), g, place});
                if (const auto error = start(people_.size() - 1, through)) return error;
            }
            return std::nullopt;
        }
        for (const std::size_t i : pick(e.nodes)) {
            cluster_.signal(people_[i].name, e.kind == config::Event::Kind::crash ? SIGKILL : SIGTERM);
            people_[i].up = false;
        }
        return std::nullopt;
    }

    std::variant<record::Summary, record::Error> gather(double wall) {
        record::Summary all;
        all.name = config_.name;
        all.seed = config_.seed;
        all.exchange = config::to_string(config_.exchange.kind);
        all.peers = planned_;
        all.peers_max = people_.size();
        all.wall_seconds = wall;
        all.version = request_.version;
        all.command = request_.command;
        double computing = 0, mixing = 0, waiting = 0, cpu = 0, five = 0;
        bool all_five = true;
        const auto add = [](std::optional<double>& to, std::optional<double> more) {
            if (more) to = to.value_or(0) + *more;
        };
        std::size_t survivors = 0;
        record::Sample& f = all.final;
        f.steps = f.samples = f.bytes_payload = f.bytes_control = f.messages = 0;
        std::vector<std::string> models;
        struct Second {
            double accuracy = 0, loss = 0, worst = 1, count = 0;
        };
        std::map<long, Second> at;  // by unix second, over those who were evaluated in it
        std::map<long, std::pair<double, double>> work_at;      // unix second -> samples, bytes
        double first_time = 0;
        for (const Person& p : people_) {
            const auto loaded = record::load_run(cluster_.directory_of(p.name));
            const auto* run = std::get_if<record::Run>(&loaded);
            if (!run || run->samples.empty()) continue;
            const auto& last = run->samples.back();
            f.steps = *f.steps + last.steps.value_or(0);
            f.samples = *f.samples + last.samples.value_or(0);
            f.bytes_payload = *f.bytes_payload + last.bytes_payload.value_or(0);
            f.bytes_control = *f.bytes_control + last.bytes_control.value_or(0);
            f.messages = *f.messages + last.messages.value_or(0);
            for (const auto& s : run->samples) {
                if (!s.unix_time) continue;
                if (first_time == 0 || *s.unix_time < first_time) first_time = *s.unix_time;
                const long second = static_cast<long>(*s.unix_time);
                work_at[second].first += s.samples.value_or(0);
                work_at[second].second += s.bytes_payload.value_or(0) + s.bytes_control.value_or(0);
                if (!s.loss) continue;
                Second& then = at[second];
                then.accuracy += s.accuracy.value_or(0);
                then.worst = std::min(then.worst, s.accuracy.value_or(0));
                then.loss += *s.loss;
                ++then.count;
            }
            if (!run->summary) continue;
            const record::ExchangeCounts& c = run->summary->exchange_counts;
            for (const auto fate : {&record::ExchangeCounts::mixed, &record::ExchangeCounts::declined, &record::ExchangeCounts::overdue, &record::ExchangeCounts::undelivered,
                                    &record::ExchangeCounts::partner_gone, &record::ExchangeCounts::other_layout, &record::ExchangeCounts::skipped})
                add(all.exchange_counts.*fate, c.*fate);
            for (std::size_t i = 0; i < record::Staleness::bins; ++i) add(all.staleness.counts[i], run->summary->staleness.counts[i]);
            if (!p.up) continue;
            ++survivors;
            all_five = all_five && run->summary->last5.accuracy;
            if (const auto& accuracy = run->summary->last5.accuracy) {
                five += *accuracy;
                all.last5.worst_accuracy = std::min(all.last5.worst_accuracy.value_or(1), *accuracy);
            }
            computing += run->summary->time.computing.value_or(0);
            mixing += run->summary->time.mixing.value_or(0);
            waiting += run->summary->time.waiting.value_or(0);
            cpu += run->summary->cpu_seconds.value_or(0);
            if (last.accuracy) {
                f.accuracy = f.accuracy.value_or(0) + *last.accuracy;
                f.worst_accuracy = std::min(f.worst_accuracy.value_or(1), *last.accuracy);
            }
            if (last.loss) f.loss = f.loss.value_or(0) + *last.loss;
            models.push_back(cluster_.directory_of(p.name) + "/final.safetensors");
            f.t = std::max(f.t, last.t);
        }
        if (survivors == 0) return record::Error{"no node came to its end", "their logs are in " + directory_};
        const auto n = static_cast<double>(survivors);
        if (all_five) all.last5.accuracy = five / n;
        else all.last5.worst_accuracy.reset();
        if (f.accuracy) f.accuracy = *f.accuracy / n;
        if (f.loss) f.loss = *f.loss / n;
        f.peers_alive = f.evaluated_peers = n;
        all.time = {computing / n, mixing / n, waiting / n};
        all.cpu_seconds = cpu;
        if (config_.model.needs_data()) {
            auto merged = load_models(models, config_.data.directory, "");
            if (const auto* error = std::get_if<Error>(&merged)) return record::Error{error->what, error->hint};
            auto& m = std::get<Models>(merged);
            const Evaluation e = m.learner->evaluate(averaged(m.models));
            f.merged_accuracy = e.accuracy;
            f.merged_loss = e.loss;
        }
        if (const auto& target = config_.train.target) {
            all.target = record::TargetResult{target->metric, target->value, {}, {}, {}};
            int hits = 0;
            long since = 0;
            for (const auto& [second, then] : at) {
                const double value = target->metric == "loss" ? then.loss / then.count : target->metric == "worst_accuracy" ? then.worst : then.accuracy / then.count;
                const bool holds = target->at_least ? value >= target->value : value <= target->value;
                if (!holds) hits = 0;
                else if (hits++ == 0) since = second;
                if (hits < 3) continue;
                all.target->reached_at_seconds = static_cast<double>(since) - first_time;
                all.target->reached_at_samples = work_at[since].first;
                all.target->reached_at_bytes = work_at[since].second;
                break;
            }
        }
        return all;
    }

    const config::Config& config_;
    std::string directory_;
    const sim::CompareRequest& request_;
    LocalCluster cluster_;
    std::vector<Person> people_;
    std::size_t planned_ = 0;
    Random picks_ = Random(config_.seed).split(0x7069636b);
};

}  // namespace

std::variant<record::Comparison, record::Error> compare_locally(const sim::CompareRequest& request) {
    std::uint32_t peers = 0;
    for (const auto& g : request.config.groups) peers += g.count;
    if (peers > most_processes) return record::Error{"--real starts a process for each of the " + std::to_string(peers) + " peers", "up to " + std::to_string(most_processes) + "; leave --real out to simulate them"};
    if (!request.config.model.needs_data()) return record::Error{"--real compares models that are trained on data", "leave --real out"};
    if (const auto& target = request.config.train.target; target && target->metric != "accuracy" && target->metric != "worst_accuracy" && target->metric != "loss")
        return record::Error{"of separate processes nobody knows '" + target->metric + "' while they run", "--real can watch accuracy, worst_accuracy or loss; leave --real out to simulate"};
    for (const auto& e : request.config.events)
        if (e.kind != config::Event::Kind::crash && e.kind != config::Event::Kind::leave && e.kind != config::Event::Kind::join)
            return record::Error{std::string("a process cannot be made to '") + config::to_string(e.kind) + "' by --real", "crash, leave and join can; leave --real out to simulate the rest"};
    if (!request.config.churns.empty()) return record::Error{"--real starts each process once, and [churn] wants them to come and go", "take [churn] out, or leave --real out to simulate it"};
    record::Comparison comparison = sim::nothing_yet(request);
    const std::vector<sim::Method> methods = sim::methods_of(request);
    const auto scenes = sim::scenes_of(request);
    const std::string base = request.out.empty() ? "/tmp/grapevine-compare-" + std::to_string(static_cast<long>(steady_seconds() * 1e3)) : request.out;
    std::size_t done = 0;
    for (const auto& [name, scene] : scenes) {
        comparison.scenes.push_back({name, {}});
        for (const sim::Method& method : methods) {
            record::MethodResult result{method.name, {}};
            for (std::uint32_t s = 0; s < request.seeds; ++s) {
                config::Config c = sim::under(scene, method);
                result.learning_rate = c.train.learning_rate;
                c.seed += s;
                if (!c.until && !c.until_steps) c.until = std::chrono::seconds(30);
                if (c.train.target) c.train.target->stop = false;
                auto summary = Local(c, record::run_directory(base, name, result.method, c.seed), request).run();
                if (const auto* error = std::get_if<record::Error>(&summary)) return *error;
                result.runs.push_back(std::get<record::Summary>(std::move(summary)));
                ++done;
                if (request.progress) request.progress(result.method + ", " + name, done, scenes.size() * methods.size() * request.seeds);
            }
            comparison.scenes.back().methods.push_back(std::move(result));
        }
    }
    comparison.notes.push_back("Real processes on one machine: they share its cores, and links are loopback's.");
    return comparison;
}

}  // namespace grapevine::cli
