// What a device makes of grapevine's work: figures, no tests. tools/gpu_check calls it and sets PyTorch's beside them.
//
//   figures DEVICE mix N                     microseconds to mix N float32 that lie on the device, with both norms; and to copy them there
//   figures DEVICE step RUN.toml STEPS       microseconds a step of the run's model, and samples a second
//   figures DEVICE until RUN.toml ACCURACY   seconds of training until the held-out data are so well known
//   figures DEVICE beside RUN.toml SECONDS   steps a second alone, and while the model is published and mixed every 250 ms
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <vector>

#include "grapevine/config/config.hpp"
#include "grapevine/kernels/cpu.hpp"
#include "grapevine/kernels/cuda.hpp"
#include "grapevine/learn/split.hpp"
#include "grapevine/learn/task.hpp"
#include "workshop.hpp"

using namespace grapevine;
using Clock = std::chrono::steady_clock;

namespace {

[[noreturn]] void give_up(const std::string& why) {
    std::fprintf(stderr, "figures: %s\n", why.c_str());
    std::exit(6);
}

double seconds_since(Clock::time_point begun) { return std::chrono::duration<double>(Clock::now() - begun).count(); }

std::unique_ptr<kernels::Backend> backend_of(const std::string& device, bool halves) {
    if (device == "cpu" && halves) give_up("no bf16 on a CPU");
    if (device == "cpu") return kernels::make_cpu_backend();
    auto cuda = kernels::load_cuda_backend(device.rfind("cuda:", 0) == 0 ? std::atoi(device.c_str() + 5) : 0, halves ? kernels::Element::bf16 : kernels::Element::float32);
    if (!cuda.backend) give_up(cuda.reason);
    return std::move(cuda.backend);
}

struct Run {
    config::Config config;
    std::unique_ptr<Learner> learner;
};
Run run_of(const std::string& device, const std::string& path) {
    auto read = config::read_file(path);
    if (const auto* error = std::get_if<config::Error>(&read)) give_up(error->what + "; " + error->hint);
    Run run{std::get<config::Config>(std::move(read)), nullptr};
    auto prepared = learn::prepare(run.config);
    if (const auto* error = std::get_if<learn::Error>(&prepared)) give_up(error->what + ": " + error->hint);
    const auto task = std::get<std::shared_ptr<const learn::Task>>(std::move(prepared));
    auto rows = std::move(learn::split(*task->sets.train, {}, 1, run.config.seed)[0]);
    run.learner = learn::make_learner(run.config, 0, 1, task, std::move(rows), backend_of(device, run.config.train.precision == config::TrainOptions::Precision::bf16));
    return run;
}

double median(std::vector<double> values) {
    std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
    return values[values.size() / 2];
}

// A round of calls and waiting for them; what an empty one takes is taken off, so that the device's own time is left.
void mix(kernels::Backend& backend, std::size_t n) {
    const kernels::DeviceSpan ours = backend.allocate(n), other = backend.allocate(n);
    const std::vector<float> theirs(n, 0.5f);
    const kernels::DeviceSpan few = backend.allocate(256);
    const auto time = [&](auto&& once) {
        std::vector<double> taken;
        for (int i = 0; i < 25; ++i) {
            backend.squared_norm(few);
            const auto begun = Clock::now();
            once();
            taken.push_back(seconds_since(begun));
        }
        return median(std::move(taken));
    };
    const double nothing = time([&] { backend.squared_norm(few); });
    const double copying = time([&] {
        backend.axpby(1, ours, 0, other);
        backend.squared_norm(few);
    });
    double mixing = 0;
    if (backend.transfers()) {
        const kernels::Encoded encoded{kernels::Encoded::As::float32, n, reinterpret_cast<const std::byte*>(theirs.data())};
        const auto brought = backend.bring(encoded);
        brought->wait();
        mixing = time([&] { backend.mix_brought(0.5f, ours, 0.5f, encoded, *brought); });
    } else {
        mixing = time([&] { backend.mix(0.5f, ours, 0.5f, theirs); });
    }
    const double bytes = static_cast<double>(n) * 4;
    std::printf("mix_us %.1f\ncopy_us %.1f\ncall_us %.1f\nmix_bytes_per_second %.4g\n", 1e6 * (mixing - nothing), 1e6 * (copying - nothing), 1e6 * nothing, 3 * bytes / (mixing - nothing));
}

void step(Run run, std::uint32_t steps) {
    for (int i = 0; i < 4; ++i) run.learner->carry_out({0, Train{64}});  // all is chosen and recorded
    std::vector<double> taken;
    for (int i = 0; i < 5; ++i) {
        const auto begun = Clock::now();
        run.learner->carry_out({0, Train{steps}});
        taken.push_back(seconds_since(begun) / steps);
    }
    const double best = *std::min_element(taken.begin(), taken.end());
    std::printf("step_us %.2f\nstep_us_median %.2f\nsamples_per_second %.4g\nparameters %llu\n", 1e6 * best, 1e6 * median(taken), run.config.data.batch / best,
                static_cast<unsigned long long>(run.learner->size()));
}

void until(Run run, double accuracy) {
    double trained = 0;
    for (int order = 0; order < 2000; ++order) {
        const auto begun = Clock::now();
        const Completion done = run.learner->carry_out({0, Train{100}});
        trained += seconds_since(begun);
        const double reached = run.learner->evaluate().accuracy.value_or(0);
        if (reached < accuracy) continue;
        std::printf("seconds %.3f\nsteps %llu\naccuracy %.4f\n", trained, static_cast<unsigned long long>(done.steps), reached);
        return;
    }
    give_up("not reached in 200,000 steps");
}

// As a node has it: orders to train of 20 ms, one after the other; an exchange puts its own between them.
void beside(Run run, double seconds) {
    const auto train = [&](bool exchanging) {
        std::mutex mutex;
        std::condition_variable some;
        std::size_t answers = 0;
        const auto one = [&] {
            const std::lock_guard lock(mutex);
            ++answers;
            some.notify_one();
        };
        node::Workshop workshop(*run.learner, {}, one);
        const Range whole{0, run.learner->size()};
        std::uint32_t per_order = 1;
        std::uint64_t steps = 0;
        Snapshot last;
        const auto begun = Clock::now();
        auto due = begun + std::chrono::milliseconds(250);
        auto order_begun = begun;
        workshop.put({0, Train{per_order}});
        while (seconds_since(begun) < seconds) {
            {
                std::unique_lock lock(mutex);
                some.wait(lock, [&] { return answers > 0; });
                --answers;
            }
            auto done = workshop.take();
            if (auto* broke = std::get_if<node::Workshop::Broke>(&*done)) give_up(broke->why);
            auto& completion = std::get<Completion>(*done);
            if (auto* published = std::get_if<Published>(&completion.what)) last = published->snapshot;
            if (const auto* trained = std::get_if<Trained>(&completion.what)) {
                steps += trained->steps;
                const double each = seconds_since(order_begun) / trained->steps;
                per_order = static_cast<std::uint32_t>(std::clamp(0.02 / each, 1.0, 16384.0));
                if (exchanging && Clock::now() >= due) {
                    due += std::chrono::milliseconds(250);
                    workshop.put({0, Publish{0, whole}});
                    if (last.bytes.size) workshop.put({0, Combine{0, 0.5, 0.5, last}});
                }
                order_begun = Clock::now();
                workshop.put({0, Train{per_order}});
            }
        }
        return static_cast<double>(steps) / seconds_since(begun);
    };
    train(false);
    train(true);
    const double alone = train(false), exchanging = train(true), again = train(false);
    std::printf("steps_per_second_alone %.2f\nsteps_per_second_exchanging %.2f\nslower_percent %.3f\nparameters %llu\n", (alone + again) / 2, exchanging, 100 * (1 - exchanging / ((alone + again) / 2)),
                static_cast<unsigned long long>(run.learner->size()));
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4 && argc != 5) give_up("usage: figures DEVICE mix N | step RUN.toml STEPS | until RUN.toml ACCURACY | beside RUN.toml SECONDS");
    const std::string device = argv[1], what = argv[2];
    try {
        if (what == "mix" && argc == 4) mix(*backend_of(device, false), std::strtoull(argv[3], nullptr, 10));
        else if (what == "step" && argc == 5) step(run_of(device, argv[3]), static_cast<std::uint32_t>(std::max(1, std::atoi(argv[4]))));
        else if (what == "until" && argc == 5) until(run_of(device, argv[3]), std::atof(argv[4]));
        else if (what == "beside" && argc == 5) beside(run_of(device, argv[3]), std::atof(argv[4]));
        else give_up("there is no figure '" + what + "'");
    } catch (const std::exception& failure) {
        give_up(failure.what());
    }
}
