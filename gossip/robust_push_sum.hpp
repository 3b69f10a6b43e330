#pragma once

#include <optional>
#include <vector>

#include "overlapping.hpp"
#include "roll.hpp"

namespace grapevine::gossip {

// Push-sum that losses cost nothing but time (Hadjicostis, Vaidya, Dominguez-Garcia 2016): each peer sends its
// neighbours on the roll, d of them, not what is theirs now but the sum of all that ever was, and each adds what is new
// since the last sum that it had. The model is z = s/w; when due,
//     sum += s/(d+1), its mass += w/(d+1);   s, w are divided by d+1;   sum --> neighbours
//     on a sum from neighbour j:  s += sum - last_j, w likewise;  last_j = sum
// What was lost is in the next sum, and one that comes twice or late brings nothing. On a ring d = 2.
//
// Sums grow with time, and what is rounded away of them is gone: where the learner holds them as float32, some
// 2^-24 T^1.5 / 5 of a value after T turns on one roll. With a new roll all begin again with w = 1; what was on its way then is forgotten.
// A neighbour that is dead takes its share of the mass out of use until then; on a roll for ever, for ever.
class RobustPushSum final : public Overlapping {
public:
    RobustPushSum(const Config& config, PeerId self, Random random);
    Slot slots() const override { return first_last + 2; }
    Mass mass() const override { return {held_, 0}; }

private:
    static constexpr Slot sum_slot = 1, first_last = 2;

    struct Neighbour {
        PeerId id;
        Slot last;                 // the last sum that came from it, whose
        double mass = 0;           // is this
        std::uint64_t round = 0;   // and turn
        std::uint32_t ticket = 0;  // of ours to it, of which nothing was heard yet
        std::uint64_t sent_round = 0;
        Instant sent{};
    };
    struct Task {  // what the learner has been told to do besides training, oldest first
        std::uint32_t tag = 0;
        std::uint32_t life = 0;         // of the roll; of an earlier one it means nothing
        double gained = 0;              // mass, by this order
        std::optional<double> sum_mass = {};  // of a sum that is frozen
        std::optional<MixedWith> mixed = {};
        Instant since{};
        std::uint64_t steps = 0;
    };

    void started(Instant now, const Company& company, Out& out) override;
    void due(Instant now, const Company& company, Out& out) override;
    void receive(Instant now, PeerId from, Message&& message, const Company& company, Out& out) override;
    void completed(Instant now, Completion&& completion, const Company& company, Out& out) override;
    void undelivered(Instant now, const Undelivered& u, const Company& company, Out& out) override;
    void overdue(Instant, std::uint64_t, const Company&, Out&) override {}
    void roll_due(Instant now, const Company& company, Out& out) override;
    void peer_up(Instant now, PeerId peer, const Company& company, Out& out) override;
    void peer_down(Instant now, PeerId peer, const Company& company, Out& out) override;
    void begins_alone(Instant, Out&) override;
    void halts(Instant, const Company&, Out&) override { roll_.stop(); }

    void roll_changed();
    void take(Instant now, Neighbour& from, RoundModel&& model, Out& out);
    void add(Task task, decltype(Order::what) what, Out& out);
    Neighbour* find(PeerId id);

    RollCall roll_;
    std::vector<Neighbour> neighbours_;
    std::uint32_t life_ = 0;
    std::uint64_t round_ = 0;
    double mass_ = 0;      // once all that was ordered is done
    double held_ = 0;      // beside the model as it is now
    double sum_mass_ = 0;  // of all that we ever sent on this roll
    bool freezing_ = false;
    std::vector<Task> tasks_;
};

}  // namespace grapevine::gossip
