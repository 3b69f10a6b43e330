#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
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
// touches the learner while it is open.
//
//      loop --put()--> [orders] --> carry_out() --> [done] --take()--> loop   (woken by `done_something`)
class Workshop {
public:
    struct Evaluated {
        Evaluation evaluation;
        std::uint64_t steps = 0;
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
    void work();
    void finished(Done done);

    Learner& learner_;
    Duration pace_;
    std::function<void()> done_something_;
    mutable std::mutex mutex_;
    std::condition_variable wanted_;
    std::deque<std::variant<Order, Evaluate, std::function<void()>>> orders_;
    std::deque<Done> done_;
    Times times_;
    bool closing_ = false;
    std::uint64_t steps_ = 0;
    std::thread thread_;
};

}  // namespace grapevine::node
