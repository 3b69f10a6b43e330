// What many small learners cost, one after the other on one core, as a simulator has them. Not a test: figures to look at.
//     learn_many [peers] [batch] [own]
// Logistic regression on Fashion-MNIST, each peer with its shard; where the set is not installed, on as many numbers
// drawn at random.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <unistd.h>
#include <vector>

#include "grapevine/kernels/cpu.hpp"
#include "grapevine/learn/split.hpp"
#include "grapevine/learn/task.hpp"

using namespace grapevine;

namespace {

double cpu_seconds() {
    timespec t{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
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

int main(int count, char** words) {
    config::Config config;
    config.model.kind = config::ModelKind::logistic;
    const auto peers = static_cast<std::size_t>(count > 1 ? std::atoi(words[1]) : 1000);
    config.data.batch = count > 2 ? static_cast<std::uint32_t>(std::atoi(words[2])) : 32;
    const auto products = count > 3 && std::string(words[3]) == "own" ? kernels::Products::own : kernels::Products::library;
    auto prepared = learn::prepare(config);
    if (std::holds_alternative<learn::Error>(prepared)) {
        config.data.set = "blobs";
        config.data.features = 784;
        config.data.classes = 10;
        config.data.train_samples = 60000;
        prepared = learn::prepare(config);
    }
    const auto task = std::get<std::shared_ptr<const learn::Task>>(prepared);
    auto shards = learn::split(*task->sets.train, config.data.split, peers, config.seed);

    const double before = resident_bytes();
    std::vector<std::unique_ptr<Learner>> learners;
    for (std::size_t i = 0; i < peers; ++i) {
        learners.push_back(learn::make_learner(config, i, peers, task, std::move(shards[i]), kernels::make_cpu_backend(1, products)));
        learners.back()->claim(2);
    }
    const auto each = [&](const char* what, double per, const auto& f) {  // twice over all of them; the second time counts
        for (auto& learner : learners) f(*learner);
        const double begin = cpu_seconds();
        for (auto& learner : learners) f(*learner);
        const double took = cpu_seconds() - begin;
        std::printf("%-9s %8.2f us  %9.0f a CPU second\n", what, 1e6 * took / static_cast<double>(peers) / per, static_cast<double>(peers) * per / took);
    };
    std::printf("%s, %zu peers, batch %u\n", config.data.set.c_str(), peers, config.data.batch);
    each("step", 1, [](Learner& l) { l.carry_out({0, Train{1}}); });
    each("4 steps", 4, [](Learner& l) { l.carry_out({0, Train{4}}); });
    const Range whole{0, learners.front()->size()};
    each("publish", 1, [&](Learner& l) { l.carry_out({0, Publish{model_slot, whole}}); });
    const auto published = std::get<Published>(learners.front()->carry_out({0, Publish{model_slot, whole}}).what).snapshot;
    each("combine", 1, [&](Learner& l) { l.carry_out({0, Combine{model_slot, 0.5, 0.5, published}}); });
    const double model = static_cast<double>(whole.count * bytes_per_element(Encoding::float32));
    std::printf("memory    %8.0f bytes a peer, of which %.0f are its model\n", (resident_bytes() - before) / static_cast<double>(peers), model);
    const double begin = cpu_seconds();
    const auto evaluation = learners.front()->evaluate();
    std::printf("evaluate  %8.1f ms, accuracy %.4f\n", (cpu_seconds() - begin) * 1e3, evaluation.accuracy.value_or(0));
}
