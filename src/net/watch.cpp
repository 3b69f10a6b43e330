#include "watch.hpp"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <optional>

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

void Watch::start() {
    thread_ = std::thread([this] { run(); });
}

void Watch::stop() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
    planes_.clear();
}

void Watch::run() {
    while (!stopping_) {
        const Instant begun = now();
        hear_of_connections();
        look();
        std::this_thread::sleep_for(std::min<Duration>(std::max(often, idle_share * (now() - begun)), std::chrono::seconds(1)));
    }
}

// An event: its number u16 and the descriptor i32, then the address.
void Watch::hear_of_connections() {
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
            if (const auto cookie = cookie_of(fd)) connections_[fd] = {*cookie, plane.may_wait, messages_[static_cast<std::size_t>(fd)], 0};
        }
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
        ::shutdown(fd, SHUT_RDWR);  // and ZeroMQ lets go of what it holds of it
        ++closed_;
        return true;
    }
    return false;
}

}  // namespace grapevine::net
