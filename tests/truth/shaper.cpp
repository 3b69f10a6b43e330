// Links for real processes where the kernel has no netem: a network namespace for each node, whose only way out is a tun
// device that this program holds. Every IP packet passes through here, and is delayed as the simulator delays messages:
// the sender's uplink (FIFO, a rate), the way (a constant latency, and loss by a seed), the receiver's downlink (FIFO, a rate).
//
// On stdin, then:
//   queue BYTES                           what may wait at a link before it; more is dropped. First line, may be left out
//   seed NUMBER                           of losses
//   node ADDRESS UPLINK DOWNLINK          IPv4 in 10.99.0.0/24; bytes per second, 0: no limit
//   link FROM TO SECONDS LOSS             nodes by number from 0 on, one way
//   go
// It answers "ready PID FD FD ...": /proc/PID/fd/FD is node i's namespace, for nsenter --net=. It runs until stdin ends,
// and then prints a JSON object with what passed. Exit 77: no namespaces or no tun device here, or not root; 2: bad input.
#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <iostream>
#include <linux/if_tun.h>
#include <net/if.h>
#include <optional>
#include <poll.h>
#include <queue>
#include <sched.h>
#include <sstream>
#include <string>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <vector>

#include "grapevine/random.hpp"

namespace {

using Nanoseconds = std::int64_t;
using Packet = std::vector<std::uint8_t>;

Nanoseconds now() {
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * Nanoseconds{1'000'000'000} + t.tv_nsec;
}

[[noreturn]] void skip(const std::string& why) {
    std::fprintf(stderr, "shaper: %s: %s\n", why.c_str(), std::strerror(errno));
    std::exit(77);
}

// One direction of a card: a FIFO that empties at a rate.
struct Line {
    double rate = 0;  // bytes per second; 0: no limit
    Nanoseconds free = 0;
    std::uint64_t packets = 0, bytes = 0, dropped = 0;
    Nanoseconds longest_wait = 0;

    // When the packet's last byte is through; nothing if too much waits already.
    std::optional<Nanoseconds> pass(Nanoseconds at, std::size_t size, double most_waiting) {
        const Nanoseconds waits = std::max<Nanoseconds>(0, free - at);
        if (rate > 0 && static_cast<double>(waits) * 1e-9 * rate + static_cast<double>(size) > most_waiting) {
            ++dropped;
            return std::nullopt;
        }
        ++packets;
        bytes += size;
        longest_wait = std::max(longest_wait, waits);
        if (rate <= 0) return at;
        free = at + waits + static_cast<Nanoseconds>(static_cast<double>(size) / rate * 1e9);
        return free;
    }
};

struct Node {
    std::uint32_t address = 0;  // host order
    Line up, down;
    int space = -1, tun = -1;
};

struct Way {
    Nanoseconds latency = 0;
    double loss = 0;
};

struct Passage {  // of a packet: at the receiver's downlink, then through it
    Nanoseconds at;
    std::uint64_t number;  // as it came: equal instants keep their order
    std::size_t to;
    bool through;
    Packet packet;
};
struct Later {
    bool operator()(const Passage& a, const Passage& b) const { return a.at != b.at ? a.at > b.at : a.number > b.number; }
};

// Interfaces are named and set up in the namespace that we are in.
void up(int socket, const char* name, std::optional<std::uint32_t> address) {
    ifreq request{};
    std::strncpy(request.ifr_name, name, IFNAMSIZ - 1);
    const auto put = [&](unsigned long what, std::uint32_t value) {
        sockaddr_in in{};
        in.sin_family = AF_INET;
        in.sin_addr.s_addr = htonl(value);
        std::memcpy(&request.ifr_addr, &in, sizeof in);
        if (ioctl(socket, what, &request) != 0) skip("cannot give " + std::string(name) + " an address");
    };
    if (address) {
        put(SIOCSIFADDR, *address);
        put(SIOCSIFNETMASK, 0xffffff00);
    }
    if (ioctl(socket, SIOCGIFFLAGS, &request) != 0) skip("cannot read flags");
    request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP | IFF_RUNNING);
    if (ioctl(socket, SIOCSIFFLAGS, &request) != 0) skip("cannot bring " + std::string(name) + " up");
}

void make(Node& node) {
    if (unshare(CLONE_NEWNET) != 0) skip("no network namespaces here");
    node.space = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    node.tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (node.space < 0 || node.tun < 0) skip("no tun devices here");
    ifreq request{};
    request.ifr_flags = IFF_TUN | IFF_NO_PI;
    std::strncpy(request.ifr_name, "wan", IFNAMSIZ - 1);
    if (ioctl(node.tun, TUNSETIFF, &request) != 0) skip("cannot make a tun device");
    const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (socket < 0) skip("no sockets in the namespace");
    up(socket, "lo", std::nullopt);
    up(socket, "wan", node.address);
    request = {};
    std::strncpy(request.ifr_name, "wan", IFNAMSIZ - 1);
    request.ifr_qlen = 10'000;  // we empty it as fast as it fills; what may wait is ours to say
    if (ioctl(socket, SIOCSIFTXQLEN, &request) != 0) skip("cannot set the queue of the tun device");
    close(socket);
}

class Shaper {
public:
    bool read() {
        std::string line;
        while (std::getline(std::cin, line)) {
            std::istringstream words(line);
            std::string what;
            words >> what;
            if (what == "queue") {
                words >> most_waiting_;
            } else if (what == "seed") {
                std::uint64_t seed = 0;
                words >> seed;
                random_ = grapevine::Random(seed);
            } else if (what == "node") {
                Node node;
                std::string address;
                in_addr in{};
                words >> address >> node.up.rate >> node.down.rate;
                if (inet_pton(AF_INET, address.c_str(), &in) != 1) return false;
                node.address = ntohl(in.s_addr);
                nodes_.push_back(node);
                ways_.assign(nodes_.size() * nodes_.size(), {});
            } else if (what == "link") {
                std::size_t from = 0, to = 0;
                double latency = 0, loss = 0;
                words >> from >> to >> latency >> loss;
                if (words.fail() || from >= nodes_.size() || to >= nodes_.size() || latency < 0 || loss < 0 || loss > 1) return false;
                ways_[from * nodes_.size() + to] = {static_cast<Nanoseconds>(latency * 1e9), loss};
            } else if (what == "go") {
                return !nodes_.empty();
            } else {
                return false;
            }
            if (words.fail()) return false;
        }
        return false;
    }

