// bench mix: what it takes to mix a received model into one's own, beside copying memory.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>
#include <vector>

#include "bench.hpp"
#include "grapevine/kernels/cpu.hpp"
#include "grapevine/learn/encoding.hpp"
#include "grapevine/learn/task.hpp"
#include "grapevine/random.hpp"
#include "grapevine/record/format.hpp"
#include "interrupt.hpp"
#include "terminal.hpp"
#include "verb.hpp"

namespace grapevine::cli {

namespace {

constexpr std::size_t classes = 10;

// A learner of about so many parameters: logistic regression of one row. What it learns nobody asks.
std::variant<std::unique_ptr<Learner>, Error> learner_of(std::size_t parameters) {
    auto set = std::make_shared<learn::Dataset>();
    set->features = parameters / classes;
    set->classes = classes;
    set->values = std::vector<std::uint8_t>(set->features);
    set->labels = {0};
    auto read = config::read_text("seed = 1\n[model]\nkind = \"logistic\"\n[data]\nset = \"fashion-mnist\"\n[exchange]\nkind = \"gossip\"\n", "bench");
    if (auto* error = std::get_if<Error>(&read)) return std::move(*error);
    const auto config = std::get<config::Config>(std::move(read));
    learn::Sets sets;
    sets.train = sets.test = set;
    auto prepared = learn::prepare(config, &sets);
    if (auto* error = std::get_if<learn::Error>(&prepared)) return std::move(*error);
    return learn::make_learner(config, 0, 1, std::get<std::shared_ptr<const learn::Task>>(prepared), {0}, kernels::make_cpu_backend(1));
}

struct Measured {
    double parameters = 0;
    const char* encoding = "";
    double seconds = 0, bytes = 0;  // of one mix: what is read and written
    double ratio = 0;               // to copying as many
};

}  // namespace

int bench_mix(const Arguments& a) {
    if (const auto error = unknown_device(a)) return complain(*error, usage);
    auto number = a.number("parameters", 1000, 1e9);
    if (const auto* error = std::get_if<Error>(&number)) return complain(*error, usage);
    std::vector<std::size_t> sizes = {1'000'000, 100'000'000};
    if (const auto only = std::get<std::optional<double>>(number)) sizes = {static_cast<std::size_t>(*only)};

    const auto& stop = stop_on_interrupt();
    ProgressLine line;
    std::vector<Measured> all;
    struct Copy {
        std::size_t bytes;
        double bandwidth;
    };
    std::vector<Copy> floors;
    for (const std::size_t size : sizes) {
        if (!a.has("quiet")) line.show(record::format_count(static_cast<double>(size)) + " parameters ...");
        auto made = learner_of(size);
        if (const auto* error = std::get_if<Error>(&made)) return complain(*error, failed);
        const auto learner = std::get<std::unique_ptr<Learner>>(std::move(made));
        const std::size_t count = learner->size();
        const auto published = std::get<Published>(learner->carry_out({0, Publish{model_slot, {0, count}}}).what).snapshot;
        const std::span values(reinterpret_cast<const float*>(published.bytes.data), count);
        const std::size_t bytes = count * sizeof(float);
        const double copying = copy_bandwidth(bytes);  // of as much: caches hold small ones
        floors.push_back({bytes, copying});
        struct Way {
            Encoding encoding;
            const char* name;
        };
        for (const Way& way : {Way{Encoding::float32, "float32"}, {Encoding::bf16, "bf16"}, {Encoding::int8, "int8"}}) {
            Snapshot theirs = published;
            if (way.encoding != Encoding::float32) {
                const std::size_t encoded = learn::encoded_bytes(way.encoding, count, 1);
                const std::shared_ptr<std::byte[]> memory(new std::byte[encoded]);
                learn::encode(values, way.encoding, 1, memory.get());
                theirs.encoding = way.encoding;
                theirs.bytes = {memory.get(), encoded, memory};
            }
            const Completion warm = learner->carry_out({0, Combine{model_slot, 0.5, 0.5, theirs}});
            if (!std::isfinite(std::get<Combined>(warm.what).distance)) return complain({"mixing gave what is no number", ""}, failed);
            const double seconds = best_seconds_of(1, [&] { learner->carry_out({0, Combine{model_slot, 0.5, 0.5, theirs}}); });
            const double moved = 2.0 * static_cast<double>(bytes) + static_cast<double>(theirs.bytes.size);
            all.push_back({static_cast<double>(count), way.name, seconds, moved, moved / seconds / copying});
            if (stop.load()) {
                line.clear();
                return complain({"interrupted", ""}, failed);
            }
        }
    }
    line.clear();
    if (a.has("json")) {
        std::printf("{\"version\": \"%s\", \"copy\": [", version());
        for (std::size_t i = 0; i < floors.size(); ++i) std::printf("%s\n  {\"bytes\": %zu, \"bytes_per_second\": %.0f}", i ? "," : "", floors[i].bytes, floors[i].bandwidth);
        std::printf("\n], \"mixes\": [");
        for (std::size_t i = 0; i < all.size(); ++i)
            std::printf("%s\n  {\"parameters\": %.0f, \"encoding\": \"%s\", \"seconds\": %.6g, \"bytes_per_second\": %.0f, \"copy_ratio\": %.4f}", i ? "," : "", all[i].parameters, all[i].encoding, all[i].seconds,
                        all[i].bytes / all[i].seconds, all[i].ratio);
        std::printf("\n]}\n");
        return finished;
    }
    std::printf("floor: copying as many bytes as a model has, read and written, one thread:");
    for (const Copy& c : floors) std::printf(" %s/s for %s%s", record::format_bytes(c.bandwidth).c_str(), record::format_bytes(static_cast<double>(c.bytes)).c_str(), &c == &floors.back() ? "\n\n" : ",");
    std::printf("  %10s  %-9s  %10s  %12s  %10s\n", "parameters", "as", "one mix", "moved", "of copying");
    for (const Measured& m : all)
        std::printf("  %10s  %-9s  %10s  %10s/s  %10s\n", record::format_count(m.parameters).c_str(), m.encoding, record::format_seconds(m.seconds).c_str(), record::format_bytes(m.bytes / m.seconds).c_str(),
                    record::format_percent(m.ratio).c_str());
    std::printf("\nmoved: one's own model read and written, the other's read as it travelled; its decoding and the distance between both are part of it\n");
    return finished;
}

}  // namespace grapevine::cli
