#include "fibers.hpp"

#include <sys/mman.h>
#include <ucontext.h>

#include <algorithm>
#include <cassert>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

// The threads of a block as fibers: each runs until it waits for others or is through. One that never waits leaves its stack
// to the next, so that a kernel without barriers costs no more than its calls.
namespace emulated {
namespace {

constexpr std::size_t stack_bytes = 64 << 10;
constexpr unsigned warp = 32;

[[noreturn]] void refuse(const char* why, int line) {
    std::fprintf(stderr, "cuda emulated on the host: %s (line %d of a kernel)\n", why, line);
    std::abort();
}

struct Thread {
    enum class State { fresh, ready, at_barrier, at_exchange, through } state = State::fresh;
    uint3 index{};
    int line = 0;
    bool is_ballot = false;
    std::uint32_t mask = 0;
    int lane_xor = 0;
    std::uint64_t value = 0;
    int fiber = -1;
};

struct Fiber {
    void* stack = nullptr;
    void* at = nullptr;  // its stack pointer while it does not run
    bool idle = true;
};

#if defined(__x86_64__)
extern "C" void grapevine_emulated_switch(void** from, void* to);
asm(R"(
.text
.globl grapevine_emulated_switch
.type grapevine_emulated_switch,@function
grapevine_emulated_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
)");
void* prepared(void* stack, void (*entry)()) {
    auto* top = reinterpret_cast<std::uintptr_t*>(static_cast<char*>(stack) + stack_bytes);
    *--top = 0;                                          // the entry returns nowhere, and starts aligned as after a call
    *--top = reinterpret_cast<std::uintptr_t>(entry);
    for (int i = 0; i < 6; ++i) *--top = 0;
    return top;
}
#else
// Elsewhere the C library's, which asks the kernel for each switch.
void grapevine_emulated_switch(void** from, void* to) {
    ucontext_t here;
    *from = &here;
    swapcontext(&here, static_cast<ucontext_t*>(to));
}
void* prepared(void* stack, void (*entry)()) {
    auto* context = static_cast<ucontext_t*>(stack);
    getcontext(context);
    context->uc_stack = {static_cast<char*>(stack) + 4096, 0, stack_bytes - 4096};
    context->uc_link = nullptr;
    makecontext(context, entry, 0);
    return context;
}
#endif

class Block {
public:
    void run(const std::function<void()>& thread, dim3 size) {
        const unsigned count = size.x * size.y * size.z;
        body_ = &thread;
        threads_.assign(count, {});
        for (unsigned i = 0; i < count; ++i) threads_[i].index = {i % size.x, i / size.x % size.y, i / size.x / size.y};
        backwards_ = drawn() & 1;
        for (;;) {
            bool ran = false;
            for (unsigned k = 0; k < count; ++k) {
                const unsigned i = backwards_ ? count - 1 - k : k;
                if (threads_[i].state != Thread::State::fresh && threads_[i].state != Thread::State::ready) continue;
                resume(i);
                ran = true;
            }
            backwards_ = !backwards_;
            if (meet() || ran) continue;
            if (std::all_of(threads_.begin(), threads_.end(), [](const Thread& t) { return t.state == Thread::State::through; })) return;
            for (const Thread& t : threads_)
                if (t.state != Thread::State::through) refuse("threads wait for others that never come", t.line);
        }
    }

    void wait(Thread::State state, int line) {
        Thread& thread = threads_[current_];
        thread.state = state;
        thread.line = line;
        grapevine_emulated_switch(&fibers_[thread.fiber].at, scheduler_);
    }
    Thread& current() { return threads_[current_]; }

