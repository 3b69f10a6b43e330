#include "grapevine/sim/run/compare.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <mutex>
#include <thread>

#include "grapevine/record/format.hpp"

namespace grapevine::sim {

namespace {

constexpr double validation = 1.0 / 12;            // of the training set: 5,000 of Fashion-MNIST's 60,000
constexpr std::uint64_t tuning_seeds_from = 1000;  // after the first seed of the table

struct Job {
    std::string what;                    // for people
    config::Config config;
    std::string directory;               // empty: nothing is written
    record::Summary summary;
};

// Data and initial parameters by seed, shared by all runs of that seed; sets from files by all runs.
class Tasks {
public:
    std::variant<std::shared_ptr<const learn::Task>, record::Error> of(const config::Config& config) {
        const std::lock_guard lock(mutex_);
        auto& task = by_seed_[{config.seed, config.data.validation}];
        if (!task) {
            const bool of_seed = learn::depends_on_seed(config.data);
            const auto known = sets_.find(config.data.validation);
            auto prepared = learn::prepare(config, known != sets_.end() && !of_seed ? &known->second : nullptr);
            if (auto* error = std::get_if<learn::Error>(&prepared)) return record::Error{error->what, error->hint};
            task = std::get<std::shared_ptr<const learn::Task>>(prepared);
            if (!of_seed) sets_[config.data.validation] = task->sets;
        }
        auto own = std::make_shared<learn::Task>(*task);
        own->pool = std::make_shared<learn::BufferPool>();  // buffers go back and forth within one run
        return std::shared_ptr<const learn::Task>(std::move(own));
    }

private:
    std::mutex mutex_;
    std::map<std::pair<std::uint64_t, double>, std::shared_ptr<const learn::Task>> by_seed_;
    std::map<double, learn::Sets> sets_;
};

// Runs all of them, some at a time.
std::optional<record::Error> run_all(std::vector<Job>& jobs, Tasks& tasks, const CompareRequest& request) {
    std::mutex mutex;
    std::size_t next = 0, done = 0;
    std::optional<record::Error> fault;
    const auto one = [&](Job& job) -> std::optional<record::Error> {
        auto task = tasks.of(job.config);
        if (const auto* error = std::get_if<record::Error>(&task)) return *error;
        std::optional<record::RunFiles> files;
        if (!job.directory.empty()) {
            auto created = record::RunFiles::create(job.directory, config::to_toml(job.config), request.overwrite);
            if (auto* error = std::get_if<record::Error>(&created)) return *error;
            files.emplace(std::move(std::get<record::RunFiles>(created)));
        }
        RunRequest run;
        run.config = job.config;
        run.task = std::get<std::shared_ptr<const learn::Task>>(task);
        run.files = files ? &*files : nullptr;
        run.stop = request.stop;
        run.version = request.version;
        run.command = request.command;
        RunResult result = sim::run(run);
        if (result.violation) return record::Error{job.what + ": what must never be has happened: " + result.violation->what, "this is an error of the program: run `grapevine sim` on the same scenario and seed"};
        job.summary = std::move(result.summary);
        if (!files) return {};
        files->summary(job.summary);
        return files->fault();
    };
    const auto work = [&] {
        for (;;) {
            Job* job = nullptr;
            {
                const std::lock_guard lock(mutex);
                if (next == jobs.size() || fault || (request.stop && request.stop->load())) return;
                job = &jobs[next++];
            }
            auto error = one(*job);
            const std::lock_guard lock(mutex);
            if (error && !fault) fault = std::move(error);
            ++done;
            if (request.progress) request.progress(job->what, done, jobs.size());
        }
    };
    std::vector<std::thread> crew;
    for (std::size_t i = 1; i < std::min<std::size_t>(std::max(1u, request.threads), jobs.size()); ++i) crew.emplace_back(work);
    work();
    for (std::thread& t : crew) t.join();
    if (fault) return fault;
    if (request.stop && request.stop->load()) return record::Error{"the comparison was interrupted", "what was finished of it is in the run directories"};
    return {};
}

// How well a method did with one rate: the more seeds reached the target and the sooner, the better; without a target,
// or where that is equal, the lower its error at the end.
record::TriedRate tried(double rate, bool alone, const std::vector<record::Summary>& runs) {
    record::TriedRate t;
    t.learning_rate = rate;
    record::MethodResult result;
    result.runs = runs;
    const record::MethodStatistics s = record::statistics_of(result);
    t.seeds = s.seeds;
    t.reached = s.reached;
    t.seconds_to_target = s.seconds_to_target.median;
    std::vector<double> values;
    for (const record::Summary& run : runs)
        if (const auto& v = alone ? run.last5.accuracy : run.last5.merged_accuracy; v && std::isfinite(run.last5.loss.value_or(0))) values.push_back(*v);
    if (values.size() == runs.size()) t.accuracy = record::interval_of(values).mean;
    return t;
}

bool better(const record::TriedRate& a, const record::TriedRate& b, bool by_target) {
    if (by_target && a.reached != b.reached) return a.reached > b.reached;
    const double never = HUGE_VAL;
    if (by_target && a.seconds_to_target.value_or(never) != b.seconds_to_target.value_or(never))
        return a.seconds_to_target.value_or(never) < b.seconds_to_target.value_or(never);
    return a.accuracy.value_or(-1) > b.accuracy.value_or(-1);
}

// Nobody mixes: the average of the models is not a model that anybody has.
bool is_alone(const Method& m) { return m.exchange.kind == config::ExchangeKind::local || m.exchange.kind == config::ExchangeKind::single; }

std::vector<double> rates_for(const Tuning& tuning, double own) {
    return tuning.rates.empty() ? std::vector<double>{own / 3, own, own * 3} : tuning.rates;
}

std::string kind_and_keys(const config::Config& c) {
    config::Config only;
    only.model = c.model;
    only.exchange = c.exchange;
    std::string text = config::to_toml(only, false), line;
    const auto at = text.find("[exchange]\n");
    text = text.substr(at + 11, text.find("\n[", at + 11) - at - 11);
    for (const char ch : text) line += ch == '\n' ? std::string(", ") : std::string(1, ch);
    while (line.ends_with(", ")) line.resize(line.size() - 2);
    return line;
}

}  // namespace

config::Config calm(config::Config config) {
    config.events.clear();
    config.churns.clear();
    config.expects.clear();
    for (config::Link& link : config.links) link.loss = link.duplicate = link.reorder = 0, link.bursts.reset(), link.largest = 0;
    return config;
}

config::Config under(config::Config config, const Method& method) {
    if (!(config.exchange == method.exchange) || method.learning_rate) config.expects.clear();  // they were meant for the method of the file
    config.exchange = method.exchange;
    if (method.learning_rate) config.train.learning_rate = *method.learning_rate;
    config.compares.clear();
    config.sweep = {};
    return config;
}

std::vector<Method> methods_of(const CompareRequest& request) {
    const config::Config& c = request.config;
    std::vector<Method> methods{{config::to_string(c.exchange.kind), c.exchange, {}}};
    for (const config::Compared& other : c.compares) {
        const Method method{other.name, other.exchange, other.learning_rate};
        if (other.name == methods.front().name) methods.front() = method;
        else methods.push_back(method);
    }
    for (const auto kind : request.against) {
        const std::string name = config::to_string(kind);
        if (std::any_of(methods.begin(), methods.end(), [&](const Method& m) { return m.name == name; })) continue;
        config::Exchange usual;
        usual.kind = kind;
        methods.push_back({name, usual, {}});
    }
    if (!request.only.empty())
        std::erase_if(methods, [&](const Method& m) { return std::find(request.only.begin(), request.only.end(), m.name) == request.only.end(); });
    return methods;
}

std::vector<std::pair<std::string, config::Config>> scenes_of(const CompareRequest& request) {
    std::vector<std::pair<std::string, config::Config>> points = request.points, scenes;
    if (points.empty()) points.emplace_back("as written", request.config);
    for (auto& [name, config] : points) {
        config::Config without = config;
        without.expects.clear();
        config::Config quiet = calm(config);
        const bool differs = !(quiet == without);
        scenes.emplace_back(name, std::move(config));
        if (differs) scenes.emplace_back(request.points.empty() ? "calm" : name + " calm", std::move(quiet));
    }
    return scenes;
}

record::Comparison nothing_yet(const CompareRequest& request) {
    record::Comparison comparison;
    comparison.name = request.config.name;
    comparison.first_seed = request.config.seed;
    if (const auto& target = request.config.train.target) {
        comparison.target_metric = target->metric;
        comparison.target_value = target->value;
    }
    return comparison;
}

std::variant<record::Comparison, record::Error> compare(const CompareRequest& request) {
    record::Comparison comparison = nothing_yet(request);
    const std::vector<Method> methods = methods_of(request);
    const auto scenes = scenes_of(request);
    Tasks tasks;

    for (const auto& [name, scene] : scenes) {
        comparison.scenes.push_back({name, {}});
        for (const Method& m : methods) {
            const config::Config c = under(scene, m);
            record::MethodResult& result = comparison.scenes.back().methods.emplace_back();
            result.method = m.name;
            result.exchange = kind_and_keys(c);
            if (c.model.kind != config::ModelKind::average) result.learning_rate = c.train.learning_rate;
        }
    }

    if (const auto& tuning = request.tuning) {
        std::vector<Job> jobs;
        for (std::size_t s = 0; s < scenes.size(); ++s)
            for (std::size_t m = 0; m < methods.size(); ++m)
                for (const double rate : rates_for(*tuning, *comparison.scenes[s].methods[m].learning_rate))
                    for (std::uint32_t k = 0; k < tuning->seeds; ++k) {
                        config::Config c = under(scenes[s].second, methods[m]);
                        c.expects.clear();
                        c.train.learning_rate = rate;
                        c.data.validation = validation;
                        c.seed += tuning_seeds_from + k;
                        jobs.push_back({"tuning " + methods[m].name + ", rate " + record::format_short(rate) + ", " + scenes[s].first, std::move(c), "", {}});
                    }
        if (const auto error = run_all(jobs, tasks, request)) return *error;
        std::size_t job = 0;
        for (std::size_t s = 0; s < scenes.size(); ++s)
            for (std::size_t m = 0; m < methods.size(); ++m) {
                record::MethodResult& result = comparison.scenes[s].methods[m];
                const record::TriedRate* best = nullptr;
                for (const double rate : rates_for(*tuning, *result.learning_rate)) {
                    std::vector<record::Summary> runs;
                    for (std::uint32_t k = 0; k < tuning->seeds; ++k) runs.push_back(jobs[job++].summary);
                    result.grid.push_back(tried(rate, is_alone(methods[m]), runs));
                }
                for (const record::TriedRate& t : result.grid)
                    if (!best || better(t, *best, request.config.train.target.has_value())) best = &t;
                result.learning_rate = best->learning_rate;
            }
        comparison.tuning = record::TuningResult{request.config.seed + tuning_seeds_from, tuning->seeds, validation,
                                                 request.config.train.target ? "time to target" : "accuracy"};
    }

    std::vector<Job> jobs;
    for (std::size_t s = 0; s < scenes.size(); ++s)
        for (std::size_t m = 0; m < methods.size(); ++m)
            for (std::uint32_t k = 0; k < request.seeds; ++k) {
                config::Config c = under(scenes[s].second, methods[m]);
                if (const auto& rate = comparison.scenes[s].methods[m].learning_rate) c.train.learning_rate = *rate;
                c.seed += k;
                const std::string directory = request.out.empty() ? "" : record::run_directory(request.out, scenes[s].first, methods[m].name, c.seed);
                jobs.push_back({methods[m].name + ", " + scenes[s].first + ", seed " + std::to_string(c.seed), std::move(c), directory, {}});
            }
    if (const auto error = run_all(jobs, tasks, request)) return *error;
    std::size_t job = 0;
    for (record::Scene& scene : comparison.scenes)
        for (record::MethodResult& result : scene.methods)
            for (std::uint32_t k = 0; k < request.seeds; ++k) result.runs.push_back(std::move(jobs[job++].summary));

    auto& notes = comparison.notes;
    if (request.tuning)
        notes.push_back("Every method ran with the best of its own learning rates, by " + std::string(request.config.train.target ? "time to the target" : "accuracy of its merged model (local: mean over peers)") +
                        " on every twelfth row of the training set, held out, under " + std::to_string(request.tuning->seeds) + " other seeds (from " +
                        std::to_string(request.config.seed + tuning_seeds_from) + "). The test set was read with the chosen rate only.");
    else
        notes.push_back("Learning rates are those of the file, not each method's own best: --tune chooses them.");
    if (scenes.size() == std::max<std::size_t>(1, request.points.size())) notes.push_back("Nothing goes wrong in this scenario: it is its own calm case.");
    else notes.push_back("Loss is that of the simulator: a whole message or a whole parcel of parameters is lost. Over TCP loss costs time instead.");
    const auto has = [&](config::ExchangeKind kind) { return std::any_of(methods.begin(), methods.end(), [&](const Method& m) { return m.exchange.kind == kind; }); };
    if (has(config::ExchangeKind::allreduce))
        notes.push_back("allreduce averages parameters after every step, which for SGD and momentum equals averaging gradients; it is evaluated where it agrees.");
    if (has(config::ExchangeKind::local) || has(config::ExchangeKind::single))
        notes.push_back("merged is the average of all peers' models; under local nobody has it.");
    if (has(config::ExchangeKind::single)) notes.push_back("single is one peer with all the data: it makes one peer's steps, not everybody's.");
    return comparison;
}

}  // namespace grapevine::sim
