#include "workshop.hpp"

#include <cassert>
#include <chrono>
#include <cmath>

#include "grapevine/protocol.hpp"

namespace grapevine::node {

Workshop::Workshop(Learner& learner, Duration pace, std::function<void()> done_something)
    : learner_(learner), pace_(pace), done_something_(std::move(done_something)), thread_([this] { work(); }) {
    if (!learner_.looks_ahead()) return;
    ahead_thread_ = std::thread([this] { look_ahead(); });
    rest_thread_ = std::thread([this] { end_rests(); });
}

void Workshop::put(Order order) {
    {
        const std::lock_guard lock(mutex_);
        Item item;
        if (ahead_thread_.joinable() && std::holds_alternative<Combine>(order.what)) {
            item.ahead = ahead_.emplace_back(Ahead{order, {}}).found.get_future();
            ahead_wanted_.notify_one();
        }
        item.what = std::move(order);
        orders_.push_back(std::move(item));
    }
    wanted_.notify_one();
}

void Workshop::evaluate() {
    {
        const std::lock_guard lock(mutex_);
        orders_.push_back({Evaluate{}, {}});
    }
    wanted_.notify_one();
}

void Workshop::call(std::function<void()> job) {
    {
        const std::lock_guard lock(mutex_);
        orders_.push_back({std::move(job), {}});
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
    {
        const std::lock_guard lock(mutex_);
        worked_ = true;
    }
    ahead_wanted_.notify_one();
    rest_wanted_.notify_one();
    if (ahead_thread_.joinable()) ahead_thread_.join();
    if (rest_thread_.joinable()) rest_thread_.join();
}

Workshop::Times Workshop::times() const {
    const std::lock_guard lock(mutex_);
    return times_;
}

void Workshop::finished(Done done, std::function<void(Completion&)> rest) {
    {
        const std::lock_guard lock(mutex_);
        if (rest || !resting_.empty()) {
            assert(rest_thread_.joinable());
            resting_.push_back({std::move(done), std::move(rest)});
            rest_wanted_.notify_one();
            return;
        }
        if (broke_) return;
        broke_ = std::holds_alternative<Broke>(done);
        done_.push_back(std::move(done));
    }
    done_something_();
}

// One after the other, the first that came first. It stays in the queue while it is ended, so that none overtakes it.
void Workshop::end_rests() {
    std::unique_lock lock(mutex_);
    for (;;) {
        rest_wanted_.wait(lock, [&] { return worked_ || !resting_.empty(); });
        if (resting_.empty()) return;
        Resting& first = resting_.front();  // a deque's front stays where it is while others come behind it
        if (first.rest) {
            lock.unlock();
            try {
                first.rest(std::get<Completion>(first.done));
            } catch (const std::exception& failure) {
                first.done = Broke{failure.what()};
            }
            lock.lock();
        }
        if (!broke_) {
            broke_ = std::holds_alternative<Broke>(first.done);
            done_.push_back(std::move(first.done));
        }
        resting_.pop_front();
        lock.unlock();
        done_something_();
        lock.lock();
    }
}

void Workshop::look_ahead() {
    std::unique_lock lock(mutex_);
    for (;;) {
        ahead_wanted_.wait(lock, [&] { return worked_ || !ahead_.empty(); });
        if (worked_) return;
        Ahead next = std::move(ahead_.front());
        ahead_.pop_front();
        lock.unlock();
        try {
            next.found.set_value(learner_.look_ahead(next.order));
        } catch (...) {
            next.found.set_exception(std::current_exception());
        }
        lock.lock();
    }
}

void Workshop::work() {
    using Clock = std::chrono::steady_clock;
    try {
        for (;;) {
            Item next;
            {
                std::unique_lock lock(mutex_);
                wanted_.wait(lock, [&] { return closing_ || !orders_.empty(); });
                if (closing_) return;
                next = std::move(orders_.front());
                orders_.pop_front();
            }
            if (auto* job = std::get_if<std::function<void()>>(&next.what)) {
                (*job)();
                continue;
            }
            const auto began = Clock::now();
            Done done;
            std::function<void(Completion&)> rest;
            Duration Times::*kind = &Times::evaluating;
            if (auto* order = std::get_if<Order>(&next.what)) {
                kind = &Times::mixing;
                Begun begun = learner_.begin(*order, next.ahead.valid() ? next.ahead.get() : nullptr);
                rest = std::move(begun.rest);
                steps_ = begun.done.steps;
                if (const auto* trained = std::get_if<Trained>(&begun.done.what)) {
                    kind = &Times::training;
                    if (pace_ > Duration::zero()) {  // not faster than told: counted as computing, as in a simulation
                        std::unique_lock lock(mutex_);
                        const auto& slice = std::get<Train>(order->what).slice;
                        const Duration least = slice ? Duration(std::llround(static_cast<double>(pace_.count()) * share(*slice))) : pace_ * trained->steps;
                        wanted_.wait_until(lock, began + least, [&] { return closing_; });
                    }
                }
                done = std::move(begun.done);
            } else {
                const Evaluation evaluation = learner_.evaluate();
                done = Evaluated{evaluation, steps_, std::chrono::duration_cast<Duration>(Clock::now() - began)};
            }
            {
                const std::lock_guard lock(mutex_);
                times_.*kind += std::chrono::duration_cast<Duration>(Clock::now() - began);
            }
            finished(std::move(done), std::move(rest));
        }
    } catch (const std::exception& failure) {
        finished(Broke{failure.what()});
    }
}

}  // namespace grapevine::node
