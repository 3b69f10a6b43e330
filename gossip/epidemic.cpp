#include "epidemic.hpp"

#include <algorithm>

namespace grapevine::gossip {

// So many come on average; with four times as many and some, one in a million is turned away where turns keep step.
Epidemic::Epidemic(const Config& config, PeerId self, Random random)
    : OneWay(config, self, random, config.pushes), most_(4 * config.pushes + 12) {
    if (config.clip != Clip::off || config.quasi_global > 0) options_ = std::make_unique<Options>(config);
}

void Epidemic::started(Instant, const Company&, Out& out) {
    if (options_) options_->momentum.start([&](Fold fold) { quietly(fold, out); });
}

bool Epidemic::take(Instant now, PeerId from, std::uint32_t round, Snapshot&& theirs, Out& out) {
    if (catching_up()) {
        if (theirs.samples > 0 && !taking_) {
            taking_ = true;
            combine({.from = from, .weight = 1, .steps = steps(), .since = now}, 0, 1, std::move(theirs), out);
            if (options_) options_->momentum.begin_anew(ordered(), [&](Fold fold) { quietly(fold, out); });
        }
        return true;  // from another newcomer there is nothing to take
    }
    const auto before = std::find_if(here_.begin(), here_.end(), [&](const Here& h) { return h.from == from; });
    if (before == here_.end()) {
        here_.push_back({from, round, std::move(theirs), now, steps()});
    } else if (static_cast<std::int32_t>(round - before->round) > 0) {
        *before = {from, round, std::move(theirs), now, steps()};
    }
    return true;
}

void Epidemic::mix(Instant now, Out& out) {
    if (here_.empty()) return;
    const bool guarded = options_ && options_->clipping.on();
    const Guard guard = guarded ? options_->clipping.guard(now, steps()) : Guard{};
    const double weight = 1.0 / static_cast<double>(here_.size() + 1);
    for (std::size_t i = 0; i < here_.size(); ++i) {  // the mean of i + 1 and one more
        Here& h = here_[i];
        const double theirs = 1.0 / static_cast<double>(i + 2);
        combine({.from = h.from, .weight = weight, .steps = h.steps, .since = h.since, .last = i + 1 == here_.size(), .guarded = guarded},
                1 - theirs, theirs, std::move(h.theirs), out, guard);
    }
    if (options_) options_->momentum.mixed(ordered(), [&](Fold fold) { quietly(fold, out); });
    here_.clear();
}

void Epidemic::mixed(Instant now, const Task& task, const Combined& combined, const Completion& completion, Out& out) {
    if (task.guarded) options_->clipping.saw(task.from, combined);
    if (combined.taken > 0)
        out.tell(MixedWith{task.from, completion.steps - task.steps, combined.distance, combined.norm, task.bytes, now - task.since, task.weight, combined.taken});
    else
        out.tell(Failed{task.from, Failure::clipped});
    taking_ = false;
    if (catching_up()) caught_up(now, out);
    // Of who is not believed it says nothing how far off it is: else a liar keeps us from coming to rest.
    if (combined.taken > 0) relative_ = std::max(relative_, combined.norm > 0 ? combined.distance / combined.norm : 0);
    if (!task.last) return;
    settle(relative_, out);
    relative_ = 0;
}

}  // namespace grapevine::gossip
