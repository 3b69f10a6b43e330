#pragma once

#include <atomic>
#include <cstdint>
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

private:
    void do_together(std::size_t n, void (*work)(void*, std::size_t), void* context) override;
    void live(std::size_t hand);

    // What is to be done, written before round_ goes up. Hand h of H does h, h + H, ...
    std::size_t n_ = 0;
    void (*work_)(void*, std::size_t) = nullptr;
    void* context_ = nullptr;
    std::atomic<std::uint32_t> round_{0};
    std::atomic<std::uint32_t> busy_{0};
    std::atomic<bool> over_{false};
    std::vector<std::thread> threads_;
};

}  // namespace grapevine::sim
