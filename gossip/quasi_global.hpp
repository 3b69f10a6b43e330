#pragma once

#include "grapevine/gossip/exchange.hpp"

namespace grapevine::gossip {

// Quasi-global momentum (Lin, Karimireddy, Stich, Jaggi 2021): local steps are driven by how the *mixed* model has moved,
// which on unlike data differs less from peer to peer than local momentum does.
//     after a mix, k steps after the one before:  m <- mu m + (1 - mu) (p - x) / k,   p <- x
//     every local step:                           x <- x - mu m - rate * gradient
// m is a displacement per step (the paper's, times the rate). Two slots: m, and p, the model after the last mix.
class QuasiGlobal {
public:
    QuasiGlobal(const Config& config, Slot first) : mu_(config.quasi_global), m_(first), p_(static_cast<Slot>(first + 1)) {}

    static Slot slots(const Config& config) { return config.quasi_global > 0 ? 2 : 0; }

    // Before the first step. `give` takes what a learner is to be ordered.
    template <class Give>
    void start(Give&& give) {
        if (mu_ > 0) give(Fold{p_, model_slot, 0, 1, {}});
    }
    // Behind the orders of a mix; `steps` were taken in all.
    template <class Give>
    void mixed(std::uint64_t steps, Give&& give) {
        if (mu_ <= 0 || steps <= mixed_at_) return;
        const double each = (1 - mu_) / static_cast<double>(steps - mixed_at_);
        mixed_at_ = steps;
        give(Fold{m_, p_, mu_, each, {}});
        give(Fold{m_, model_slot, 1, -each, {}});
        give(Fold{p_, model_slot, 0, 1, {}});
    }
    // Behind a mix that made another's model of ours: how far that lay away says nothing of where steps lead.
    template <class Give>
    void begin_anew(std::uint64_t steps, Give&& give) {
        if (mu_ <= 0) return;
        mixed_at_ = steps;
        give(Fold{m_, model_slot, 0, 0, {}});
        give(Fold{p_, model_slot, 0, 1, {}});
    }
    std::optional<Drift> drift() const { return mu_ > 0 ? std::optional(Drift{m_, -mu_}) : std::nullopt; }

private:
    double mu_;
    Slot m_, p_;
    std::uint64_t mixed_at_ = 0;  // steps
};

}  // namespace grapevine::gossip
