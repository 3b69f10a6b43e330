// Clusters that nobody thought of. A scenario is drawn from each seed; while it goes wrong what must never be is looked for after
// every event, and when the faults are over what must come true again is waited for.
//
//     swarm N [--from S] [--threads T]        seeds S to S + N - 1, each in a process of its own
//     swarm --seed S [--story FILE]           one, up to the event that must not be
//     swarm --seed S --print                  its scenario, for `grapevine sim`
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <list>
#include <poll.h>
#include <string>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "grapevine/sim/run/run.hpp"
#include "grapevine/sim/story.hpp"
#include "liveness.hpp"
#include "safety.hpp"
#include "scenario.hpp"

using namespace grapevine;
using namespace grapevine::swarm;

namespace {

constexpr unsigned seconds_a_seed = 120;  // of the processor, a hundred times what it takes: what takes longer turns in a circle

struct Asked {
    std::uint64_t seeds = 0;
    std::optional<std::uint64_t> from, threads;
    std::optional<std::uint64_t> seed;
    std::string story;
    bool print = false;
};

class Watch final : public sim::Inspector {
public:
    explicit Watch(const config::Config& config) : safety_(config), liveness_(config) {}
    void listen(sim::Taps& taps) {
        taps.add(&safety_.tap());
        taps.add(&liveness_);
    }
    std::optional<sim::Violation> after(sim::World& world) override {
        events_ = world.counters().inputs;
        if (auto wrong = safety_.after(world)) return wrong;
        liveness_.after(world);
        return {};
    }
    std::optional<sim::Violation> ended(sim::World& world) override {
        if (auto wrong = safety_.ended(world)) return wrong;
        return liveness_.ended(world);
    }
    std::uint64_t events() const { return events_; }

private:
    Safety safety_;
    Liveness liveness_;
    std::uint64_t events_ = 0;
};

std::string replay(std::uint64_t seed) { return "tools/swarm --seed " + std::to_string(seed) + " --story story.txt"; }

// Writes seed and scenario first: what stops the program later has told which it was.
int run_seed(std::uint64_t seed, std::ostream* story) {
    const config::Config config = drawn(seed);
    std::printf("# seed %llu\n%s\n", static_cast<unsigned long long>(seed), config::to_toml(config).c_str());
    std::fflush(stdout);
    auto prepared = learn::prepare(config);
    if (const auto* error = std::get_if<learn::Error>(&prepared)) {
        std::printf("seed %llu: %s\n", static_cast<unsigned long long>(seed), error->what.c_str());
        return 1;
    }
    Watch watch(config);
    sim::RunRequest request;
    request.config = config;
    request.task = std::get<std::shared_ptr<const learn::Task>>(prepared);
    sim::Taps taps;
    std::optional<sim::Story> told;
    if (story) taps.add(&told.emplace(*story));
    watch.listen(taps);
    request.tap = &taps;
    request.inspector = &watch;
    const sim::RunResult result = sim::run(request);
    if (!result.violation) return 0;
    const sim::Violation& v = *result.violation;
    std::printf("seed %llu: at %s, event %llu, p%u %s\n  to see what led to it: %s\n", static_cast<unsigned long long>(seed),
                config::format_duration(v.at.time_since_epoch()).c_str(), static_cast<unsigned long long>(watch.events()), v.peer + 1, v.what.c_str(),
                replay(seed).c_str());
    return 1;
}

// A seed that is being run by a process, and what it has written.
struct Child {
    std::uint64_t seed;
    pid_t pid;
    int out;
    std::string text;
};

Child begin(std::uint64_t seed) {
    int ends[2];
    if (pipe(ends) != 0) std::perror("swarm: pipe"), std::exit(1);
    std::fflush(stdout);
    const pid_t pid = fork();
    if (pid < 0) std::perror("swarm: fork"), std::exit(1);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(ends[1], 1);
        dup2(ends[1], 2);
        close(ends[0]);
        close(ends[1]);
        const rlimit most{seconds_a_seed, seconds_a_seed};
        setrlimit(RLIMIT_CPU, &most);
        const int status = run_seed(seed, nullptr);
        std::fflush(stdout);
        _exit(status);
    }
    close(ends[1]);
    return {seed, pid, ends[0], {}};
}