    void run() {
        for (Node& node : nodes_) make(node);
        prctl(PR_SET_TIMERSLACK, 1000);
        std::printf("ready %d", static_cast<int>(getpid()));
        for (const Node& node : nodes_) std::printf(" %d", node.space);
        std::printf("\n");
        std::fflush(stdout);
        std::vector<pollfd> watched{{0, POLLIN, 0}};
        for (const Node& node : nodes_) watched.push_back({node.tun, POLLIN, 0});
        began_ = now();
        for (;;) {
            timespec wait{};
            if (!passages_.empty()) {
                const Nanoseconds left = std::max<Nanoseconds>(0, passages_.top().at - now());
                wait = {left / 1'000'000'000, left % 1'000'000'000};
            }
            if (ppoll(watched.data(), watched.size(), passages_.empty() ? nullptr : &wait, nullptr) < 0 && errno != EINTR) skip("ppoll");
            if (watched[0].revents) return;  // the parent is done, or gone
            for (std::size_t i = 0; i < nodes_.size(); ++i)
                if (watched[i + 1].revents) take(i);
            pass();
        }
    }

    void report() const {
        rusage usage{};
        getrusage(RUSAGE_SELF, &usage);
        const auto of = [](const timeval& t) { return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec); };
        std::printf("{\"seconds\": %.3f, \"cpu_seconds\": %.3f, \"lost\": %llu, \"late_max_seconds\": %.6f, \"nodes\": [", static_cast<double>(now() - began_) * 1e-9,
                    of(usage.ru_utime) + of(usage.ru_stime), static_cast<unsigned long long>(lost_), static_cast<double>(latest_) * 1e-9);
        for (std::size_t i = 0; i < nodes_.size(); ++i) {
            const auto line = [](const Line& l) {
                std::printf("{\"packets\": %llu, \"bytes\": %llu, \"dropped\": %llu, \"longest_wait_seconds\": %.6f}", static_cast<unsigned long long>(l.packets),
                            static_cast<unsigned long long>(l.bytes), static_cast<unsigned long long>(l.dropped), static_cast<double>(l.longest_wait) * 1e-9);
            };
            std::printf("%s{\"up\": ", i ? ", " : "");
            line(nodes_[i].up);
            std::printf(", \"down\": ");
            line(nodes_[i].down);
            std::printf("}");
        }
        std::printf("]}\n");
    }

private:
    void take(std::size_t from) {
        for (int n = 0; n < 64; ++n) {
            const ssize_t size = ::read(nodes_[from].tun, read_.data(), read_.size());
            if (size < 20) return;
            Packet packet(read_.begin(), read_.begin() + size);
            if (packet[0] >> 4 != 4) continue;
            std::uint32_t address = 0;
            std::memcpy(&address, packet.data() + 16, 4);
            address = ntohl(address);
            const auto to = std::find_if(nodes_.begin(), nodes_.end(), [&](const Node& node) { return node.address == address; });
            if (to == nodes_.end()) continue;
            const auto sent = nodes_[from].up.pass(now(), packet.size(), most_waiting_);
            if (!sent) continue;
            const auto place = static_cast<std::size_t>(to - nodes_.begin());
            const Way& way = ways_[from * nodes_.size() + place];
            if (way.loss > 0 && random_.chance(way.loss)) {
                ++lost_;
                continue;
            }
            passages_.push({*sent + way.latency, number_++, place, false, std::move(packet)});
        }
    }

    void pass() {
        const Nanoseconds at = now();
        while (!passages_.empty() && passages_.top().at <= at) {
            Passage passage = std::move(const_cast<Passage&>(passages_.top()));  // the queue orders by what is not moved
            passages_.pop();
            Node& to = nodes_[passage.to];
            if (!passage.through) {
                const auto through = to.down.pass(passage.at, passage.packet.size(), most_waiting_);
                if (!through) continue;
                passage.at = *through;
                passage.through = true;
                passages_.push(std::move(passage));
                continue;
            }
            latest_ = std::max(latest_, at - passage.at);
            // A full queue or a namespace that is going away loses it, as a card would.
            if (::write(to.tun, passage.packet.data(), passage.packet.size()) < 0) ++lost_;
        }
    }

    Packet read_ = Packet(65536);
    double most_waiting_ = 512 * 1024;
    grapevine::Random random_{1};
    std::vector<Node> nodes_;
    std::vector<Way> ways_;  // (from, to)
    std::priority_queue<Passage, std::vector<Passage>, Later> passages_;
    std::uint64_t number_ = 0, lost_ = 0;
    Nanoseconds began_ = 0, latest_ = 0;
};

}  // namespace

int main() {
    std::setvbuf(stdin, nullptr, _IONBF, 0);
    Shaper shaper;
    if (!shaper.read()) {
        std::fprintf(stderr, "shaper: bad input\n");
        return 2;
    }
    shaper.run();
    shaper.report();
}
