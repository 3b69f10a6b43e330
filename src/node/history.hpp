#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace grapevine::node {

// The curves of a node, for who opens its page late: written by the loop with every sample, read by the server's threads. Of bounded size: when it is
// full every second point goes, and from then on only every second sample is kept. So it always spans the whole run, and the latest sample is always
// its last point.
class History {
public:
    struct Point {
        double t = 0;  // seconds since the node started
        std::optional<double> unix_time, loss, accuracy, training_loss, cluster_loss, cluster_accuracy, cluster_worst_accuracy;
        std::optional<double> consensus;                     // relative, of the cluster
        std::optional<double> distance, staleness;           // means of the mixes since the sample before; none: there were none
        std::optional<double> samples_per_second, bytes_sent_per_second, bytes_received_per_second;
        std::optional<double> training, mixing, waiting;     // shares of the last seconds
        std::optional<double> peers_alive;
    };

    static constexpr std::size_t most = 512;  // points

    void mixed(double staleness, std::optional<double> relative_distance);
    void add(Point point);  // its distance and staleness are filled in here

    // {"stride", "whole", "kept", "columns", "rows"}: a row a point, its first column the sample's number. With `after`, which is "kept" of an answer
    // before, only what came since, and "whole" is false; where that cannot be said any more, because points have gone meanwhile, all of it.
    std::string json(std::optional<std::uint64_t> after) const;

private:
    struct Kept {
        std::uint64_t number;
        Point point;
    };

    mutable std::mutex mutex_;
    std::vector<Kept> kept_;      // numbers are multiples of stride_
    std::optional<Kept> latest_;  // where it is not one of them
    std::uint64_t samples_ = 0, stride_ = 1;
    double mixes_ = 0, staleness_ = 0, distances_ = 0, distance_ = 0;  // since the last sample: counts and sums
};

}  // namespace grapevine::node
