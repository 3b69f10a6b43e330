#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include <zmq.hpp>

#include "grapevine/time.hpp"

namespace grapevine::net {

// ZeroMQ bounds a part of a message and how many messages wait, but not how many parts a message has: whose message never ends
// would be held in memory for ever, and we would hear nothing of it. So a thread looks at the connections that others have
// opened: one on which more has come in than may wait there, and no message whole meanwhile, is closed.
//
// What may wait on a connection of somebody with manners, though we do not read at all: its queue, and the kernel's buffer.
//
// Nor does it bound how many connections there are; where no file is left it tries to accept for ever, at the cost of a core
// (libzmq 4.3.4). Beyond a number the next is closed as soon as we hear of it. And of those from which no whole message has come
// yet no more than some are kept: the oldest goes first, for who has something to say says it at once.
class Watch {
public:
    explicit Watch(zmq::context_t& context) : context_(context) {}
    ~Watch() { stop(); }

    void add(void* socket, const char* plane, std::uint64_t may_wait);  // before start()
    void start(std::size_t most_connections);
    void stop();
    void delivered(int fd) {  // a whole message came from there; from the socket's thread
        if (fd >= 0 && fd < most_files) messages_[static_cast<std::size_t>(fd)].fetch_add(1, std::memory_order_relaxed);
    }
    // Closed so far.
    std::uint64_t endless() const { return endless_; }
    std::uint64_t crowded() const { return crowded_; }

private:
    static constexpr int most_files = 1 << 16;
    static constexpr std::size_t most_silent = 4096;
    struct Plane {
        zmq::socket_t events;
        std::uint64_t may_wait;
    };
    struct Connection {
        std::uint64_t cookie;        // the kernel's number for it: a descriptor may be another's by now
        std::uint64_t may_wait;
        std::uint32_t first = 0;     // of its descriptor's count of whole messages, when it was opened
        std::uint32_t messages = 0;  // likewise, when last looked at
        std::uint64_t bytes = 0;     // that had come in when it last had a whole one
    };

    void run();
    void hear_of_connections();
    void look();
    void close_silent(int fd, std::uint64_t cookie);  // unless it has spoken, or is gone
    void close(int fd, std::atomic<std::uint64_t>& count);
    bool over(int fd, Connection& connection);  // or made so

    zmq::context_t& context_;
    std::vector<Plane> planes_;
    std::unordered_map<int, Connection> connections_;  // by descriptor
    std::deque<std::pair<int, std::uint64_t>> silent_; // descriptor and cookie, the oldest first; some have spoken since
    std::unique_ptr<std::array<std::atomic<std::uint32_t>, most_files>> counts_ = std::make_unique<std::array<std::atomic<std::uint32_t>, most_files>>();
    std::array<std::atomic<std::uint32_t>, most_files>& messages_ = *counts_;
    std::size_t most_ = 0;
    std::atomic<std::uint64_t> endless_{0}, crowded_{0};
    std::atomic<bool> stopping_{false};
    std::thread thread_;
};

}  // namespace grapevine::net
