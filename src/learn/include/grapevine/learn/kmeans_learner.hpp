#pragma once

#include <memory>
#include <span>
#include <vector>

#include "grapevine/config/config.hpp"
#include "grapevine/kernels/backend.hpp"
#include "grapevine/learn/batches.hpp"
#include "grapevine/learn/law_learners.hpp"

namespace grapevine::learn {

// k-means over the rows of all peers (Lloyd 1982), by tracking of sums (dynamic average consensus: Zhu, Martinez 2010).
// The model is not the centroids but what they are made of, for each cluster the sum of its rows and their number:
//
//     sums (k, features), counts (k);  centroid j = sums_j / counts_j
//
// A step takes a batch of the shard, or all of it, and looks for the nearest centroid of each row. Where that is another
// than last time, the row is taken from the one cluster's sum and added to the other's: model += new - old. What all peers
// add up to is then at any time the sums over all rows of all of them as they were last assigned, and an exchange that
// keeps the mean over peers brings every peer's model towards an n-th of that, whose ratio is the centroid over all data.
//
// All begin with the same centroids, each counted as one row of every peer until a peer has seen its shard once: then that
// is taken away again. A cluster without rows keeps the centroid it had. The block lies in float64, as the laws' models'
// does: what was added in float32 would not go away by taking it away.
class KmeansLearner final : public AverageLearner {
public:
    KmeansLearner(const config::Config& config, std::size_t peer, std::size_t peers, std::shared_ptr<const Task> task,
                  std::vector<std::uint32_t> rows, std::unique_ptr<kernels::Backend> backend);

    static TensorTable table(std::size_t k, std::size_t features);
    // By k-means++ (Arthur, Vassilvitskii 2007) on 2,000 of the held-out rows, which all peers have: none need show
    // another what it trains on.
    static std::vector<float> initial(const Dataset& held_out, std::size_t k, std::uint64_t seed);

    // Loss: the mean squared distance of held-out rows to their nearest centroid. No accuracy.
    Evaluation evaluate() override;
    Evaluation evaluate(const Snapshot& whole) override;
    void save_state(Checkpoint& to) const override;
    std::optional<Error> load_state(const Checkpoint& from) override;

private:
    static constexpr std::uint32_t none = ~0u;
    struct Near {
        std::uint32_t cluster = none;
        double squared_distance = 0;
    };

    Trained train(const Train& order) override;
    // What `block` makes the centroids; where a cluster has no rows, those in `centroids` stay.
    void centroids_of(std::span<const double> block, std::vector<float>& centroids) const;
    // The nearest centroid of each of these rows. Their values lie in inputs_ after that.
    void assign(const Dataset& set, std::span<const std::uint32_t> rows, const std::vector<float>& centroids);
    Evaluation evaluate_with(const std::vector<float>& centroids);
    void count(double sign, std::uint32_t cluster, std::span<const float> row);

    std::shared_ptr<const Task> task_;
    std::unique_ptr<kernels::Backend> backend_;
    std::size_t k_, features_;
    std::uint64_t sums_, counts_;            // offsets in the block
    Batches batches_;
    std::size_t evaluation_limit_;           // rows
    std::vector<float> centroids_;           // as of the last step
    std::vector<std::uint32_t> rows_;        // of the shard, ascending, each once
    std::vector<std::uint32_t> assigned_;    // of each of them its cluster; none before it was seen
    std::size_t unseen_;
    std::vector<float> inputs_, products_;   // of the rows last assigned: (rows, features), (rows, k)
    std::vector<Near> near_;
    Trained sliced_step_;                    // what the last slice of the step will answer
};

}  // namespace grapevine::learn
