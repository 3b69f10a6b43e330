#pragma once

#include <vector>

#include "grapevine/gossip/exchange.hpp"

namespace grapevine::gossip {

// Whom one believes, and how far: the guard of the next mix, by what was seen before. Nothing here looks at values; a learner
// measures the distance of theirs to ours and shortens the difference, or leaves it.
//
//   self_centred  self-centred clipping (He, Karimireddy, Jaggi 2022): x <- x + w clip(theirs - x, r). The radius r is twice the median
//                 of the distances last seen, unshortened, one a partner and of 15 partners at most: a liar that is met often, or that
//                 asks often, counts once. Beyond our own norm theirs is refused besides: all of a run start alike and are nearer
//                 than that, while a model of noise is at 1.4 times the norm and one with its sign turned at twice. (Clipped alone,
//                 one liar of sixteen costs 4 to 6 points of accuracy where peers mix after every step.) That rule stands
//                 alone while fewer than three partners were seen, and not where r exceeds our norm: if most are that far off,
//                 it is we who are astray, and must be let back
//   balance       BALANCE (Fang et al. 2024): theirs is mixed if |theirs - x| <= 0.3 exp(-t/T) |x|, else refused. t/T is the share
//                 of the run that is over, by steps or by time, whichever is known; 0 if neither is
class Clipping {
public:
    explicit Clipping(const Config& config) : config_(config) {}

    bool on() const { return config_.clip != Clip::off; }
    Guard guard(Instant now, std::uint64_t steps) const;
    void saw(PeerId whose, const Combined& combined);

private:
    struct Seen {
        PeerId whose;
        double distance;
    };
    const Config& config_;
    std::vector<Seen> seen_;  // the latest last
    double norm_ = 0;         // ours, when last seen
};

}  // namespace grapevine::gossip
