#include "grapevine/sim/run/compare.hpp"

#include <algorithm>
#include <mutex>
#include <thread>

namespace grapevine::sim {

config::Config calm(config::Config config) {
    config.events.clear();
    config.expects.clear();
    for (config::Link& link : config.links) link.loss = link.duplicate = 0;
    return config;
}

config::Config under(config::Config config, config::ExchangeKind kind) {
    if (config.exchange.kind == kind) return config;
    config.exchange = {};
    config.exchange.kind = kind;
    config.expects.clear();  // they were meant for the method of the file
    return config;
}

std::vector<config::ExchangeKind> methods_of(const CompareRequest& request) {
    std::vector<config::ExchangeKind> methods{request.config.exchange.kind};
    for (const auto kind : request.against)
        if (std::find(methods.begin(), methods.end(), kind) == methods.end()) methods.push_back(kind);
    return methods;
}

record::Comparison nothing_yet(const CompareRequest& request) {
    record::Comparison comparison;
    comparison.name = request.config.name;
    if (const auto& target = request.config.train.target) {
        comparison.target_metric = target->metric;
        comparison.target_value = target->value;
    }
    return comparison;
}

std::variant<record::Comparison, record::Error> compare(const CompareRequest& request) {
    struct Job {
        std::size_t scene, method, seed;
        config::Config config;
    };
    record::Comparison comparison = nothing_yet(request);
    const std::vector<config::ExchangeKind> methods = methods_of(request);

    std::vector<Job> jobs;
    for (std::size_t scene = 0; scene < 2; ++scene) {
        comparison.scenes.push_back({scene == 0 ? "as written" : "calm", {}});
        for (std::size_t m = 0; m < methods.size(); ++m) {
            comparison.scenes[scene].methods.push_back({config::to_string(methods[m]), std::vector<record::Summary>(request.seeds)});
            for (std::size_t s = 0; s < request.seeds; ++s) {
                config::Config c = under(scene == 0 ? request.config : calm(request.config), methods[m]);
                c.seed += s;
                jobs.push_back({scene, m, s, std::move(c)});
            }
        }
    }

    std::mutex mutex;
    std::size_t next = 0, done = 0;
    std::optional<record::Error> fault;
    const auto work = [&] {
        std::shared_ptr<const learn::Task> task;  // of the seed last prepared
        std::uint64_t task_seed = 0;
        for (;;) {
            Job* job = nullptr;
            {
                const std::lock_guard lock(mutex);
                if (next == jobs.size() || fault || (request.stop && request.stop->load())) return;
                job = &jobs[next++];
            }
            const auto fail = [&](std::string what, std::string hint) {
                const std::lock_guard lock(mutex);
                if (!fault) fault = record::Error{std::move(what), std::move(hint)};
            };
            if (!task || task_seed != job->config.seed) {
                auto prepared = learn::prepare(job->config);
                if (auto* error = std::get_if<learn::Error>(&prepared)) return fail(error->what, error->hint);
                task = std::get<std::shared_ptr<const learn::Task>>(prepared);
                task_seed = job->config.seed;
            }
            const std::string& scene = comparison.scenes[job->scene].name;
            const std::string& method = comparison.scenes[job->scene].methods[job->method].method;
            std::optional<record::RunFiles> files;
            if (!request.out.empty()) {
                auto created = record::RunFiles::create(record::run_directory(request.out, scene, method, job->config.seed),
                                                        config::to_toml(job->config), request.overwrite);
                if (auto* error = std::get_if<record::Error>(&created)) return fail(error->what, error->hint);
                files.emplace(std::move(std::get<record::RunFiles>(created)));
            }
            RunRequest one;
            one.config = job->config;
            one.task = task;
            one.files = files ? &*files : nullptr;
            one.stop = request.stop;
            one.version = request.version;
            one.command = request.command;
            RunResult result = run(one);
            if (files) {
                files->summary(result.summary);
                if (const auto error = files->fault()) return fail(error->what, error->hint);
            }
            const std::lock_guard lock(mutex);
            comparison.scenes[job->scene].methods[job->method].runs[job->seed] = std::move(result.summary);
            ++done;
            if (request.progress) request.progress(method + ", " + scene + ", seed " + std::to_string(job->config.seed), done, jobs.size());
        }
    };
    std::vector<std::thread> crew;
    for (unsigned i = 1; i < std::max(1u, request.threads); ++i) crew.emplace_back(work);
    work();
    for (std::thread& t : crew) t.join();
    if (fault) return *fault;
    if (done < jobs.size()) return record::Error{"the comparison was interrupted", "what was finished of it is in the run directories"};
    comparison.notes.push_back("Every method ran with the learning rate of the file (" + std::to_string(request.config.train.learning_rate) +
                               "), not with its own best one.");
    comparison.notes.push_back("allreduce averages parameters after every step, which for SGD and momentum equals averaging gradients; "
                               "it is evaluated where it agrees. Merged is the average of all peers' models, which under local nobody has.");
    return comparison;
}

}  // namespace grapevine::sim
