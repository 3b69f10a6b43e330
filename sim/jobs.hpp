#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "grapevine/learner.hpp"
#include "grapevine/sim/crew.hpp"
#include "grapevine/time.hpp"

namespace grapevine::sim {

// Training that is done ahead. When a learner is given an order to train, its batches, its seed and the instant at which it
// ends are settled, and until then nobody looks at the learner: so a hand that is free may carry the order out at once, and
// the engine takes the result when it is due, or carries it out itself if nobody has begun it.
//
// What ends after the stretch that the engine is running waits for the next one: between two stretches models are sampled
// and deeds done, and neither may see a future. With one hand nothing is done ahead.
class Jobs {
public:
    explicit Jobs(Crew& crew) : crew_(crew) {}
    ~Jobs();

    void stretch(Instant end);  // the engine is about to let happen what is due until then

    // The learner of this peer has begun that order. Nothing is done yet: in the event of which this is a part the learner may
    // still be looked at. Only training is done ahead; other orders take no notice of this.
    void given(std::uint32_t peer, Learner& learner, const Order& order, Instant now, Instant ends);
    void begin();               // the event is over

    bool ahead(std::uint32_t peer) const;  // its learner may be at work, and must not be touched
    Completion done(std::uint32_t peer, Learner& learner, const Order& order);  // the end of its order has come
    void settle(std::uint32_t peer);       // its learner can be looked at from now on
    void forget(std::uint32_t peer);       // its order will not end, or at another time: it is given again then, if at all

private:
    struct Job final : Crew::Task {
        void carry_out() override { completion = learner->carry_out(order); }
        enum class Stage : std::uint8_t { none, given, submitted, done } stage = Stage::none;
        Learner* learner = nullptr;
        Order order;
        Instant ends{};
        Completion completion;
    };
    Job* of(std::uint32_t peer) const { return peer < of_.size() ? of_[peer].get() : nullptr; }
    void submit_if_due(std::uint32_t peer);

    Crew& crew_;
    Instant stretch_{};
    std::vector<std::unique_ptr<Job>> of_;  // by peer
    std::vector<std::uint32_t> given_;      // in this event
    std::vector<std::uint32_t> later_;      // end after this stretch
};

}  // namespace grapevine::sim
