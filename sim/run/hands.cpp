#include "grapevine/sim/run/hands.hpp"

#include <algorithm>

namespace grapevine::sim {

namespace {
constexpr int turns = 20'000;  // before it sleeps: some tens of microseconds

void pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}
}  // namespace

Hands::Hands(std::size_t hands) {
    for (std::size_t h = 1; h < hands; ++h) threads_.emplace_back([this, h] { live(h); });
}

Hands::~Hands() {
    over_ = true;
    ++round_;
    round_.notify_all();
    for (std::thread& t : threads_) t.join();
}

void Hands::live(std::size_t hand) {
    std::uint32_t seen = 0;
    for (;;) {
        for (int turn = 0; round_.load(std::memory_order_acquire) == seen && turn < turns; ++turn) pause();
        round_.wait(seen, std::memory_order_acquire);
        ++seen;
        if (over_) return;
        for (std::size_t i = hand; i < n_; i += hands()) work_(context_, i);
        if (busy_.fetch_sub(1, std::memory_order_acq_rel) == 1) busy_.notify_one();
    }
}

void Hands::do_together(std::size_t n, void (*work)(void*, std::size_t), void* context) {
    n_ = n;
    work_ = work;
    context_ = context;
    busy_.store(static_cast<std::uint32_t>(threads_.size()), std::memory_order_relaxed);
    round_.fetch_add(1, std::memory_order_release);
    round_.notify_all();
    for (std::size_t i = 0; i < n; i += hands()) work(context, i);
    for (int turn = 0; busy_.load(std::memory_order_acquire) != 0 && turn < turns; ++turn) pause();
    for (std::uint32_t left; (left = busy_.load(std::memory_order_acquire)) != 0;) busy_.wait(left, std::memory_order_acquire);
}

}  // namespace grapevine::sim
