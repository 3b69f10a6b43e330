// bench sim: the simulator's events a CPU second.
#include <algorithm>
#include <cstdio>
#include <vector>

#include "bench.hpp"
#include "grapevine/random.hpp"
#include "grapevine/record/format.hpp"
#include "grapevine/sim/run/run.hpp"
#include "interrupt.hpp"
#include "terminal.hpp"
#include "verb.hpp"

namespace grapevine::cli {

namespace {

// A plain binary heap with a million pending events: take the earliest, put one in again. Simulators that have one agenda for
// all cannot be faster than this.
double heap_floor() {
    struct Event {
        std::int64_t at;
        std::uint32_t to, from, sequence, due;
        bool operator<(const Event& other) const { return at > other.at; }  // the earliest on top
    };
    constexpr std::size_t pending = 1'000'000, turns = 2'000'000;
    Random random(1);
    std::vector<Event> heap(pending);
    for (Event& e : heap) e = {static_cast<std::int64_t>(random.below(1'000'000'000)), 0, 0, 0, 0};
    std::make_heap(heap.begin(), heap.end());
    return turns / seconds_of([&] {
        for (std::size_t i = 0; i < turns; ++i) {
            std::pop_heap(heap.begin(), heap.end());
            Event& e = heap.back();
            e.at += static_cast<std::int64_t>(random.below(2'000'000'000));
            e.due = static_cast<std::uint32_t>(i);
            std::push_heap(heap.begin(), heap.end());
        }
    });
}

// Membership and gossip of one value between all: no data, no arithmetic worth naming. What is measured is the agenda, the network
// and the peers' own code.
struct Size {
    std::uint32_t peers;
    const char *membership, *until;
};
constexpr Size sizes[] = {{1'000, "swim", "20s"}, {10'000, "partial", "5s"}, {100'000, "partial", "1s"}};

std::string scenario(const Size& size) {
    return "name = \"bench\"\nseed = 1\nuntil = \"" + std::string(size.until) + "\"\n[model]\nkind = \"average\"\n[exchange]\nkind = \"gossip\"\nperiod = \"1s\"\n[membership]\nkind = \"" + size.membership +
           "\"\n[metrics]\nviews = false\n[[group]]\nname = \"peer\"\ncount = " + std::to_string(size.peers) + "\n[[link]]\nbetween = [\"*\", \"*\"]\nlatency = { dist = \"uniform\", min = \"5ms\", max = \"15ms\" }\n";
}

struct Measured {
    Size size;
    record::Summary summary;
};

}  // namespace

int bench_sim(const Arguments& a) {
    const auto& stop = stop_on_interrupt();
    ProgressLine line;
    const auto progress = [&](const std::string& text) {
        if (!a.has("quiet")) line.show(text);
    };
    auto number = a.number("peers", 1, 1e7);
    if (const auto* error = std::get_if<Error>(&number)) return complain(*error, usage);
    const auto only = std::get<std::optional<double>>(number);
    if (only && std::none_of(std::begin(sizes), std::end(sizes), [&](const Size& size) { return size.peers == *only; }))
        return complain({"--peers " + *a.get("peers") + " is not measured", "1000, 10000 or 100000"}, usage);
    progress("a heap with a million events ...");
    const double heap = heap_floor();
    progress("memory ...");
    const double memory = copy_bandwidth(std::size_t{128} << 20);
    std::vector<Measured> all;
    for (const Size& size : sizes) {
        if (only && *only != size.peers) continue;
        const std::string count = std::to_string(size.peers) + " peers";
        auto read = config::read_text(scenario(size), "bench");
        if (const auto* error = std::get_if<Error>(&read)) return complain(*error, failed);
        sim::RunRequest request;
        request.config = std::get<config::Config>(std::move(read));
        auto prepared = learn::prepare(request.config);
        if (const auto* error = std::get_if<learn::Error>(&prepared)) return complain(*error, failed);
        request.task = std::get<std::shared_ptr<const learn::Task>>(prepared);
        request.stop = &stop;
        request.progress = [&](const sim::Progress& p) {
            progress(count + ", " + record::format_seconds(p.simulated_seconds) + " of " + size.until + " simulated, " + record::format_count(p.events_per_second) + " events/s");
        };
        progress(count + " ...");
        const sim::RunResult result = sim::run(request);
        if (stop.load()) {
            line.clear();
            return complain({"interrupted", ""}, failed);
        }
        all.push_back({size, result.summary});
    }
    line.clear();
    if (a.has("json")) {
        std::printf("{\"version\": \"%s\", \"heap_events_per_second\": %.0f, \"memory_bytes_per_second\": %.0f, \"runs\": [", version(), heap, memory);
        for (std::size_t i = 0; i < all.size(); ++i) {
            const record::Summary& s = all[i].summary;
            std::printf("%s\n  {\"peers\": %u, \"membership\": \"%s\", \"simulated_seconds\": %.3f, \"wall_seconds\": %.3f, \"cpu_seconds\": %.3f, \"events\": %.0f, \"events_per_cpu_second\": %.0f, "
                        "\"heap_ratio\": %.4f, \"bytes_per_peer\": %.0f, \"trace_hash\": \"%s\"}",
                        i ? "," : "", all[i].size.peers, all[i].size.membership, s.simulated_seconds.value_or(0), s.wall_seconds.value_or(0), s.cpu_seconds.value_or(0), s.events.value_or(0),
                        s.events_per_cpu_second.value_or(0), s.events_per_cpu_second.value_or(0) / heap, s.bytes_per_peer.value_or(0), s.trace_hash.c_str());
        }
        std::printf("\n]}\n");
        return finished;
    }
    std::printf("floor: a binary heap of 10^6 pending events, take one and put one: %s/s; memory, one thread: %s/s\n\n", record::format_count(heap).c_str(), record::format_bytes(memory).c_str());
    std::printf("  %8s  %-10s  %9s  %9s  %9s  %9s  %12s  %14s  %9s\n", "peers", "membership", "simulated", "real", "CPU", "events", "a CPU second", "of the heap's", "a peer");
    for (const Measured& m : all) {
        const record::Summary& s = m.summary;
        std::printf("  %8u  %-10s  %9s  %9s  %9s  %9s  %12s  %14s  %9s\n", m.size.peers, m.size.membership, record::format_seconds(s.simulated_seconds).c_str(), record::format_seconds(s.wall_seconds).c_str(),
                    record::format_seconds(s.cpu_seconds).c_str(), record::format_count(s.events).c_str(), record::format_count(s.events_per_cpu_second).c_str(),
                    record::format_percent(s.events_per_cpu_second.value_or(0) / heap).c_str(), record::format_bytes(s.bytes_per_peer).c_str());
    }
    std::printf("\nevents are inputs handed to peers, with the CPU time of building the peers; a peer: memory besides its model\n");
    return finished;
}

}  // namespace grapevine::cli
