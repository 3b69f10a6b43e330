#pragma once

#include <cstdint>

#include "grapevine/config/config.hpp"
#include "grapevine/random.hpp"
#include "grapevine/time.hpp"

namespace grapevine::sim {

// Loss in bursts, as long paths have it: mostly nothing is lost, and now and then everything, for milliseconds or for
// minutes. It is computed and not stored: whether the way from one peer to another is silent at an instant is a function of
// the seed, the two and the instant, the same whoever asks and however often. The two ways between a pair are apart.
//
// The law. Each way's time is cut into cells as long as the longest burst, from a phase of its own. A cell holds one
// burst, with probability min(1, 32 mean), at a place drawn evenly; how long it lasts is Pareto with exponent 1/2, cut off
// between `shortest` and `longest`, of which the mean is sqrt(shortest longest). With shortest = longest / 1024 (and
// mean^2 longest where more than 1/32 is lost) exactly the share `mean` of the time is silent, at every instant alike.
// Under longest = 2 min a burst lasts 117 ms at least, 0.44 s in the median and 3.75 s on average. A week of heartbeats
// between Japan and Switzerland lost 0.399 % in 814 bursts of 2.9 s on average, the longest 2 min (Hayashibara, Defago,
// Yared, Katayama 2004, "The phi accrual failure detector").
class BurstLoss {
public:
    BurstLoss(config::Bursts law, Random random);

    bool silent(Instant at, std::uint32_t from, std::uint32_t to) const;
    Duration shortest() const { return Duration(static_cast<std::int64_t>(shortest_)); }

private:
    Random random_;
    std::uint64_t cell_;               // ns
    double longest_, shortest_, root_; // ns; sqrt(shortest / longest)
    double chance_;                    // that there is a burst in a cell
};

}  // namespace grapevine::sim