// True if nothing was wrong with it.
bool judge(const Child& child) {
    int status = 0;
    while (waitpid(child.pid, &status, 0) < 0 && errno == EINTR) {}
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return true;
    std::fputs(child.text.c_str(), stdout);
    const auto seed = static_cast<unsigned long long>(child.seed);
    if (WIFSIGNALED(status) && (WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGKILL))
        std::printf("seed %llu: has not come to its end in %u s\n  to see what led to it: %s\n", seed, seconds_a_seed, replay(child.seed).c_str());
    else if (WIFSIGNALED(status))
        std::printf("seed %llu: the program was stopped by signal %d (%s)\n  to see what led to it: %s\n", seed, WTERMSIG(status), strsignal(WTERMSIG(status)), replay(child.seed).c_str());
    std::printf("\n");
    std::fflush(stdout);
    return false;
}

int run_seeds(const Asked& asked) {
    std::list<Child> running;
    std::vector<std::uint64_t> failed;
    const std::uint64_t from = asked.from.value_or(1), threads = asked.threads.value_or(1);
    std::uint64_t next = from;
    while (next < from + asked.seeds || !running.empty()) {
        while (next < from + asked.seeds && running.size() < threads) running.push_back(begin(next++));
        std::vector<pollfd> outs;
        for (const Child& child : running) outs.push_back({child.out, POLLIN, 0});
        if (poll(outs.data(), outs.size(), -1) < 0 && errno != EINTR) std::perror("swarm: poll"), std::exit(1);
        std::size_t i = 0;
        for (auto child = running.begin(); child != running.end(); ++i) {
            char piece[4096];
            const ssize_t n = outs[i].revents != 0 ? read(child->out, piece, sizeof piece) : 1;
            if (outs[i].revents != 0 && n > 0) child->text.append(piece, static_cast<std::size_t>(n));
            if (n > 0) {
                ++child;
                continue;
            }
            close(child->out);
            if (!judge(*child)) failed.push_back(child->seed);
            child = running.erase(child);
        }
    }
    std::printf("swarm: %llu seeds from %llu, %zu failed", static_cast<unsigned long long>(asked.seeds), static_cast<unsigned long long>(from), failed.size());
    for (std::size_t i = 0; i < failed.size(); ++i) std::printf("%s%llu", i == 0 ? ": " : ", ", static_cast<unsigned long long>(failed[i]));
    std::printf("\n");
    return failed.empty() ? 0 : 1;
}

std::optional<std::uint64_t> number(const char* text) {
    std::uint64_t n = 0;
    const auto [end, error] = std::from_chars(text, text + std::strlen(text), n);
    if (error != std::errc() || *end != 0 || end == text || n >= (std::uint64_t{1} << 53)) return {};
    return n;
}

std::optional<Asked> read_arguments(int count, char** words) {
    Asked asked;
    for (int i = 1; i < count; ++i) {
        const std::string word = words[i];
        const auto value = [&]() -> std::optional<std::uint64_t> { return i + 1 < count ? number(words[++i]) : std::nullopt; };
        std::optional<std::uint64_t> n;
        if (word == "--print") asked.print = true;
        else if (word == "--story" && i + 1 < count) asked.story = words[++i];
        else if (word == "--seed" && (n = value())) asked.seed = *n;
        else if (word == "--from" && (n = value())) asked.from = *n;
        else if (word == "--threads" && (n = value()) && *n > 0) asked.threads = *n;
        else if ((n = number(words[i])) && *n > 0 && asked.seeds == 0) asked.seeds = *n;
        else return {};
    }
    if (asked.seed.has_value() == (asked.seeds > 0)) return {};
    if (!asked.seed && (asked.print || !asked.story.empty())) return {};
    if (asked.seed && (asked.from || asked.threads || (asked.print && !asked.story.empty()))) return {};
    return asked;
}

}  // namespace

int main(int count, char** words) {
    const auto asked = read_arguments(count, words);
    if (!asked) {
        std::fprintf(stderr, "swarm: N [--from S] [--threads T], or --seed S [--story FILE | --print]\n");
        return 2;
    }
    if (!asked->seed) return run_seeds(*asked);
    if (asked->print) return std::fputs(config::to_toml(drawn(*asked->seed)).c_str(), stdout) < 0;
    if (asked->story.empty()) return run_seed(*asked->seed, nullptr);
    std::ofstream story(asked->story);
    if (!story) {
        std::fprintf(stderr, "swarm: cannot write the story to %s\n", asked->story.c_str());
        return 2;
    }
    const int status = run_seed(*asked->seed, &story);
    story.flush();
    if (!story) std::fprintf(stderr, "swarm: %s could not be written to its end\n", asked->story.c_str());
    return status;
}