    static void enter();

private:
    void resume(unsigned i) {
        Thread& thread = threads_[i];
        thread_index = thread.index;
        current_ = i;
        if (thread.state == Thread::State::fresh) {
            const auto idle = std::find_if(fibers_.begin(), fibers_.end(), [](const Fiber& f) { return f.idle; });
            thread.fiber = static_cast<int>(idle - fibers_.begin());
            if (idle == fibers_.end()) {
                void* stack = mmap(nullptr, stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
                assert(stack != MAP_FAILED);
                fibers_.push_back({stack, prepared(stack, enter), true});
            }
            fibers_[thread.fiber].idle = false;
        }
        thread.state = Thread::State::ready;
        grapevine_emulated_switch(&scheduler_, fibers_[thread.fiber].at);
    }

    // A fiber's life: thread after thread.
    void live() {
        for (;;) {
            (*body_)();
            Thread& thread = threads_[current_];
            thread.state = Thread::State::through;
            Fiber& fiber = fibers_[thread.fiber];
            fiber.idle = true;
            grapevine_emulated_switch(&fiber.at, scheduler_);
        }
    }

    // Lets those go on who have all come. Whoever has left the kernel can never come: CUDA does not define what happens then.
    bool meet() {
        bool met = false;
        const auto at_barrier = std::count_if(threads_.begin(), threads_.end(), [](const Thread& t) { return t.state == Thread::State::at_barrier; });
        if (at_barrier == static_cast<std::ptrdiff_t>(threads_.size())) {
            for (Thread& t : threads_) {
                if (t.line != threads_.front().line) refuse("threads of a block wait at different barriers", t.line);
                t.state = Thread::State::ready;
            }
            met = true;
        }
        for (unsigned first = 0; first < threads_.size(); first += warp) {
            Thread* const lanes = &threads_[first];
            const unsigned size = std::min<unsigned>(warp, static_cast<unsigned>(threads_.size()) - first);
            for (unsigned l = 0; l < size; ++l) {
                if (lanes[l].state != Thread::State::at_exchange) continue;
                const std::uint32_t mask = lanes[l].mask;
                bool all = true;
                for (unsigned o = 0; o < warp; ++o) {
                    if (!(mask >> o & 1)) continue;
                    if (o >= size) refuse("a warp's exchange names lanes that are not there", lanes[l].line);
                    if (lanes[o].state == Thread::State::through) refuse("a warp's exchange names lanes that have left", lanes[l].line);
                    all &= lanes[o].state == Thread::State::at_exchange && lanes[o].mask == mask && lanes[o].line == lanes[l].line;
                }
                if (!all || !(mask >> l & 1)) continue;
                exchange(lanes, mask);
                met = true;
            }
        }
        return met;
    }

    static void exchange(Thread* lanes, std::uint32_t mask) {
        std::uint64_t before[warp] = {}, votes = 0;
        for (unsigned l = 0; l < warp; ++l)
            if (mask >> l & 1) before[l] = lanes[l].value, votes |= std::uint64_t{lanes[l].value != 0} << l;
        for (unsigned l = 0; l < warp; ++l) {
            if (!(mask >> l & 1)) continue;
            const unsigned from = l ^ static_cast<unsigned>(lanes[l].lane_xor);
            if (from >= warp || !(mask >> from & 1)) refuse("a lane reads one that does not take part", lanes[l].line);
            lanes[l].value = lanes[l].is_ballot ? votes : before[from];
            lanes[l].state = Thread::State::ready;
        }
    }

    const std::function<void()>* body_ = nullptr;
    std::vector<Thread> threads_;
    std::vector<Fiber> fibers_;
    void* scheduler_ = nullptr;
    unsigned current_ = 0;
    bool backwards_ = false;

    friend void enter_fiber();
};

thread_local std::unique_ptr<Block> block;  // fibers stay with the thread that made them

void enter_fiber() { block->live(); }
void Block::enter() { enter_fiber(); }

}  // namespace

std::uint64_t drawn() {
    static std::uint64_t state = 0x9e3779b97f4a7c15;
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return state;
}

void run_kernel(const std::function<void()>& thread, dim3 grid, dim3 size) {
    if (!block) block = std::make_unique<Block>();
    grid_size = grid;
    block_size = size;
    const std::uint64_t count = std::uint64_t{grid.x} * grid.y * grid.z, skip = drawn() % count;
    for (std::uint64_t k = 0; k < count; ++k) {
        const std::uint64_t i = (k + skip) % count;
        block_index = {static_cast<unsigned>(i % grid.x), static_cast<unsigned>(i / grid.x % grid.y), static_cast<unsigned>(i / grid.x / grid.y)};
        block->run(thread, size);
    }
}

void barrier(int line) { block->wait(Thread::State::at_barrier, line); }

std::uint64_t exchange(std::uint32_t mask, std::uint64_t value, int lane_xor, int line) {
    Thread& thread = block->current();
    thread.mask = mask, thread.value = value, thread.lane_xor = lane_xor, thread.is_ballot = false;
    block->wait(Thread::State::at_exchange, line);
    return block->current().value;
}

std::uint32_t ballot(std::uint32_t mask, bool holds, int line) {
    Thread& thread = block->current();
    thread.mask = mask, thread.value = holds, thread.lane_xor = 0, thread.is_ballot = true;
    block->wait(Thread::State::at_exchange, line);
    return static_cast<std::uint32_t>(block->current().value);
}

}  // namespace emulated
