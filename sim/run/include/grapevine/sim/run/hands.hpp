#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#include "grapevine/sim/crew.hpp"

namespace grapevine::sim {

// A crew with threads of its own, besides the one that asks. They turn round for a while before they sleep: a world's windows
// follow each other within microseconds.
class Hands final : public Crew {
public:
    explicit Hands(std::size_t hands);  // one at least
    ~Hands() override;
    std::size_t hands() const override { return threads_.size() + 1; }
    void submit(Task& task) override;
    void finish(Task& task) override;
    bool withdraw(Task& task) override;

private:
    void do_together(std::size_t n, void (*work)(void*, std::size_t), void* context) override;
    void live(std::size_t hand);
    bool do_first_task();
    void link(Task& task);
    void unlink(Task& task);
    void wait_for(Task& task, std::unique_lock<std::mutex>& lock);

    // What is to be done, written before round_ goes up. Hand h of H does h, h + H, ...
    std::size_t n_ = 0;
    void (*work_)(void*, std::size_t) = nullptr;
    void* context_ = nullptr;
    std::atomic<std::uint32_t> round_{0};
    std::atomic<std::uint32_t> busy_{0};
    std::atomic<std::uint32_t> calls_{0};  // goes up with each round, and with each task
    // Tasks that no hand has begun, the oldest first: it is due first, or nearly so.
    std::mutex mutex_;
    std::condition_variable done_;         // some task is
    Task *first_ = nullptr, *last_ = nullptr;
    std::atomic<bool> over_{false};
    std::vector<std::thread> threads_;
};

}  // namespace grapevine::sim
