#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace grapevine::net {

// A router between two nodes, for one endpoint: its connections can be cut, or lose all packets without a word.
class Proxy {
public:
    explicit Proxy(const std::string& target) : target_(port_of(target)), listener_(socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in address = loopback(0);
        socklen_t size = sizeof address;
        if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 16) != 0 ||
            getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
            std::abort();
        endpoint_ = "tcp://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
        thread_ = std::thread([this] { run(); });
    }
    ~Proxy() {
        stop_ = true;
        thread_.join();
        ::close(listener_);
        for (const Pair& pair : pairs_) close_both(pair);
    }

    const std::string& endpoint() const { return endpoint_; }
    std::uint64_t carried() const { return carried_; }  // bytes
    int accepted() const { return accepted_; }

    void cut() {  // both ends are told
        const std::lock_guard lock(mutex_);
        for (const Pair& pair : pairs_) close_both(pair);
        pairs_.clear();
    }
    void lose() {  // nobody is told: what is open now carries nothing any more; new connections do
        const std::lock_guard lock(mutex_);
        for (Pair& pair : pairs_) pair.lost = true;
    }

    void narrow(std::size_t bytes) { longest_ = bytes; }  // connections end silently with the first that come in one go and are more

private:
    struct Pair {
        int ends[2];
        mutable bool lost = false;
    };

    static std::uint16_t port_of(const std::string& endpoint) {
        return static_cast<std::uint16_t>(std::stoi(endpoint.substr(endpoint.rfind(':') + 1)));
    }
    static sockaddr_in loopback(std::uint16_t port) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons(port);
        return address;
    }
    static void close_both(const Pair& pair) {
        ::close(pair.ends[0]);
        ::close(pair.ends[1]);
    }

    void accept_one() {
        Pair pair{{accept(listener_, nullptr, nullptr), socket(AF_INET, SOCK_STREAM, 0)}};
        const sockaddr_in address = loopback(target_);
        if (pair.ends[0] < 0 || connect(pair.ends[1], reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
            return close_both(pair);
        ++accepted_;
        pairs_.push_back(pair);
    }
    // False when the connection is over.
    bool carry(const Pair& pair, int from) {
        char bytes[65536];
        const auto got = ::recv(pair.ends[from], bytes, sizeof bytes, MSG_DONTWAIT);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) return true;
        if (got <= 0) return false;
        if (static_cast<std::size_t>(got) > longest_) {
            pair.lost = true;
            return true;
        }
        for (ssize_t sent = 0; sent < got;) {
            const auto n = ::send(pair.ends[1 - from], bytes + sent, static_cast<std::size_t>(got - sent), MSG_NOSIGNAL);
            if (n <= 0) return false;
            sent += n;
        }
        carried_ += static_cast<std::uint64_t>(got);
        return true;
    }
    void run() {
        while (!stop_) {
            std::vector<pollfd> fds{{listener_, POLLIN, 0}};
            {
                const std::lock_guard lock(mutex_);
                for (const Pair& pair : pairs_)
                    for (const int end : pair.ends)
                        if (!pair.lost) fds.push_back({end, POLLIN, 0});
            }
            if (::poll(fds.data(), fds.size(), 20) <= 0) continue;
            const std::lock_guard lock(mutex_);
            if (fds[0].revents) accept_one();
            std::erase_if(pairs_, [this](const Pair& pair) {
                if (pair.lost || (carry(pair, 0) && carry(pair, 1))) return false;
                close_both(pair);
                return true;
            });
        }
    }

    std::uint16_t target_;
    int listener_;
    std::string endpoint_;
    std::mutex mutex_;
    std::vector<Pair> pairs_;
    std::atomic<bool> stop_{false};
    std::atomic<std::uint64_t> carried_{0};
    std::atomic<int> accepted_{0};
    std::atomic<std::size_t> longest_{~std::size_t{0}};
    std::thread thread_;
};

}  // namespace grapevine::net
