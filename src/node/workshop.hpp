#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <variant>

#include "grapevine/learner.hpp"
#include "grapevine/time.hpp"

namespace grapevine::node {

// The thread a learner works in, so that training and exchanging overlap. Orders go in, completions come out in
// the same order; the loop and the workshop share these two queues and nothing else. Nobody but this thread
// touches the learner while it is open, but for what it says may be done beside.
//
//      loop --put()--> [orders] --> begin() --> [resting] --> [done] --take()--> loop   (woken by `done_something`)
//                 \               /                 rest()
//                  [ahead] --> look_ahead()
//
// Where a device has memory of its own, parameters travel while it trains: those of others from the moment that their order
// is put, ours until their completion is taken. A completion waits for those before it, for exchanges rely on the order: a
// step ends late for them by what is left of a copy, but the device had begun it in time.
class Workshop {
public:
    struct Evaluated {
        Evaluation evaluation;
        std::uint64_t steps = 0;
        Duration took{};
    };
    struct Broke {  // the device failed: nothing more will be done
        std::string why;
    };
    using Done = std::variant<Completion, Evaluated, Broke>;

    // `done_something` is called on the workshop's thread after each addition to the done queue.
    Workshop(Learner& learner, Duration pace, std::function<void()> done_something);
    ~Workshop() { close(); }

    void put(Order order);
    void evaluate();            // when the orders before it are done
    void call(std::function<void()> job);  // likewise, on the workshop's thread: it may look at the learner
    std::optional<Done> take();
    void close();               // after the order under way; the learner is the caller's again

    struct Times {  // of the thread so far; the rest it waited
        Duration training{}, mixing{}, evaluating{};
    };
    Times times() const;

private:
    struct Evaluate {};
    struct Item {
        std::variant<Order, Evaluate, std::function<void()>> what;
        std::future<std::shared_ptr<void>> ahead;  // of an order that is looked at before it is due
    };
    struct Ahead {
        Order order;
        std::promise<std::shared_ptr<void>> found;
    };
    struct Resting {
        Done done;
        std::function<void(Completion&)> rest;
    };
    void work();
    void look_ahead();
    void end_rests();
    void finished(Done done, std::function<void(Completion&)> rest = {});

    Learner& learner_;
    Duration pace_;
    std::function<void()> done_something_;
    mutable std::mutex mutex_;
    std::condition_variable wanted_;
    std::condition_variable ahead_wanted_, rest_wanted_;
    std::deque<Item> orders_;
    std::deque<Ahead> ahead_;
    std::deque<Resting> resting_;  // the first is being ended
    std::deque<Done> done_;
    Times times_;
    bool closing_ = false, worked_ = false;  // no more orders; and none under way either
    bool broke_ = false;
    std::uint64_t steps_ = 0;
    std::thread thread_, ahead_thread_, rest_thread_;  // the last two where the learner has use for them
};

}  // namespace grapevine::node
