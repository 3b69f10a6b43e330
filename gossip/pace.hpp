#pragma once

#include <algorithm>

#include "grapevine/gossip/exchange.hpp"

namespace grapevine::gossip {

// The ends of a run, for exchanges that wait for nobody. A newcomer mixes before it trains, or begins alone after a while. When
// the run is over peers mix on until a few mixes in a row find hardly any difference; who leaves while the others train on mixes once.
inline constexpr Duration catch_up_within = std::chrono::seconds(10);
inline constexpr Duration finish_every = std::chrono::milliseconds(100);
inline constexpr Duration finish_within = std::chrono::seconds(10);
inline constexpr double calm_distance = 0.001;  // of the norm
inline constexpr Duration part_within = std::chrono::seconds(2);

// When exchanges are due by time: the four clocks. A peer has its own; only `rounds` and `shuffled` mean
// anything to all at once, and only where all have one clock.
//   fixed     a timer of the period, with a phase uniform in (0, period]
//   shuffled  one instant uniform in every [k period, (k+1) period), drawn anew: a common shuffle without
//             common knowledge
//   poisson   exponential gaps of that mean
//   rounds    at k period, k >= 1
class Ticks {
public:
    explicit Ticks(Random random) : random_(random) {}

    static bool any(const Config& config) { return config.period && *config.period > Duration::zero(); }
    void start(const Config& config, Instant now, Exchange::Out& out);
    // Arms the next one. The turn just due (of `rounds`: k); nothing if the timer was stale.
    std::optional<std::uint64_t> woken(const Config& config, Instant now, const Due& due, Exchange::Out& out);
    void stop() { turn_ = never; }

private:
    static constexpr std::uint64_t never = std::uint64_t{1} << 63;  // of all turns
    void arm(Instant at, Exchange::Out& out) { out.wake(at, Due{turn_}); }
    Duration uniform(Duration below) { return Duration(static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(below.count())))); }

    Random random_;
    Instant next_{};  // fixed: when the timer is next due
    std::uint64_t turn_ = 0;
};

// Keeps the learner at work, one order at a time, each about as long as `order` says: then the next step
// boundary is never far. How many steps that is shows from how long the last orders took.
class Training {
public:
    bool wanted(const Config& config) const { return config.trains && !stopped_ && !(config.until_steps && steps_ >= *config.until_steps); }
    bool under_way() const { return under_way_; }
    std::uint64_t steps() const { return steps_; }
    std::uint64_t ordered() const { return steps_ + ordered_; }  // with those under way
    // At most `most` steps from here. Nothing happens where none are wanted or some are under way.
    template <class Give>
    void begin(const Config& config, Instant now, std::uint64_t most, Give&& give) {
        if (!wanted(config) || under_way_ || most == 0) return;
        std::uint64_t steps = 1;
        if (step_seconds_ > 0) steps = static_cast<std::uint64_t>(std::max(1.0, seconds(config.order) / step_seconds_ + 0.5));
        steps = std::min({steps, most, std::uint64_t{1} << 14});  // the next boundary is to be near in real time too
        if (config.until_steps) steps = std::min(steps, *config.until_steps - steps_);
        under_way_ = true;
        begun_ = now;
        ordered_ = static_cast<std::uint32_t>(steps);
        give(Train{static_cast<std::uint32_t>(steps), {}, 1});
    }
    void ended(Instant now, const Trained& trained);
    void stop() { stopped_ = true; }
    double pace() const { return step_seconds_ > 0 ? 1 / step_seconds_ : 0; }  // steps a second; 0: not known

protected:
    void begin_one(Instant now) {
        under_way_ = true;
        begun_ = now;
        ordered_ = 1;
    }

private:
    std::uint64_t steps_ = 0;
    Instant begun_{};
    double step_seconds_ = 0;  // mean over the last orders
    std::uint32_t ordered_ = 0;
    bool under_way_ = false, stopped_ = false;
};

// Which can also take a step in slices.
class SlicedTraining : public Training {
public:
    // One step in slices. Once begun it is gone on with to the last, whatever becomes of what it was cut up for: half of a
    // step is no model.
    template <class Give>
    void begin_slices(Instant now, std::uint32_t count, Give&& give) {
        begin_one(now);
        slice_ = Slice{0, count};
        give(Train{1, {}, 1, slice_});
    }
    std::optional<Slice> slice() const { return slice_.count > 0 ? std::optional(slice_) : std::nullopt; }  // the one under way
    template <class Give>
    void next_slice(Give&& give) {
        ++slice_.index;
        give(Train{1, {}, 1, slice_});
    }
    void ended(Instant now, const Trained& trained) {
        slice_ = {0, 0};
        Training::ended(now, trained);
    }

private:
    Slice slice_{0, 0};  // of no step
};

// How long to wait before something is given up: as told, or ten times what it took lately, a second at least. What took far
// longer than the last ones was most likely waited for in vain in part, a message that was lost or a machine that slept: it
// counts three times the mean at most. Else each such wait would make the next one longer, without end.
class Patience {
public:
    Duration now(const Config& config) const;
    bool known(const Config& config) const { return config.patience || mean_ > 0; }  // else nothing was measured yet
    void took(Duration d);

private:
    static constexpr double least = 0.1;  // seconds: shorter ones are all alike
    double mean_ = 0;  // seconds
};

}  // namespace grapevine::gossip
