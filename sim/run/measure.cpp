#include "measure.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <xxhash.h>

namespace grapevine::sim {

namespace {

Snapshot snapshot_of(World& world, std::uint32_t peer) {
    if (const Snapshot* agreed = world.agreed(peer)) return *agreed;
    Learner& learner = world.learner(peer);
    Completion done = learner.carry_out({0, Publish{model_slot, {0, learner.size()}}});
    return std::move(std::get<Published>(done.what).snapshot);
}

// Calls f(i, value) for each element.
template <class F>
void for_each(const Snapshot& s, F&& f) {
    if (s.encoding == Encoding::float64) {
        const auto* values = reinterpret_cast<const double*>(s.bytes.data);
        for (std::uint64_t i = 0; i < s.range.count; ++i) f(i, values[i]);
    } else {
        const auto* values = reinterpret_cast<const float*>(s.bytes.data);
        for (std::uint64_t i = 0; i < s.range.count; ++i) f(i, static_cast<double>(values[i]));
    }
}

std::vector<std::uint32_t> all_up(const World& world) {  // and honest
    std::vector<std::uint32_t> up;
    for (std::uint32_t i = 0; i < world.size(); ++i)
        if (world.up(i) && !world.lies(i)) up.push_back(i);
    return up;
}

double mass_of(const World& world, const std::vector<std::uint32_t>& up) {
    double mass = 0;
    for (const std::uint32_t i : up) mass += world.peer(i).mass().held;
    return mass;
}

// Each counts with the mass that it holds, which is 1 but for push-sum. Where nobody holds any all count alike.
std::vector<double> mean_of(World& world, const std::vector<std::uint32_t>& up) {
    std::vector<double> mean(up.empty() ? 0 : world.learner(up.front()).size(), 0.0);
    const double mass = mass_of(world, up);
    for (const std::uint32_t i : up) {
        const double weight = mass > 0 ? world.peer(i).mass().held : 1;
        for_each(snapshot_of(world, i), [&](std::uint64_t k, double x) { mean[k] += weight * x; });
    }
    for (double& m : mean) m /= mass > 0 ? mass : static_cast<double>(up.size());
    return mean;
}

// The model of all: the server's where there is one, else the average.
std::optional<std::uint32_t> server_of(const World& world, const std::vector<std::uint32_t>& up) {
    for (const std::uint32_t i : up)
        if (world.serves(i)) return i;
    return std::nullopt;
}

}  // namespace

Snapshot frozen(Learner& like, const std::vector<double>& values) {
    Snapshot s;
    s.layout = like.layout();
    s.encoding = like.encoding();
    s.range = {0, values.size()};
    const std::size_t size = values.size() * bytes_per_element(s.encoding);
    auto memory = std::shared_ptr<std::byte[]>(new std::byte[size]);
    if (s.encoding == Encoding::float64) {
        std::memcpy(memory.get(), values.data(), size);
    } else {
        auto* to = reinterpret_cast<float*>(memory.get());
        for (std::size_t i = 0; i < values.size(); ++i) to[i] = static_cast<float>(values[i]);
    }
    s.bytes = {memory.get(), size, memory};
    return s;
}

Measured measure(World& world, const std::vector<std::uint32_t>& evaluate) {
    Measured m;
    const auto up = all_up(world);
    if (up.empty()) return m;
    m.mean = mean_of(world, up);
    double norm = 0, distance = 0;
    for (const double x : m.mean) norm += x * x;
    for (const std::uint32_t i : up) {
        double square = 0;
        for_each(snapshot_of(world, i), [&](std::uint64_t k, double x) { square += (x - m.mean[k]) * (x - m.mean[k]); });
        const double held = world.peer(i).mass().held;
        distance += square;
        m.push_sum_potential += held * held * square;
    }
    m.mass = mass_of(world, up);
    for (std::uint32_t i = 0; i < world.size(); ++i) {  // who crashed took along what it held
        const auto mass = world.peer(i).mass();
        m.mass_lost += mass.lost + (world.up(i) ? 0 : mass.held);
    }
    m.consensus_distance = distance / static_cast<double>(up.size());
    if (norm > 0) m.consensus_relative = std::sqrt(m.consensus_distance) / std::sqrt(norm);

    double loss = 0, accuracy = 0, merged_loss = 0;
    std::size_t with_accuracy = 0, with_loss = 0;
    Snapshot merged;
    const auto server = server_of(world, up);
    Evaluation e;
    const Snapshot* before = nullptr;  // what the peer before agreed on, and `e` is of
    for (const std::uint32_t i : evaluate) {
        if (!world.up(i) || world.lies(i)) continue;
        Learner& learner = world.learner(i);
        const Snapshot* agreed = world.agreed(i);
        // Who agrees has the same model, to the bit: one evaluation does for all where held-out data are the same.
        const bool again = agreed && before && e.accuracy && agreed->bytes.size == before->bytes.size &&
                           std::memcmp(agreed->bytes.data, before->bytes.data, before->bytes.size) == 0;
        if (!again) e = agreed ? learner.evaluate(*agreed) : learner.evaluate();
        before = agreed;
        ++m.evaluated;
        m.evaluations.emplace_back(i, e);
        loss += e.loss;
        ++with_loss;
        if (e.accuracy) {
            accuracy += *e.accuracy;
            ++with_accuracy;
            m.worst_accuracy = std::min(m.worst_accuracy.value_or(1), *e.accuracy);
        }
        // Held-out data are the same for all; without any, each peer's own function is a part of the whole.
        if (merged.bytes.size == 0) merged = server ? snapshot_of(world, *server) : frozen(learner, m.mean);
        if (!e.accuracy) {
            merged_loss += learner.evaluate(merged).loss;
        } else if (!m.merged_loss) {
            const Evaluation of_all = learner.evaluate(merged);
            m.merged_loss = of_all.loss;
            m.merged_accuracy = of_all.accuracy;
        }
    }
    if (with_loss > 0) {
        m.loss = loss / static_cast<double>(with_loss);
        if (with_accuracy > 0) m.accuracy = accuracy / static_cast<double>(with_accuracy);
        if (with_accuracy == 0) m.merged_loss = merged_loss / static_cast<double>(with_loss);
    }
    return m;
}

std::uint64_t model_hash(World& world) {
    std::uint64_t hash = 0;
    for (const std::uint32_t i : all_up(world)) {
        const Snapshot s = snapshot_of(world, i);
        hash = XXH3_64bits_withSeed(s.bytes.data, s.bytes.size, hash);
    }
    return hash;
}

Snapshot merged_model(World& world) {
    const auto up = all_up(world);
    if (const auto server = server_of(world, up)) return snapshot_of(world, *server);
    return up.empty() ? Snapshot{} : frozen(world.learner(up.front()), mean_of(world, up));
}

}  // namespace grapevine::sim
