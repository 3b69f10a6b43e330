// What a step of a peer costs, by what it is given, and what a peer takes: step_cost [PEERS [SECONDS [EXCHANGE]]].
// Few peers lie in the caches, many do not.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <functional>

#include "crowd.hpp"

using namespace grapevine;

int main(int argc, char** argv) {
    const auto peers = static_cast<std::uint32_t>(argc > 1 ? std::atoi(argv[1]) : 200);
    const int length = argc > 2 ? std::atoi(argv[2]) : 20;
    gossip::Kind kind = gossip::Kind::gossip;
    if (argc > 3 && !std::strcmp(argv[3], "epidemic")) kind = gossip::Kind::epidemic;
    if (argc > 3 && !std::strcmp(argv[3], "push-sum")) kind = gossip::Kind::push_sum;
    if (argc > 3 && !std::strcmp(argv[3], "local")) kind = gossip::Kind::local;

    struct Cost {
        std::uint64_t steps = 0, allocations = 0;
        std::vector<float> took;  // ns
    };
    std::map<std::string, Cost> costs;
    using Clock = std::chrono::steady_clock;
    const auto ns = [](Clock::duration d) { return static_cast<float>(std::chrono::duration_cast<std::chrono::nanoseconds>(d).count()); };
    float look = 1e9f;  // at the clock
    for (int i = 0; i < 100'000; ++i) {
        const auto start = Clock::now();
        look = std::min(look, ns(Clock::now() - start));
    }

    test::Crowd crowd(peers, test::partial(kind));
    std::int64_t held = test::counted.bytes;
    std::printf("a peer at birth: %zu bytes, and %.0f on the heap\n", sizeof(Peer), static_cast<double>(held) / peers);
    const Instant calm{std::chrono::seconds(40)};
    crowd.run_until(calm, [](const Peer::Input&, const std::function<void()>& step) { step(); });
    held = test::counted.bytes;
    std::printf("when it is calm: %zu bytes, and %.0f on the heap\n", sizeof(Peer), static_cast<double>(held) / peers);
    std::printf("a message: %zu bytes, an input %zu, an effect %zu\n", sizeof(Peer::Message), sizeof(Peer::Input), sizeof(Peer::Effects::Effect));
    crowd.run_until(calm + std::chrono::seconds(length), [&](const Peer::Input& input, const std::function<void()>& step) {
        Cost& cost = costs[word(input)];
        const std::uint64_t before = test::counted.allocations;
        const auto start = Clock::now();
        step();
        cost.took.push_back(ns(Clock::now() - start) - look);
        ++cost.steps;
        cost.allocations += test::counted.allocations - before;
    });
    Cost all;
    std::printf("%-20s %10s %8s %12s\n", "input", "a second", "ns", "allocations");
    const auto line = [&](const std::string& name, Cost& c) {  // the median: a busy machine interrupts some for long
        const auto steps = static_cast<double>(c.steps);
        std::nth_element(c.took.begin(), c.took.begin() + c.took.size() / 2, c.took.end());
        std::printf("%-20s %10.3f %8.0f %12.3f\n", name.c_str(), steps / peers / length, static_cast<double>(c.took[c.took.size() / 2]),
                    static_cast<double>(c.allocations) / steps);
    };
    for (auto& [name, cost] : costs) {
        line(name, cost);
        all.steps += cost.steps, all.allocations += cost.allocations;
        all.took.insert(all.took.end(), cost.took.begin(), cost.took.end());
    }
    line("all", all);
}
