#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <type_traits>
#include <utility>

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

    // A job that may be done ahead of the time when its result is wanted. It touches what is its own, and what it makes of it is
    // looked at when it is finished: so nothing depends on who did it, or when.
    class Task {
    public:
        Task() = default;
        Task(const Task&) = delete;
        Task& operator=(const Task&) = delete;
        virtual ~Task() = default;
        virtual void carry_out() = 0;  // what it throws comes out of finish()

    private:
        friend class Crew;
        enum class State : std::uint8_t { idle, waiting, begun, done };
        State state_ = State::idle;
        Task *before_ = nullptr, *after_ = nullptr;  // among those that wait
        std::exception_ptr failure_;
    };
    // A hand that has nothing else to do may begin it from now on. It stays where it is until it is finished or withdrawn, and may
    // be submitted again then.
    virtual void submit(Task& task) = 0;
    // Returns when it is done: by the hand that has begun it, and if none has, here and now.
    virtual void finish(Task& task) = 0;
    // Takes it back if no hand has begun it, else waits until it is done. Whether it was carried out.
    virtual bool withdraw(Task& task) = 0;

protected:
    using State = Task::State;
    static State& state(Task& task) { return task.state_; }
    static Task*& before(Task& task) { return task.before_; }
    static Task*& after(Task& task) { return task.after_; }
    static void do_task(Task& task) noexcept {
        try {
            task.carry_out();
        } catch (...) {
            task.failure_ = std::current_exception();
        }
    }
    static void close(Task& task) {  // throws what it threw
        task.state_ = State::idle;
        if (const auto failure = std::exchange(task.failure_, nullptr)) std::rethrow_exception(failure);
    }

private:
    virtual void do_together(std::size_t n, void (*work)(void*, std::size_t), void* context) = 0;
};

// One hand: the caller's.
class Alone final : public Crew {
public:
    std::size_t hands() const override { return 1; }
    void submit(Task& task) override { state(task) = State::waiting; }
    void finish(Task& task) override {
        assert(state(task) == State::waiting);
        do_task(task);
        close(task);
    }
    bool withdraw(Task& task) override {
        close(task);
        return false;
    }

private:
    void do_together(std::size_t n, void (*work)(void*, std::size_t), void* context) override {
        for (std::size_t i = 0; i < n; ++i) work(context, i);
    }
};

}  // namespace grapevine::sim
