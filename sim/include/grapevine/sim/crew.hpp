#pragma once

#include <cstddef>
#include <type_traits>

namespace grapevine::sim {

// Who does the engine's work: several hands, or one. The engine starts no thread; a crew with threads lives with whoever
// runs it.
class Crew {
public:
    virtual ~Crew() = default;
    virtual std::size_t hands() const = 0;  // jobs that run at the same time
    // Runs work(0) to work(n - 1), which are independent of each other, and returns when all are done.
    template <class Work>
    void together(std::size_t n, Work&& work) {
        do_together(n, [](void* w, std::size_t i) { (*static_cast<std::remove_reference_t<Work>*>(w))(i); }, &work);
    }

private:
    virtual void do_together(std::size_t n, void (*work)(void*, std::size_t), void* context) = 0;
};

// One hand: the caller's.
class Alone final : public Crew {
public:
    std::size_t hands() const override { return 1; }

private:
    void do_together(std::size_t n, void (*work)(void*, std::size_t), void* context) override {
        for (std::size_t i = 0; i < n; ++i) work(context, i);
    }
};

}  // namespace grapevine::sim
