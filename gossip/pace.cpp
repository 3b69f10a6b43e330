#include "pace.hpp"

namespace grapevine::gossip {

void Ticks::start(const Config& config, Instant now, Exchange::Out& out) {
    if (!any(config)) return;
    const Duration period = *config.period;
    turn_ = 1;
    switch (config.clock) {
        case Clock::fixed: return arm(next_ = now + Duration(1) + uniform(period), out);
        case Clock::poisson: return arm(now + scaled(period, random_.exponential()), out);
        case Clock::shuffled: {  // of the clock that all share: periods begin at its zero
            turn_ = static_cast<std::uint64_t>((now.time_since_epoch() + period - Duration(1)) / period);
            return arm(Instant(static_cast<std::int64_t>(turn_) * period) + uniform(period), out);
        }
        case Clock::rounds: {
            turn_ = static_cast<std::uint64_t>(now.time_since_epoch() / period) + 1;
            return arm(Instant(static_cast<std::int64_t>(turn_) * period), out);
        }
    }
}

std::optional<std::uint64_t> Ticks::woken(const Config& config, Instant now, const Due& due, Exchange::Out& out) {
    if (turn_ == never || due.turn != turn_ || !any(config)) return std::nullopt;
    const Duration period = *config.period;
    const std::uint64_t turn = turn_++;
    if (config.clock == Clock::rounds || config.clock == Clock::shuffled)  // those missed are missed
        turn_ = std::max(turn_, static_cast<std::uint64_t>(now.time_since_epoch() / period) + (config.clock == Clock::rounds ? 1 : 0));
    switch (config.clock) {
        case Clock::fixed: {
            // The phase stays: a timer that came late does not shift those after it, and several missed
            // ones (a machine that slept) count as one.
            next_ += period;
            if (next_ <= now) next_ += period * ((now - next_) / period + 1);
            arm(next_, out);
            break;
        }
        case Clock::poisson: arm(now + scaled(period, random_.exponential()), out); break;
        case Clock::shuffled: arm(Instant(static_cast<std::int64_t>(turn_) * period) + uniform(period), out); break;
        case Clock::rounds: arm(Instant(static_cast<std::int64_t>(turn_) * period), out); break;
    }
    return turn;
}

void Training::ended(Instant now, const Trained& trained) {
    under_way_ = false;
    ordered_ = 0;
    steps_ += trained.steps;
    if (trained.steps == 0) return;
    const double each = seconds(now - begun_) / trained.steps;
    step_seconds_ = step_seconds_ > 0 ? 0.8 * step_seconds_ + 0.2 * each : each;
}

Duration Patience::now(const Config& config) const {
    if (config.patience) return *config.patience;
    if (mean_ == 0) return std::chrono::seconds(5);
    return from_seconds(10 * std::max(mean_, least));
}

void Patience::took(Duration d) {
    const double s = std::max(seconds(d), 1e-6);
    mean_ = mean_ > 0 ? 0.8 * mean_ + 0.2 * std::min(s, 3 * std::max(mean_, least)) : s;
}

}  // namespace grapevine::gossip
