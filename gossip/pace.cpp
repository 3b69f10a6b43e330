#include "pace.hpp"

namespace grapevine::gossip {

void Ticks::start(Instant now, Exchange::Out& out) {
    if (!any()) return;
    turn_ = 1;
    switch (clock_) {
        case Clock::fixed: return arm(next_ = now + Duration(1) + uniform(period_), out);
        case Clock::poisson: return arm(now + scaled(period_, random_.exponential()), out);
        case Clock::shuffled: {  // of the clock that all share: periods begin at its zero
            turn_ = static_cast<std::uint64_t>((now.time_since_epoch() + period_ - Duration(1)) / period_);
            return arm(Instant(static_cast<std::int64_t>(turn_) * period_) + uniform(period_), out);
        }
        case Clock::rounds: {
            turn_ = static_cast<std::uint64_t>(now.time_since_epoch() / period_) + 1;
            return arm(Instant(static_cast<std::int64_t>(turn_) * period_), out);
        }
    }
}

std::optional<std::uint64_t> Ticks::woken(Instant now, const Due& due, Exchange::Out& out) {
    if (stopped_ || due.turn != turn_) return std::nullopt;
    const std::uint64_t turn = turn_++;
    if (clock_ == Clock::rounds || clock_ == Clock::shuffled)  // those missed are missed
        turn_ = std::max(turn_, static_cast<std::uint64_t>(now.time_since_epoch() / period_) + (clock_ == Clock::rounds ? 1 : 0));
    switch (clock_) {
        case Clock::fixed: {
            // The phase stays: a timer that came late does not shift those after it, and several missed
            // ones (a machine that slept) count as one.
            next_ += period_;
            if (next_ <= now) next_ += period_ * ((now - next_) / period_ + 1);
            arm(next_, out);
            break;
        }
        case Clock::poisson: arm(now + scaled(period_, random_.exponential()), out); break;
        case Clock::shuffled: arm(Instant(static_cast<std::int64_t>(turn_) * period_) + uniform(period_), out); break;
        case Clock::rounds: arm(Instant(static_cast<std::int64_t>(turn_) * period_), out); break;
    }
    return turn;
}

void Training::ended(Instant now, const Trained& trained) {
    under_way_ = false;
    ordered_ = 0;
    slice_.reset();
    steps_ += trained.steps;
    if (trained.steps == 0) return;
    const double each = seconds(now - begun_) / trained.steps;
    step_seconds_ = step_seconds_ > 0 ? 0.8 * step_seconds_ + 0.2 * each : each;
}

Duration Patience::now() const {
    if (told_) return *told_;
    if (mean_ == 0) return std::chrono::seconds(5);
    return std::max(from_seconds(10 * mean_), Duration(std::chrono::seconds(1)));
}

void Patience::took(Duration d) {
    const double s = std::max(seconds(d), 1e-6);
    mean_ = mean_ > 0 ? 0.8 * mean_ + 0.2 * s : s;
}

}  // namespace grapevine::gossip
