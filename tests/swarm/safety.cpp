#include "safety.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "models.hpp"
#include "scenario.hpp"

namespace grapevine::swarm {

namespace {

// Every mix is a convex combination of models, and every step goes towards its goal and not beyond.
bool is_convex(const config::Config& c) {
    const config::Exchange& e = c.exchange;
    using enum config::ExchangeKind;
    if (e.kind == outer || (e.kind == gossip && e.form == config::Form::delta) || (e.kind == push_sum && e.robust)) return false;
    if (e.kind == parameter_server && e.mode == config::Mode::async) return false;
    if (e.quasi_global > 0 || e.encoding == config::Encoding::int8 || e.encoding == config::Encoding::top_k || e.speed_scaled) return false;
    return c.model.kind == config::ModelKind::average || (c.model.noise == 0 && c.train.learning_rate * c.model.a.number <= 1);
}

}  // namespace

Safety::Safety(const config::Config& config)
    : config_(config), honest_(!anybody_lies(config)), convex_(honest_ && !anything_is_garbled(config) && is_convex(config)),
      conserves_(config.exchange.kind == config::ExchangeKind::push_sum && !config.exchange.robust && !anything_is_garbled(config)) {}

std::optional<sim::Violation> Safety::after(sim::World& world) {
    if (world.violation()) return world.violation();
    meet(world);
    if (honest_)
        if (auto wrong = of_models(world)) return wrong;
    if (!conserves_) return {};
    if (world.now() >= Instant(settled) && !std::exchange(quiet_, true)) mass_.leak(world);  // from here on
    return mass_.after(world);
}

std::optional<sim::Violation> Safety::ended(sim::World& world) { return conserves_ ? mass_.leak(world) : std::nullopt; }

// Newcomers widen the hull.
void Safety::meet(sim::World& world) {
    for (; met_ < world.size(); ++met_) {
        const std::vector<double> x = parameters_of(world, met_);
        if (low_.empty()) low_ = high_ = x;
        for (std::size_t k = 0; k < x.size(); ++k) low_[k] = std::min(low_[k], x[k]), high_[k] = std::max(high_[k], x[k]);
    }
}

std::optional<sim::Violation> Safety::of_models(sim::World& world) {
    std::pair<double, double> goal{HUGE_VAL, -HUGE_VAL};
    if (config_.model.kind == config::ModelKind::quadratic) goal = goals(config_, world.size());
    for (std::uint32_t i = 0; i < world.size(); ++i) {
        if (!world.up(i)) continue;
        const std::vector<double> x = parameters_of(world, i);
        for (std::size_t k = 0; k < x.size(); ++k) {
            const auto wrong = [&](const std::string& what) {
                return sim::Violation{world.now(), i, "has " + std::to_string(x[k]) + " for its parameter " + std::to_string(k) + what};
            };
            if (!std::isfinite(x[k])) return wrong(", and nobody lied");
            if (!convex_) continue;
            const double low = std::min(low_[k], goal.first), high = std::max(high_[k], goal.second);
            const double scale = std::max(std::abs(low), std::abs(high));
            const double rounding = scale * (config_.exchange.encoding == config::Encoding::bf16 ? 0x1p-8 : 1e-9);
            if (x[k] < low - rounding || x[k] > high + rounding)
                return wrong(", beyond all there ever was: " + std::to_string(low) + " to " + std::to_string(high));
        }
    }
    return {};
}

}  // namespace grapevine::swarm
