#include "grapevine/sim/run/hands.hpp"

#include <algorithm>
#include <cassert>
#include <system_error>

#include "spin.hpp"

namespace grapevine::sim {

namespace {
constexpr int turns = 20'000;  // before it sleeps: some tens of microseconds
}  // namespace

Hands::Hands(std::size_t hands) {
    try {
        for (std::size_t h = 1; h < hands; ++h) threads_.emplace_back([this, h] { live(h); });
    } catch (const std::system_error&) {}  // the machine gives no more: fewer do the same
}

Hands::~Hands() {
    assert(!first_);
    over_ = true;
    ++round_;
    ++calls_;
    calls_.notify_all();
    for (std::thread& t : threads_) t.join();
}

void Hands::live(std::size_t hand) {
    std::uint32_t seen = 0;
    for (;;) {
        const std::uint32_t call = calls_.load(std::memory_order_acquire);
        if (round_.load(std::memory_order_acquire) != seen) {
            ++seen;
            if (over_) return;
            for (std::size_t i = hand; i < n_; i += hands()) work_(context_, i);
            if (busy_.fetch_sub(1, std::memory_order_acq_rel) == 1) busy_.notify_one();
            continue;
        }
        if (do_first_task()) continue;
        for (int turn = 0; calls_.load(std::memory_order_acquire) == call && turn < turns; ++turn) spin();
        calls_.wait(call, std::memory_order_acquire);
    }
}

void Hands::do_together(std::size_t n, void (*work)(void*, std::size_t), void* context) {
    n_ = n;
    work_ = work;
    context_ = context;
    busy_.store(static_cast<std::uint32_t>(threads_.size()), std::memory_order_relaxed);
    round_.fetch_add(1, std::memory_order_release);
    calls_.fetch_add(1, std::memory_order_release);
    calls_.notify_all();
    for (std::size_t i = 0; i < n; i += hands()) work(context, i);
    for (int turn = 0; busy_.load(std::memory_order_acquire) != 0 && turn < turns; ++turn) spin();
    for (std::uint32_t left; (left = busy_.load(std::memory_order_acquire)) != 0;) busy_.wait(left, std::memory_order_acquire);
}

void Hands::link(Task& task) {
    before(task) = last_;
    after(task) = nullptr;
    (last_ ? after(*last_) : first_) = &task;
    last_ = &task;
}

void Hands::unlink(Task& task) {
    (before(task) ? after(*before(task)) : first_) = after(task);
    (after(task) ? before(*after(task)) : last_) = before(task);
}

bool Hands::do_first_task() {
    Task* task = nullptr;
    {
        const std::lock_guard lock(mutex_);
        if (!first_) return false;
        task = first_;
        unlink(*task);
        state(*task) = State::begun;
    }
    do_task(*task);
    const std::lock_guard lock(mutex_);
    state(*task) = State::done;
    done_.notify_all();
    return true;
}

void Hands::wait_for(Task& task, std::unique_lock<std::mutex>& lock) {
    for (int turn = 0; state(task) != State::done && turn < turns / 100; ++turn) {
        lock.unlock();
        for (int i = 0; i < 100; ++i) spin();
        lock.lock();
    }
    done_.wait(lock, [&] { return state(task) == State::done; });
}

void Hands::submit(Task& task) {
    {
        const std::lock_guard lock(mutex_);
        assert(state(task) == State::idle);
        state(task) = State::waiting;
        link(task);
    }
    calls_.fetch_add(1, std::memory_order_release);
    calls_.notify_one();
}

void Hands::finish(Task& task) {
    std::unique_lock lock(mutex_);
    assert(state(task) != State::idle);
    if (state(task) == State::waiting) {
        unlink(task);
        lock.unlock();
        do_task(task);
    } else {
        wait_for(task, lock);
        lock.unlock();
    }
    close(task);
}

bool Hands::withdraw(Task& task) {
    std::unique_lock lock(mutex_);
    assert(state(task) != State::idle);
    const bool untouched = state(task) == State::waiting;
    if (untouched) unlink(task);
    else wait_for(task, lock);
    lock.unlock();
    close(task);
    return !untouched;
}

}  // namespace grapevine::sim
