#pragma once

#include <atomic>
#include <deque>
#include <mutex>
#include <optional>

#include "grapevine/net/transport.hpp"

namespace grapevine::net {

// A file descriptor that a poll can wait for and any thread can ring.
class Bell {
public:
    Bell();
    ~Bell();
    Bell(const Bell&) = delete;
    Bell& operator=(const Bell&) = delete;
    void ring();
    void silence();  // until the next ring
    int fd() const { return fd_; }

private:
    int fd_;
};

// What other threads hand to one: values in order, and a bell that rings while there are any.
template <class T>
class Mailbox {
public:
    void put(T value) {
        {
            const std::lock_guard lock(mutex_);
            values_.push_back(std::move(value));
        }
        bell_.ring();
    }
    std::optional<T> take() {
        const std::lock_guard lock(mutex_);
        if (values_.empty()) return std::nullopt;
        std::optional<T> value(std::move(values_.front()));
        values_.pop_front();
        return value;
    }
    Bell& bell() { return bell_; }

private:
    std::mutex mutex_;
    std::deque<T> values_;
    Bell bell_;
};

using Inbox = Mailbox<Inbound>;

}  // namespace grapevine::net
