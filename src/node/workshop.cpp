#include "workshop.hpp"

#include <chrono>
#include <cmath>

#include "grapevine/protocol.hpp"

namespace grapevine::node {

Workshop::Workshop(Learner& learner, Duration pace, std::function<void()> done_something)
    : learner_(learner), pace_(pace), done_something_(std::move(done_something)), thread_([this] { work(); }) {}

void Workshop::put(Order order) {
    {
        const std::lock_guard lock(mutex_);
        orders_.emplace_back(std::move(order));
    }
    wanted_.notify_one();
}

void Workshop::evaluate() {
    {
        const std::lock_guard lock(mutex_);
        orders_.emplace_back(Evaluate{});
    }
    wanted_.notify_one();
}

void Workshop::call(std::function<void()> job) {
    {
        const std::lock_guard lock(mutex_);
        orders_.emplace_back(std::move(job));
    }
    wanted_.notify_one();
}

std::optional<Workshop::Done> Workshop::take() {
    const std::lock_guard lock(mutex_);
    if (done_.empty()) return std::nullopt;
    Done done = std::move(done_.front());
    done_.pop_front();
    return done;
}

void Workshop::close() {
    {
        const std::lock_guard lock(mutex_);
        closing_ = true;
    }
    wanted_.notify_one();
    if (thread_.joinable()) thread_.join();
}

Workshop::Times Workshop::times() const {
    const std::lock_guard lock(mutex_);
    return times_;
}

void Workshop::finished(Done done) {
    {
        const std::lock_guard lock(mutex_);
        done_.push_back(std::move(done));
    }
    done_something_();
}

void Workshop::work() {
    using Clock = std::chrono::steady_clock;
    try {
        for (;;) {
            std::variant<Order, Evaluate, std::function<void()>> next;
            {
                std::unique_lock lock(mutex_);
                wanted_.wait(lock, [&] { return closing_ || !orders_.empty(); });
                if (closing_) return;
                next = std::move(orders_.front());
                orders_.pop_front();
            }
            if (auto* job = std::get_if<std::function<void()>>(&next)) {
                (*job)();
                continue;
            }
            const auto began = Clock::now();
            Done done;
            Duration Times::*kind = &Times::evaluating;
            if (auto* order = std::get_if<Order>(&next)) {
                kind = &Times::mixing;
                done = learner_.carry_out(*order);
                if (const auto* trained = std::get_if<Trained>(&std::get<Completion>(done).what)) {
                    kind = &Times::training;
                    if (pace_ > Duration::zero()) {  // not faster than told: counted as computing, as in a simulation
                        std::unique_lock lock(mutex_);
                        const auto& slice = std::get<Train>(order->what).slice;
                        const Duration least = slice ? Duration(std::llround(static_cast<double>(pace_.count()) * share(*slice))) : pace_ * trained->steps;
                        wanted_.wait_until(lock, began + least, [&] { return closing_; });
                    }
                }
                steps_ = std::get<Completion>(done).steps;
            } else {
                done = Evaluated{learner_.evaluate(), steps_};
            }
            {
                const std::lock_guard lock(mutex_);
                times_.*kind += std::chrono::duration_cast<Duration>(Clock::now() - began);
            }
            finished(std::move(done));
        }
    } catch (const std::exception& failure) {
        finished(Broke{failure.what()});
    }
}

}  // namespace grapevine::node
