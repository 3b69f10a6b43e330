#include "measure.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <span>
#include <xxhash.h>

namespace grapevine::sim {

namespace {

// f(i) for each i below n, some a job.
template <class F>
void in_parts(Crew& crew, std::size_t n, std::size_t part, const F& f) {
    crew.together((n + part - 1) / part, [&](std::size_t p) {
        for (std::size_t i = p * part; i < std::min(n, (p + 1) * part); ++i) f(i);
    });
}

// Of its parameters so many.
Snapshot snapshot_of(World& world, std::uint32_t peer, std::uint64_t live) {
    if (const Snapshot* agreed = world.agreed(peer)) return *agreed;
    Learner& learner = world.learner(peer);
    Completion done = learner.carry_out({0, Publish{model_slot, {0, std::min(live, learner.size())}}});
    return std::move(std::get<Published>(done.what).snapshot);
}

// Calls f(values) with its elements, as they lie there.
template <class F>
auto with_values(const Snapshot& s, F&& f) {
    if (s.encoding == Encoding::float64) return f(reinterpret_cast<const double*>(s.bytes.data));
    return f(reinterpret_cast<const float*>(s.bytes.data));
}

// In a fixed order, eight sums side by side, so that the compiler can keep them in one register.
double squared_distance(const Snapshot& s, const std::vector<double>& mean) {
    constexpr std::size_t lanes = 8;
    return with_values(s, [&](const auto* values) {
        double sums[lanes] = {}, sum = 0;
        const std::size_t n = mean.size(), whole = n / lanes * lanes;
        for (std::size_t k = 0; k < whole; k += lanes)
            for (std::size_t l = 0; l < lanes; ++l) {
                const double d = static_cast<double>(values[k + l]) - mean[k + l];
                sums[l] += d * d;
            }
        for (std::size_t k = whole; k < n; ++k) {
            const double d = static_cast<double>(values[k]) - mean[k];
            sums[k - whole] += d * d;
        }
        for (const double x : sums) sum += x;
        return sum;
    });
}

// The models of some peers, as many at a time as take 8 MiB, or all of them if they fit (their buffers stay in the pool).
class Models {
public:
    Models(World& world, const std::vector<std::uint32_t>& peers, std::uint64_t live, Crew& crew)
        : world_(world), peers_(peers), live_(std::min(live, world.learner(peers.front()).size())), crew_(crew) {
        const std::size_t bytes = std::max<std::size_t>(live_ * bytes_per_element(world.learner(peers.front()).encoding()), 64);
        at_once_ = std::clamp<std::size_t>((8u << 20) / bytes, 1, peers.size());
    }

    // f(place of the first in `peers`, models), block after block.
    template <class F>
    void for_each_block(F&& f) {
        for (std::size_t begin = 0; begin < peers_.size(); begin += at_once_) {
            if (held_.empty() || at_once_ < peers_.size()) freeze(begin);
            f(begin, std::span<const Snapshot>(held_));
        }
    }

    std::uint64_t live() const { return live_; }
    Crew& crew() { return crew_; }

private:
    void freeze(std::size_t begin) {
        held_.resize(std::min(at_once_, peers_.size() - begin));
        in_parts(crew_, held_.size(), 16, [&](std::size_t i) { held_[i] = snapshot_of(world_, peers_[begin + i], live_); });
    }

