// Samples a second of the MLP 784-256-128-10 on one core. Not a test: a figure to look at.
//     throughput [batch] [seconds] [own]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "grapevine/kernels/cpu.hpp"
#include "grapevine/learn/split.hpp"
#include "grapevine/learn/task.hpp"

using namespace grapevine;

int main(int count, char** words) {
    config::Config config;
    config.model.hidden = {256, 128};
    config.data.batch = count > 1 ? static_cast<std::uint32_t>(std::atoi(words[1])) : 64;
    const double wanted = count > 2 ? std::atof(words[2]) : 2;
    const auto products = count > 3 && std::string(words[3]) == "own" ? kernels::Products::own : kernels::Products::library;

    auto prepared = learn::prepare(config);
    if (std::holds_alternative<learn::Error>(prepared)) {  // as many features, drawn
        config.data.set = "blobs";
        config.data.features = 784;
        config.data.classes = 10;
        prepared = learn::prepare(config);
    }
    const auto task = std::get<std::shared_ptr<const learn::Task>>(prepared);
    auto backend = kernels::make_cpu_backend(1, products);
    std::printf("%s, %s, batch %u\n", backend->name().c_str(), config.data.set.c_str(), config.data.batch);
    const auto learner = learn::make_learner(config, 0, 1, task,
                                             learn::split(*task->sets.train, {}, 1, config.seed)[0], std::move(backend));
    learner->carry_out({0, Train{200}});  // products are compiled when first asked for

    using Clock = std::chrono::steady_clock;
    const auto since = [](Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); };
    std::vector<double> rates;
    const auto begin = Clock::now();
    while (since(begin) < wanted) {
        const auto start = Clock::now();
        const auto done = learner->carry_out({0, Train{100}});
        rates.push_back(std::get<Trained>(done.what).samples / since(start));
    }
    std::sort(rates.begin(), rates.end());
    std::printf("train     %8.0f samples/s (median of %zu; best %.0f)\n", rates[rates.size() / 2], rates.size(), rates.back());

    const auto whole = Range{0, learner->size()};
    const auto published = std::get<Published>(learner->carry_out({0, Publish{model_slot, whole}}).what).snapshot;
    const auto timed = [&](const char* name, const Order& order) {
        double best = 1e9;
        for (int i = 0; i < 200; ++i) {
            const auto start = Clock::now();
            learner->carry_out(order);
            best = std::min(best, since(start));
        }
        std::printf("%-9s %8.1f us\n", name, best * 1e6);
    };
    timed("publish", {0, Publish{model_slot, whole}});
    timed("combine", {0, Combine{model_slot, 0.5, 0.5, published}});
    const auto start = Clock::now();
    const auto evaluation = learner->evaluate();
    std::printf("evaluate  %8.1f ms, accuracy %.4f\n", since(start) * 1e3, evaluation.accuracy.value_or(0));
}
