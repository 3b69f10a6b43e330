// What a step of skip-gram costs, by vocabulary and batch: the rows of a batch touch few vectors, and the gradient and the update go over all.
//   sparse_steps [SECONDS]
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>

#include "grapevine/kernels/cpu.hpp"
#include "grapevine/learn/split.hpp"
#include "grapevine/learn/task.hpp"

using namespace grapevine;

namespace {

double cpu_seconds() {
    timespec t{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

}  // namespace

int main(int argc, char** argv) {
    const double length = argc > 1 ? std::atof(argv[1]) : 0.5;
    std::printf("%10s %6s %12s %14s %10s\n", "vocabulary", "batch", "us a step", "us a row", "model MB");
    for (const std::uint32_t words : {100u, 1000u, 10'000u})
        for (const std::uint32_t batch : {64u, 1024u, 8192u}) {
            config::Config config;
            config.model.kind = config::ModelKind::skipgram;
            config.model.rank = 64;
            config.model.vocabulary = words;
            config.model.subsample = 0;
            config.data.set = "topics";
            config.data.topics = words / 50;
            config.data.words = 50;
            config.data.train_samples = 200'000;
            config.data.test_samples = 1000;
            config.data.batch = batch;
            const auto prepared = learn::prepare(config);
            const auto* task = std::get_if<std::shared_ptr<const learn::Task>>(&prepared);
            if (!task) return 1;
            const auto learner = learn::make_learner(config, 0, 1, *task, learn::split(*(*task)->sets.train, {}, 1, 1)[0], kernels::make_cpu_backend(1));
            learner->carry_out({0, Train{4}});
            double best = 1e9;
            const double end = cpu_seconds() + length;
            while (cpu_seconds() < end) {
                const double began = cpu_seconds();
                learner->carry_out({0, Train{4}});
                best = std::min(best, (cpu_seconds() - began) / 4);
            }
            std::printf("%10u %6u %12.0f %14.2f %10.1f\n", words, batch, 1e6 * best, 1e6 * best / batch, 4e-6 * static_cast<double>((*task)->table.size()));
        }
}