    World& world_;
    const std::vector<std::uint32_t>& peers_;
    std::uint64_t live_;
    Crew& crew_;
    std::size_t at_once_ = 1;
    std::vector<Snapshot> held_;
};

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

// Each counts with the mass that it holds, which is 1 but for push-sum. Where nobody holds any all count alike. Every
// coordinate is summed over the peers in their order, whoever does it.
std::vector<double> mean_of(World& world, const std::vector<std::uint32_t>& up, Models& models) {
    std::vector<double> mean(models.live(), 0.0);
    const double mass = mass_of(world, up);
    std::vector<double> weights;
    for (const std::uint32_t i : up) weights.push_back(mass > 0 ? world.peer(i).mass().held : 1);
    constexpr std::size_t stretch = 1024;  // coordinates a job: their sums stay in the first-level cache
    models.for_each_block([&](std::size_t begin, std::span<const Snapshot> block) {
        in_parts(models.crew(), (mean.size() + stretch - 1) / stretch, 1, [&](std::size_t part) {
            const std::size_t from = part * stretch, to = std::min(mean.size(), from + stretch);
            for (std::size_t i = 0; i < block.size(); ++i)
                with_values(block[i], [&, weight = weights[begin + i]](const auto* values) {
                    for (std::size_t k = from; k < to; ++k) mean[k] += weight * static_cast<double>(values[k]);
                });
        });
    });
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

namespace {

struct Evaluated {
    std::uint32_t peer;
    const Snapshot* agreed;
    bool again;            // it agrees with the one before, to the bit
    Evaluation own, of_merged;
};

// Held-out data are the same for all, but for models without any: there each peer's own function is a part of the whole.
void evaluate_all(World& world, std::vector<Evaluated>& all, const Snapshot& merged, Crew& crew) {
    const auto own = [&](Evaluated& e) {
        Learner& learner = world.learner(e.peer);
        e.own = e.agreed ? learner.evaluate(*e.agreed) : learner.evaluate();
    };
    std::vector<std::size_t> differ;
    for (std::size_t i = 0; i < all.size(); ++i)
        if (!all[i].again) differ.push_back(i);
    crew.together(differ.size(), [&](std::size_t j) {
        own(all[differ[j]]);
        if (j == 0) all.front().of_merged = world.learner(all.front().peer).evaluate(merged);  // by who is the first of them
    });
    const bool classes = all.front().own.accuracy.has_value();
    if (classes) {  // one evaluation does for all that have the same model
        for (std::size_t i = 1; i < all.size(); ++i)
            if (all[i].again) all[i].own = all[i - 1].own;
        return;
    }
    in_parts(crew, all.size(), 64, [&](std::size_t i) {
        if (all[i].again) own(all[i]);
        if (i > 0) all[i].of_merged = world.learner(all[i].peer).evaluate(merged);
    });
}

}  // namespace

Measured measure(World& world, const std::vector<std::uint32_t>& evaluate, Crew& crew, std::uint64_t live) {
    Measured m;
    const auto up = all_up(world);
    if (up.empty()) return m;
    Models models(world, up, live, crew);
    if (live > 0) m.mean = mean_of(world, up, models);
    std::vector<double> squares(up.size());
    if (live > 0) models.for_each_block([&](std::size_t begin, std::span<const Snapshot> block) {
        in_parts(crew, block.size(), 16, [&](std::size_t i) { squares[begin + i] = squared_distance(block[i], m.mean); });
    });
    double norm = 0, distance = 0;
    for (const double x : m.mean) norm += x * x;
    for (std::size_t i = 0; i < up.size(); ++i) {
        const double held = world.peer(up[i]).mass().held;
        distance += squares[i];
        m.push_sum_potential += held * held * squares[i];
    }
    m.mass = mass_of(world, up);
    for (std::uint32_t i = 0; i < world.size(); ++i) {  // who crashed took along what it held
        const auto mass = world.peer(i).mass();
        m.mass_lost += mass.lost + (world.up(i) ? 0 : mass.held);
    }
    m.consensus_distance = distance / static_cast<double>(up.size());
    if (norm > 0) m.consensus_relative = std::sqrt(m.consensus_distance) / std::sqrt(norm);

    std::vector<Evaluated> all;
    for (const std::uint32_t i : evaluate) {
        if (!world.up(i) || world.lies(i)) continue;
        const Snapshot* agreed = world.agreed(i);
        const Snapshot* before = all.empty() ? nullptr : all.back().agreed;
        const bool again = agreed && before && agreed->bytes.size == before->bytes.size &&
                           std::memcmp(agreed->bytes.data, before->bytes.data, before->bytes.size) == 0;
        all.push_back({i, agreed, again, {}, {}});
    }
    if (all.empty()) return m;
    const auto server = server_of(world, up);
    evaluate_all(world, all, server ? snapshot_of(world, *server, live) : frozen(world.learner(all.front().peer), m.mean), crew);

    double loss = 0, accuracy = 0, merged_loss = 0;
    for (const Evaluated& e : all) {
        m.evaluations.emplace_back(e.peer, e.own);
        loss += e.own.loss;
        merged_loss += e.of_merged.loss;
        if (!e.own.accuracy) continue;
        accuracy += *e.own.accuracy;
        m.worst_accuracy = std::min(m.worst_accuracy.value_or(1), *e.own.accuracy);
    }
    m.evaluated = all.size();
    const auto count = static_cast<double>(all.size());
    m.loss = loss / count;
    if (m.worst_accuracy) {
        m.accuracy = accuracy / count;
        m.merged_loss = all.front().of_merged.loss;
        m.merged_accuracy = all.front().of_merged.accuracy;
    } else {
        m.merged_loss = merged_loss / count;
    }
    return m;
}

std::uint64_t model_hash(World& world, std::uint64_t live) {
    std::uint64_t hash = 0;
    for (const std::uint32_t i : all_up(world)) {
        const Snapshot s = snapshot_of(world, i, live);
        hash = XXH3_64bits_withSeed(s.bytes.data, std::min(s.bytes.size, live == everything ? s.bytes.size : live * bytes_per_element(s.encoding)), hash);
    }
    return hash;
}

Snapshot merged_model(World& world, Crew& crew) {
    const auto up = all_up(world);
    if (const auto server = server_of(world, up)) return snapshot_of(world, *server, everything);
    if (up.empty()) return {};
    Models models(world, up, everything, crew);
    return frozen(world.learner(up.front()), mean_of(world, up, models));
}

}  // namespace grapevine::sim
