#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "grapevine/learn/task.hpp"
#include "grapevine/sim/world.hpp"

namespace grapevine::sim {

// What can be known of the models of a world at one instant, by looking at all of them, which no peer can. Where
// peers agree in rounds, what they last agreed on is looked at. Liars are left out: the question is what they do to others.
struct Measured {
    double consensus_distance = 0;               // mean over peers of |x_i - mean|^2
    std::optional<double> consensus_relative;    // its square root over |mean|
    std::vector<double> mean;                    // per coordinate; of push-sum, by mass
    double mass = 0, mass_lost = 0;              // of push-sum; of others the peers, and those that are gone
    double push_sum_potential = 0;               // sum over peers of |s_i - w_i mean|^2
    std::optional<double> loss, accuracy, worst_accuracy;  // over the peers evaluated, on held-out data
    std::optional<double> merged_loss, merged_accuracy;    // of the average model; of the server's, where one serves
    std::size_t evaluated = 0;
    std::vector<std::pair<std::uint32_t, Evaluation>> evaluations;  // of each of those
};

// `evaluate`: which peers to evaluate; none: no evaluation at all. Peers that are down do not count. The same bits
// whatever the crew. `live`: only so many of the parameters are looked at, where all others are the same for ever.
inline constexpr std::uint64_t everything = UINT64_MAX;
Measured measure(World& world, const std::vector<std::uint32_t>& evaluate, Crew& crew, std::uint64_t live = everything);

// XXH3-64 over the parameters of all peers that are up.
std::uint64_t model_hash(World& world, std::uint64_t live = everything);

// The average of the models of all peers that are up (of push-sum, by mass), in the learners' encoding; the server's, where one serves.
Snapshot merged_model(World& world, Crew& crew);

// Values as a snapshot that this learner can evaluate.
Snapshot frozen(Learner& like, const std::vector<double>& values);

}  // namespace grapevine::sim
