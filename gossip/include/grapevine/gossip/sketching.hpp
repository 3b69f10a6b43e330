#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "grapevine/gossip/exchange.hpp"
#include "grapevine/sketch.hpp"

namespace grapevine::gossip {

// How far the peers' models lie from their mean, known at every peer without any model having travelled for it: all sketch theirs
// at one time, by one random map (sketch.hpp), and the sketches' mean and squared distances from it are summed as the other figures
// of a Tallier are, in whose epochs this goes on and which tells it what comes in.
//
//     no --budget has room, or a tally says that others look--> looks --tick 10--> ordered --Sketched--> ours are among them
//                                                                                                         |
//        half of the moments --> a peer drawn at random, each tick from 12 on, as often as it takes;  <---+ or others' came before
//        half of what we had --> back;  an answer is only added
//
//     the epoch ends: squares / weight is the mean squared distance, |mean|^2 the squared norm of the mean model
//
// Moments are added as Chan, Golub, LeVeque (1983) do it: (w, m, q) + (w', m', q') = (w + w', ., q + q' + w w' / (w + w') |m - m'|^2),
// so that nothing is lost where models differ little beside their length.
//
// All sketch within about a message's time of each other: the mean of models that learn moves on as fast as they part. An epoch
// looks if what it sends is paid for: `share` of the parameters' bytes that peers sent on average, by the last tally, in all epochs
// since the last that looked. The first epoch that can looks on credit, and every `seldom`-th does though there be no exchange at all.
class Sketching {
public:
    Sketching(std::uint64_t seed, std::uint64_t size) : seed_(seed), size_(size) {}

    static constexpr int sketched_at = 10, summed_from = 12, sketched_until = 16;  // ticks of an epoch
    static constexpr std::uint32_t seldom = 16;                                    // epochs
    static constexpr double share = 0.001;

    // An epoch begins, among so many peers. sent: bytes of parameters that a peer sent in the last one of which that is known.
    void enter(std::uint32_t epoch, std::size_t peers, std::optional<double> sent);
    // Whether this epoch looks; and that others say so, before tick 10.
    bool looks() const { return looks_; }
    void told_to_look(std::uint32_t epoch, std::size_t peers);

    Sketch order(Instant now);              // tick 10
    void sketched(const Sketched& done);    // before tick 16
    // Of this epoch, from elsewhere; the first looks whether they are moments at all.
    bool sound(const Moments& moments) const;
    void received(const Moments& moments);
    bool knows() const { return weight_ > 0; }
    Moments half(bool answer);
    // The half that is to go out at a tick, to somebody; nothing if that has been often enough.
    std::optional<Moments> ticked();
    Moments all();                          // who leaves
    std::optional<Consensus> conclude() const;

    // What an epoch that looks makes each peer send: its own halves and as many answers.
    static double cost(std::uint64_t size, std::size_t peers);

private:
    void add(double weight, double squares, const std::shared_ptr<const std::vector<float>>& mean);

    std::uint64_t seed_, size_;
    std::uint32_t epoch_ = 0;
    std::optional<std::uint32_t> looked_;  // the last epoch that did; since we are there at least
    bool looks_ = false;
    int halves_ = 0;  // still to be sent
    Instant at_{};
    double weight_ = 0, squares_ = 0;
    std::shared_ptr<const std::vector<float>> mean_;
};

}  // namespace grapevine::gossip
