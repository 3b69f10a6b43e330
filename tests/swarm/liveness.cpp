#include "liveness.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "models.hpp"
#include "scenario.hpp"

namespace grapevine::swarm {

using config::ExchangeKind;

namespace {

std::string name(std::uint32_t peer) { return "p" + std::to_string(peer + 1); }

// Of a garbled message a view may hold somebody who never was.
bool is_up(const sim::World& world, std::uint32_t peer) { return peer < world.size() && world.up(peer); }

bool is_calm(const config::Config& c) {
    using Kind = config::Distribution::Kind;
    return std::all_of(c.links.begin(), c.links.end(), [](const config::Link& l) {
        return l.loss == 0 && !l.bursts && l.reorder == 0 && (l.latency.kind == Kind::constant || l.latency.kind == Kind::uniform);
    });
}

std::uint32_t root(std::vector<std::uint32_t>& islands, std::uint32_t peer) {
    while (islands[peer] != peer) peer = islands[peer] = islands[islands[peer]];
    return peer;
}

// It has said of itself that its links are bad, or others have: then it is not chosen.
bool is_degraded(const sim::World& world, std::uint32_t peer) {
    for (std::uint32_t i = 0; i < world.size(); ++i) {
        if (!world.up(i)) continue;
        const auto* entry = world.peer(i).members().roster().find(sim::id_of(peer));
        if (entry && entry->degraded) return true;
    }
    return false;
}

// Mean over peers of |x - mean|^2.
double distance_of(sim::World& world) {
    std::vector<std::vector<double>> all;
    for (std::uint32_t i = 0; i < world.size(); ++i)
        if (world.up(i)) all.push_back(parameters_of(world, i));
    if (all.empty()) return 0;
    double sum = 0;
    for (std::size_t k = 0; k < all[0].size(); ++k) {
        double mean = 0;
        for (const auto& x : all) mean += x[k] / static_cast<double>(all.size());
        for (const auto& x : all) sum += (x[k] - mean) * (x[k] - mean);
    }
    return sum / static_cast<double>(all.size());
}

}  // namespace

Liveness::Liveness(const config::Config& config) : config_(config), calm_(is_calm(config)), next_look_(Instant(faults_end)) {}

void Liveness::told(Instant at, std::uint32_t peer, const Peer::Event& event) {
    if (!std::holds_alternative<gossip::MixedWith>(event) || at < Instant(settled)) return;
    if (peer >= mixes_.size()) mixes_.resize(peer + std::size_t{1});
    ++mixes_[peer];
}

void Liveness::after(sim::World& world) {
    if (world.now() < next_look_) return;
    if (island_.empty()) {
        faults_are_over(world);
        next_look_ = Instant(settled);
        return;
    }
    if (!std::exchange(settled_, true))
        for (std::uint32_t i = 0; i < world.size(); ++i) steps_.push_back(world.steps(i));
    look(world);
    next_look_ += std::chrono::seconds(1);
}

void Liveness::faults_are_over(sim::World& world) {
    island_.resize(world.size());
    std::iota(island_.begin(), island_.end(), 0u);
    for (std::uint32_t i = 0; i < world.size(); ++i) {
        if (!world.up(i)) continue;
        for (const auto& entry : world.peer(i).members().roster().entries()) {
            const std::uint32_t other = sim::index_of(world.book().id(entry.record));
            if (is_up(world, other)) island_[root(island_, other)] = root(island_, i);
        }
    }
    for (std::uint32_t i = 0; i < world.size(); ++i) island_[i] = root(island_, i);
    distance_ = distance_of(world);
}

void Liveness::look(const sim::World& world) {
    if (disagreed_ && calm_) return;
    const bool first = steps_.size() > 0 && next_look_ == Instant(settled);
    if (!calm_ && !first && !disagreed_) return;  // it has come true
    disagreed_ = what_is_wrong_with_views(world);
}

std::optional<sim::Violation> Liveness::what_is_wrong_with_views(const sim::World& world) const {
    using membership::Standing;
    if (config_.membership.kind == config::MembershipKind::fixed) return {};
    const bool partial = config_.membership.kind == config::MembershipKind::partial;
    std::vector<std::uint32_t> piece(world.size());
    std::iota(piece.begin(), piece.end(), 0u);
    for (std::uint32_t i = 0; i < world.size(); ++i) {
        if (!world.up(i)) continue;
        const auto wrong = [&](const std::string& what) { return sim::Violation{world.now(), i, what}; };
        std::vector<bool> sees(world.size());
        for (const auto& entry : world.peer(i).members().roster().entries()) {
            const std::uint32_t other = sim::index_of(world.book().id(entry.record));
            if (entry.standing == Standing::suspect) return wrong("still suspects " + name(other));
            if (entry.standing != Standing::alive) continue;
            if (!is_up(world, other)) return wrong("still sees " + name(other) + ", which is gone");
            sees[other] = true;
            piece[root(piece, other)] = root(piece, i);
        }
        for (std::uint32_t j = 0; j < world.size() && !partial; ++j)
            if (j != i && world.up(j) && island_[j] == island_[i] && !sees[j]) return wrong("does not see " + name(j));
    }
    for (std::uint32_t i = 0; i < world.size(); ++i)
        for (std::uint32_t j = 0; j < i; ++j)
            if (world.up(i) && world.up(j) && island_[i] == island_[j] && root(piece, i) != root(piece, j))
                return sim::Violation{world.now(), i, "has lost all ways to " + name(j)};
    return {};
}

bool Liveness::with_others(const sim::World& world, std::uint32_t peer) const {
    if (is_degraded(world, peer)) return false;
    std::uint32_t honest = 0;
    bool served = false;
    for (std::uint32_t i = 0; i < world.size(); ++i) {
        if (!world.up(i) || island_[i] != island_[peer]) continue;
        honest += !world.lies(i) && !is_degraded(world, i);
        served = served || world.serves(i);
    }
    const auto kind = config_.exchange.kind;
    if ((kind == ExchangeKind::parameter_server || kind == ExchangeKind::fedavg) && !served) return false;
    return honest >= 2 && !world.lies(peer);
}

std::optional<sim::Violation> Liveness::of_exchanges(const sim::World& world) const {
    const bool trains = config_.model.kind != config::ModelKind::average;
    // What NaN do to who must hear from everybody, and how far off is too far, is no question of liveness.
    const bool may_refuse = config_.exchange.clip != config::Clip::off || std::any_of(config_.events.begin(), config_.events.end(), [](const config::Event& e) {
        return e.kind == config::Event::Kind::liar && (e.sends == config::Event::Sends::no_number || e.sends == config::Event::Sends::huge);
    });
    for (std::uint32_t i = 0; i < world.size(); ++i) {
        if (!world.up(i)) continue;
        if (!may_refuse && trains && world.steps(i) <= steps_[i]) return sim::Violation{world.now(), i, "has stood still since " + config::format_duration(settled)};
        if (may_refuse || !with_others(world, i)) continue;
        if (i >= mixes_.size() || mixes_[i] == 0) return sim::Violation{world.now(), i, "has mixed with nobody since " + config::format_duration(settled)};
    }
    return {};
}

std::optional<sim::Violation> Liveness::of_distance(sim::World& world) {
    if (anybody_lies(config_) || config_.exchange.clip != config::Clip::off) return {};
    std::uint32_t first = ~0u;
    for (std::uint32_t i = 0; i < world.size(); ++i) {
        if (!world.up(i)) continue;
        if (first == ~0u) first = i;
        if (island_[i] != island_[first] || !with_others(world, i)) return {};
    }
    const double distance = distance_of(world), dimension = static_cast<double>(config_.model.dimension);
    double most;
    if (config_.model.kind == config::ModelKind::average) {
        double scale = 0;
        for (std::uint32_t i = 0; i < world.size(); ++i)
            if (world.up(i))
                for (const double x : parameters_of(world, i)) scale = std::max(scale, std::abs(x));
        most = std::max(1e-3 * distance_, 1e-4 * dimension * scale * scale);  // an encoding's rounding remains
    } else {
        const auto [low, high] = goals(config_, world.size());
        most = dimension * (1e-6 + 4 * (high - low) * (high - low) + 25 * config_.model.noise * config_.model.noise);
    }
    if (distance <= most) return {};
    return sim::Violation{world.now(), first, "and the others are still apart: the consensus distance is " + std::to_string(distance) + ", it was " +
                                                  std::to_string(distance_) + " when the faults were over"};
}

std::optional<sim::Violation> Liveness::ended(sim::World& world) {
    if (world.up_count() == 0 || anything_is_garbled(config_)) return {};
    if (disagreed_) return disagreed_;
    if (auto wrong = of_exchanges(world)) return wrong;
    return of_distance(world);
}

}  // namespace grapevine::swarm
