#pragma once

#include "clipping.hpp"
#include "one_way.hpp"
#include "quasi_global.hpp"

namespace grapevine::gossip {

// Epidemic Learning (de Vos, Farhadkhani, Guerraoui, Kermarrec, Pires, Sharma 2023): when due, a peer mixes what has
// come since its last turn with its own, as one plain average,
//     x <- (x + sum of the r that came) / (r + 1)
// and pushes the result to `pushes` random others. What comes in between waits for the next turn: that is the
// algorithm, and staleness of a period. Who has few incoming counts more than who has many, so the mean wanders a little.
//
// What was pushed by one peer twice within a turn counts once, the newer. The weights are a convex combination whoever
// is silent: what is lost costs its share of the mixing, and nothing else. A newcomer takes the first that comes as it
// is, and pushes only from then on.
class Epidemic final : public OneWay {
public:
    Epidemic(const Config& config, PeerId self, Random random);
    Slot slots() const override { return static_cast<Slot>(1 + QuasiGlobal::slots(config())); }

private:
    struct Here {
        PeerId from;
        std::uint32_t round;
        Snapshot theirs;
        Instant since;
        std::uint64_t steps;  // we had taken when it came
    };

    void started(Instant now, const Company& company, Out& out) override;
    std::optional<Drift> drift() const override { return options_ ? options_->momentum.drift() : std::nullopt; }
    void mix(Instant now, Out& out) override;
    bool gives() const override { return !catching_up() && !halted(); }
    bool room() const override { return here_.size() + accepted() < most_; }
    bool keeps_uninvited() const override { return false; }
    bool take(Instant now, PeerId from, std::uint32_t round, Snapshot&& theirs, Out& out) override;
    void mixed(Instant now, const Task& task, const Combined& combined, const Completion& completion, Out& out) override;
    void finishes(Instant now, Out& out) override { mix(now, out); }

    struct Options {  // of those who have switched on one of them
        explicit Options(const Config& config) : clipping(config), momentum(config, 1) {}
        Clipping clipping;
        QuasiGlobal momentum;
    };
    std::vector<Here> here_;
    std::unique_ptr<Options> options_;
    double relative_ = 0;      // greatest difference of this turn's, over our norm
    std::uint32_t most_;       // models kept until the next turn
    bool taking_ = false;      // a newcomer's first, not yet mixed
};

}  // namespace grapevine::gossip
