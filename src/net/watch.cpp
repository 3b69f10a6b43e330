#include "watch.hpp"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <optional>
#include <utility>

#include "clock.hpp"

namespace grapevine::net {
namespace {

constexpr Duration often = std::chrono::milliseconds(20);
constexpr int idle_share = 50;  // of the time it looks at one part: ten thousand connections take 10 ms

std::optional<std::uint64_t> cookie_of(int fd) {
    std::uint64_t cookie = 0;
    socklen_t size = sizeof cookie;
    return getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size) == 0 ? std::optional(cookie) : std::nullopt;
}

std::uint64_t bytes_come(int fd) {
    tcp_info info{};
    socklen_t size = sizeof info;
    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 ? info.tcpi_bytes_received : 0;
}

}  // namespace

void Watch::add(void* socket, const char* plane, std::uint64_t may_wait) {
    const std::string where = std::string("inproc://watched-") + plane;
    if (zmq_socket_monitor(socket, where.c_str(), ZMQ_EVENT_ACCEPTED) != 0) return;
    planes_.push_back({zmq::socket_t(context_, zmq::socket_type::pair), may_wait});
    planes_.back().events.set(zmq::sockopt::linger, 0);
    planes_.back().events.connect(where);
}

void Watch::start(std::size_t most_connections) {
    most_ = most_connections;
    thread_ = std::thread([this] { run(); });
}

void Watch::stop() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
    planes_.clear();
}

void Watch::run() {
    for (Instant next_look{}; !stopping_; std::this_thread::sleep_for(often)) {
        hear_of_connections();  // each time: ZeroMQ's thread waits for us where 2,000 of them are unheard
        const Instant begun = now();
        if (begun < next_look) continue;
        look();
        next_look = now() + std::min<Duration>(idle_share * (now() - begun), std::chrono::seconds(1));
    }
}

// An event: its number u16 and the descriptor i32, then the address.
void Watch::hear_of_connections() {
    bool looked = false;
    for (Plane& plane : planes_)
        for (;;) {
            zmq::message_t event, address;
            if (zmq_msg_recv(event.handle(), plane.events.handle(), ZMQ_DONTWAIT) < 0) break;
            if (event.more() && zmq_msg_recv(address.handle(), plane.events.handle(), ZMQ_DONTWAIT) < 0) break;
            std::uint16_t number = 0;
            std::int32_t fd = -1;
            if (event.size() < sizeof number + sizeof fd) continue;
            std::memcpy(&number, event.data(), sizeof number);
            std::memcpy(&fd, event.data<char>() + sizeof number, sizeof fd);
            if (number != ZMQ_EVENT_ACCEPTED || fd < 0 || fd >= most_files) continue;
            const auto one_more = [&] { return connections_.size() >= most_ && !connections_.contains(fd); };
            if (one_more() && !std::exchange(looked, true)) look();  // some may be gone
            const auto cookie = cookie_of(fd);
            if (!cookie) continue;
            if (one_more()) {
                close(fd, crowded_);
                continue;
            }
            const std::uint32_t messages = messages_[static_cast<std::size_t>(fd)];
            connections_[fd] = {*cookie, plane.may_wait, messages, messages, 0};
            silent_.emplace_back(fd, *cookie);
            if (silent_.size() <= most_silent) continue;
            const auto [oldest, its] = silent_.front();
            silent_.pop_front();
            close_silent(oldest, its);
        }
}

void Watch::close(int fd, std::atomic<std::uint64_t>& count) {
    ::shutdown(fd, SHUT_RDWR);  // and ZeroMQ lets go of what it holds of it
    ++count;
}

void Watch::close_silent(int fd, std::uint64_t cookie) {
    const auto at = connections_.find(fd);
    if (at == connections_.end() || at->second.cookie != cookie || messages_[static_cast<std::size_t>(fd)] != at->second.first || cookie_of(fd) != cookie) return;
    close(fd, crowded_);
    connections_.erase(at);
}

void Watch::look() {
    for (auto at = connections_.begin(); at != connections_.end();)
        at = over(at->first, at->second) ? connections_.erase(at) : std::next(at);
}

bool Watch::over(int fd, Connection& c) {
    if (cookie_of(fd) != c.cookie) return true;
    const std::uint32_t messages = messages_[static_cast<std::size_t>(fd)].load(std::memory_order_relaxed);
    const std::uint64_t bytes = bytes_come(fd);
    if (messages != c.messages) {
        c.messages = messages;
        c.bytes = bytes;
    } else if (bytes - c.bytes > c.may_wait) {
        close(fd, endless_);
        return true;
    }
    return false;
}

}  // namespace grapevine::net
