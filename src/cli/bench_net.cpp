// bench net: what the bulk plane carries beside a plain TCP stream, and what a ping costs meanwhile. Within this machine, or to
// another one on which `bench net --serve` runs. Within this machine parcels take TCP, as to others, and are shown over a Unix socket
// beside it, which is what nodes of one machine use.
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "addresses.hpp"
#include "bench.hpp"
#include "grapevine/net/transport.hpp"
#include "grapevine/record/format.hpp"
#include "interrupt.hpp"
#include "terminal.hpp"
#include "verb.hpp"

namespace grapevine::cli {

namespace {

using net::Transport;
using Clock = std::chrono::steady_clock;

constexpr std::size_t mib = 1 << 20;
constexpr std::uint64_t run_of_benches = 0x62656e63686e6574;  // another run than any node's: neither hears the other

double now_s() { return std::chrono::duration<double>(Clock::now().time_since_epoch()).count(); }

double percentile(std::vector<double> values, double share) {
    std::sort(values.begin(), values.end());
    return values.empty() ? 0 : values[std::min(values.size() - 1, static_cast<std::size_t>(share * static_cast<double>(values.size())))];
}

std::variant<std::unique_ptr<Transport>, Error> open(const std::string& host, std::uint16_t port, bool nearby) {
    net::Options options;
    options.nearby = nearby;
    std::random_device device;
    options.self = PeerId{std::uint64_t{device()} << 32 | device() | 1};
    options.run = run_of_benches;
    options.listen_host = host;
    options.control_port = port;
    options.bulk_port = static_cast<std::uint16_t>(port == 0 ? 0 : port + 1);
    auto opened = Transport::open(options);
    if (auto* error = std::get_if<net::Error>(&opened)) return Error{error->what, error->hint};
    return std::get<std::unique_ptr<Transport>>(std::move(opened));
}

std::uint16_t port_in(const std::string& endpoint) { return static_cast<std::uint16_t>(std::stoi(endpoint.substr(endpoint.rfind(':') + 1))); }

// ---- plain TCP: blocks of a length, each answered with a byte when the last of it is there

bool write_all(int fd, const char* data, std::size_t size) {
    while (size > 0) {
        const auto n = ::send(fd, data, size, MSG_NOSIGNAL);
        if (n <= 0) return false;
        data += n;
        size -= static_cast<std::size_t>(n);
    }
    return true;
}

bool read_all(int fd, char* data, std::size_t size) {
    while (size > 0) {
        const auto n = ::read(fd, data, size);
        if (n <= 0) return false;
        data += n;
        size -= static_cast<std::size_t>(n);
    }
    return true;
}

// Whoever dials says how long its blocks are; one at a time. Memory is taken for the longest that bench sends, and no more.
class TcpServer {
public:
    explicit TcpServer(const std::string& host) : listener_(socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        if (inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) address.sin_addr.s_addr = htonl(INADDR_ANY);
        socklen_t size = sizeof address;
        if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 1) != 0 ||
            getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
            return;
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this] { run(); });
    }
    ~TcpServer() {
        stop_ = true;
        ::shutdown(listener_, SHUT_RDWR);
        if (const int fd = talking_; fd >= 0) ::shutdown(fd, SHUT_RDWR);
        if (thread_.joinable()) thread_.join();
        ::close(listener_);
    }
    std::uint16_t port() const { return port_; }

private:
    static constexpr std::uint64_t longest = 100 * mib;
    void run() {
        std::vector<char> block;
        while (!stop_) {
            const int fd = accept(listener_, nullptr, nullptr);
            if (fd < 0) continue;
            talking_ = fd;
            std::uint64_t size = 0;
            if (read_all(fd, reinterpret_cast<char*>(&size), sizeof size) && size <= longest) {
                block.resize(size);
                for (char done = 1; !stop_ && read_all(fd, block.data(), size) && write_all(fd, &done, 1);) {}
            }
            talking_ = -1;
            ::close(fd);
        }
    }
    int listener_;
    std::uint16_t port_ = 0;
    std::atomic<bool> stop_{false};
    std::atomic<int> talking_{-1};
    std::thread thread_;
};

class TcpStream {
public:
    TcpStream(const std::string& host, std::uint16_t port, std::uint64_t size) : fd_(socket(AF_INET, SOCK_STREAM, 0)), block_(size, 7) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        good_ = inet_pton(AF_INET, host.c_str(), &address.sin_addr) == 1 && connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
                write_all(fd_, reinterpret_cast<const char*>(&size), sizeof size);
    }
    ~TcpStream() { ::close(fd_); }
    double block() {  // seconds; below 0: the connection is over
        char done = 0;
        const double start = now_s();
        good_ = good_ && write_all(fd_, block_.data(), block_.size()) && read_all(fd_, &done, 1);
        return good_ ? now_s() - start : -1;
    }

private:
    int fd_;
    std::vector<char> block_;
    bool good_ = false;
};

// ---- the other side

// Echoes frames and says of each parcel that it is there, until told to stop.
class Server {
public:
    Server(std::unique_ptr<Transport> transport, const std::string& host) : transport_(std::move(transport)), tcp_(host) {
        transport_->set_greeting("bench " + std::to_string(port_in(transport_->contact().bulk)) + " " + std::to_string(tcp_.port()));
        thread_ = std::thread([this] { run(); });
    }
    ~Server() {
        stop_ = true;
        transport_->wake();
        thread_.join();
    }
    std::string control() const { return transport_->contact().control; }

private:
    void run() {
        while (!stop_) {
            auto inbound = transport_->receive(std::chrono::milliseconds(200));
            if (!inbound) continue;
            if (auto* frame = std::get_if<net::Frame>(&*inbound)) {
                transport_->know({frame->from, "", "", ""});  // it dials us, and parcels are taken from who is known
                transport_->send(frame->from, std::move(frame->bytes));
            }
            if (const auto* parcel = std::get_if<net::Parcel>(&*inbound)) transport_->send(parcel->from, "got it");
        }
    }
    std::unique_ptr<Transport> transport_;
    TcpServer tcp_;
    std::atomic<bool> stop_{false};
    std::thread thread_;
};

// ---- this side

struct Far {
    PeerId who;
    std::string host;
    std::uint16_t tcp_port = 0;
};

std::variant<Far, Error> find(Transport& ours, const std::string& endpoint) {
    ours.greet(endpoint);
    for (;;) {
        const auto inbound = ours.receive(std::chrono::seconds(1));
        if (!inbound) continue;
        if (const auto* none = std::get_if<net::NoAnswer>(&*inbound)) return Error{"no answer from " + endpoint + ": " + none->why, "grapevine bench net --serve ADDR:PORT there"};
        const auto* hello = std::get_if<net::Hello>(&*inbound);
        if (!hello) continue;
        unsigned bulk = 0, tcp = 0;
        if (hello->run != run_of_benches || std::sscanf(hello->greeting.c_str(), "bench %5u %5u", &bulk, &tcp) != 2 || bulk > 65535 || tcp > 65535)
            return Error{"what answers at " + endpoint + " is no 'grapevine bench net --serve'", "start one there"};
        const std::string host = endpoint.substr(6, endpoint.rfind(':') - 6);
        ours.know({hello->who, "", endpoint, "tcp://" + host + ":" + std::to_string(bulk)});
        return Far{hello->who, host, static_cast<std::uint16_t>(tcp)};
    }
}

struct Transfers {
    std::size_t size;
    std::vector<double> ours, plain, nearby;  // seconds
};
struct Pings {
    std::vector<double> calm, loaded;  // seconds
    double carried = 0;                // bytes a second meanwhile
};

class Bench {
public:
    // `nearby`: null to another machine.
    Bench(Transport& ours, Transport* nearby, Far far, double within, const std::atomic<bool>& stop) : ours_(ours), nearby_(nearby), far_(std::move(far)), within_(within), stop_(stop) {}

    bool introduced() {  // the other side takes parcels from who has written
        ours_.send(far_.who, "ping");
        if (nearby_) nearby_->send(far_.who, "ping");
        return answer(ours_, "ping", 20) && (!nearby_ || answer(*nearby_, "ping", 20));
    }
    // In turn, so that both see the same machine; three of each at least.
    std::optional<Transfers> transfers(std::size_t size) {
        Transfers t{size, {}, {}, {}};
        TcpStream stream(far_.host, far_.tcp_port, size);
        const Bytes body = block(size);
        stream.block();  // windows, buffers
        if (!parcel(ours_, body) || (nearby_ && !parcel(*nearby_, body))) return std::nullopt;
        const double end = now_s() + within_;
        while (!stop_ && (now_s() < end || t.ours.size() < 3)) {
            t.plain.push_back(stream.block());
            const auto took = parcel(ours_, body), took_nearby = nearby_ ? parcel(*nearby_, body) : std::nullopt;
            if (t.plain.back() < 0 || !took || (nearby_ && !took_nearby)) return std::nullopt;
            t.ours.push_back(*took);
            if (took_nearby) t.nearby.push_back(*took_nearby);
        }
        return t;
    }
    std::optional<Pings> pings(std::size_t size) {
        Pings p;
        if (!ping(p.calm, nullptr)) return std::nullopt;
        const Bytes body = block(size);
        const std::uint64_t before = ours_.counters().body_bytes_out;
        const double start = now_s();
        if (!ping(p.loaded, &body)) return std::nullopt;
        p.carried = static_cast<double>(ours_.counters().body_bytes_out - before) / (now_s() - start);
        return p;
    }

private:
    static Bytes block(std::size_t size) {
        auto memory = std::make_shared<std::vector<std::byte>>(size, std::byte{7});
        return {memory->data(), size, memory};
    }
    std::optional<double> parcel(Transport& from, const Bytes& body) {  // seconds
        const double start = now_s();
        from.ship(far_.who, 1, "", body);
        return answer(from, "got it", 300) ? std::optional(now_s() - start) : std::nullopt;
    }
    bool answer(Transport& from, const char* what, double patience) {
        const double end = now_s() + patience;
        while (now_s() < end && !stop_) {
            const auto inbound = from.receive(std::chrono::milliseconds(200));
            const auto* frame = inbound ? std::get_if<net::Frame>(&*inbound) : nullptr;
            if (frame && frame->bytes == what) return true;
        }
        return false;
    }
    // With two parcels at a time under way, if there is a body: the link is never idle.
    bool ping(std::vector<double>& took, const Bytes* body) {
        int under_way = 0;
        const double begun = now_s(), end = begun + within_;
        const auto next = [&](double patience) -> std::optional<std::string> {
            const auto inbound = ours_.receive(from_seconds(patience));
            const auto* frame = inbound ? std::get_if<net::Frame>(&*inbound) : nullptr;
            if (!frame) return std::nullopt;
            if (frame->bytes == "got it") --under_way;
            return frame->bytes;
        };
        for (int n = 0; now_s() < end && !stop_; ++n) {
            for (; body && under_way < 2; ++under_way) ours_.ship(far_.who, 1, "", *body);
            const std::string word = "ping " + std::to_string(n);
            const double start = now_s();
            ours_.send(far_.who, word);
            for (bool back = false; !back;) {
                back = next(0.1) == word;
                if (now_s() - start > 60 || stop_) return false;
            }
            if (!body || start - begun > within_ / 4) took.push_back(now_s() - start);  // the windows have found their size
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
        const double patience = now_s() + 300;
        while (under_way > 0 && now_s() < patience && !stop_) next(0.2);
        return under_way == 0;
    }

    Transport& ours_;
    Transport* nearby_;
    Far far_;
    double within_;
    const std::atomic<bool>& stop_;
};

void print(const std::vector<Transfers>& all, const Pings& p, bool json) {
    const auto rate = [](std::size_t size, const std::vector<double>& took) { return static_cast<double>(size) / percentile(took, 0.5); };
    if (json) {
        std::printf("{\"version\": \"%s\", \"transfers\": [", version());
        for (std::size_t i = 0; i < all.size(); ++i)
            std::printf("%s\n  {\"bytes\": %zu, \"bytes_per_second\": %.0f, \"tcp_bytes_per_second\": %.0f, \"ratio\": %.4f, \"nearby_bytes_per_second\": %.0f, \"times\": %zu}", i ? "," : "", all[i].size, rate(all[i].size, all[i].ours),
                        rate(all[i].size, all[i].plain), rate(all[i].size, all[i].ours) / rate(all[i].size, all[i].plain), all[i].nearby.empty() ? 0 : rate(all[i].size, all[i].nearby), all[i].ours.size());
        std::printf("\n], \"ping\": {\"p50\": %.6g, \"p99\": %.6g, \"loaded_p50\": %.6g, \"loaded_p99\": %.6g, \"loaded_bytes_per_second\": %.0f, \"times\": %zu}}\n", percentile(p.calm, 0.5), percentile(p.calm, 0.99),
                    percentile(p.loaded, 0.5), percentile(p.loaded, 0.99), p.carried, p.loaded.size());
        return;
    }
    std::printf("  %9s  %12s  %12s  %10s   (medians, one after the other and in turn)\n", "parcel", "bulk plane", "plain TCP", "of TCP");
    for (const Transfers& t : all)
        std::printf("  %5zu MiB  %10s/s  %10s/s  %10s   of %zu\n", t.size / mib, record::format_bytes(rate(t.size, t.ours)).c_str(), record::format_bytes(rate(t.size, t.plain)).c_str(),
                    record::format_percent(rate(t.size, t.ours) / rate(t.size, t.plain)).c_str(), t.ours.size());
    if (!all.empty() && !all.front().nearby.empty()) {
        std::printf("\n  between nodes of one machine, over a Unix socket:");
        for (const Transfers& t : all)
            std::printf("%s %zu MiB %s/s, %s of TCP", &t == &all.front() ? "" : ";", t.size / mib, record::format_bytes(rate(t.size, t.nearby)).c_str(), record::format_percent(rate(t.size, t.nearby) / rate(t.size, t.plain)).c_str());
        std::printf("\n");
    }
    std::printf("\n  ping            p50 %s, p99 %s\n", record::format_seconds(percentile(p.calm, 0.5)).c_str(), record::format_seconds(percentile(p.calm, 0.99)).c_str());
    std::printf("  with parcels    p50 %s, p99 %s, while %s/s flow   of %zu\n", record::format_seconds(percentile(p.loaded, 0.5)).c_str(), record::format_seconds(percentile(p.loaded, 0.99)).c_str(),
                record::format_bytes(p.carried).c_str(), p.loaded.size());
}

}  // namespace

int bench_net(const Arguments& a) {
    auto number = a.number("seconds", 0.1, 600);
    if (const auto* error = std::get_if<Error>(&number)) return complain(*error, usage);
    const double within = std::get<std::optional<double>>(number).value_or(5);
    auto size = a.number("size", 1, 100);
    if (const auto* error = std::get_if<Error>(&size)) return complain(*error, usage);
    std::vector<std::size_t> sizes{16 * mib, 100 * mib};
    if (const auto only = std::get<std::optional<double>>(size)) sizes = {static_cast<std::size_t>(*only) * mib};
    if (a.has("serve") && a.has("peer")) return complain({"bench net is the other side with --serve, and measures to one with --peer", "one of the two here, the other there"}, usage);
    const auto& stop = stop_on_interrupt();

    std::string host = "127.0.0.1";
    std::uint16_t port = 0;
    if (const auto serve = a.get("serve")) {
        auto parsed = host_and_port("--serve", *serve);
        if (const auto* error = std::get_if<Error>(&parsed)) return complain(*error, usage);
        std::tie(host, port) = std::pair(std::get<0>(parsed).first, std::get<0>(parsed).second.value_or(0));
    }
    std::unique_ptr<Server> server;
    if (a.has("serve") || !a.has("peer")) {
        auto opened = open(host, port, true);
        if (const auto* error = std::get_if<Error>(&opened)) return complain(*error, usage);
        server = std::make_unique<Server>(std::get<0>(std::move(opened)), host);
    }
    if (a.has("serve")) {
        std::printf("serves at %s until ^C: whoever reaches it may send it parcels, which it forgets\n", server->control().substr(6).c_str());
        std::fflush(stdout);
        while (!stop) std::this_thread::sleep_for(std::chrono::milliseconds(100));
        return finished;
    }
    std::string endpoint = server ? server->control() : "";
    if (const auto peer = a.get("peer")) {
        auto parsed = host_and_port("--peer", *peer);
        if (const auto* error = std::get_if<Error>(&parsed)) return complain(*error, usage);
        const auto& [far_host, far_port] = std::get<0>(parsed);
        if (!far_port) return complain({"--peer '" + *peer + "' has no port", "HOST:PORT, as bench net --serve says it there"}, usage);
        endpoint = "tcp://" + far_host + ":" + std::to_string(*far_port);
    }
    auto opened = open(server ? "127.0.0.1" : "0.0.0.0", 0, false);
    if (const auto* error = std::get_if<Error>(&opened)) return complain(*error, failed);
    const auto ours = std::get<0>(std::move(opened));
    auto far = find(*ours, endpoint);
    if (const auto* error = std::get_if<Error>(&far)) return complain(*error, failed);
    std::unique_ptr<Transport> nearby;
    if (server) {
        auto second = open("127.0.0.1", 0, true);
        if (const auto* error = std::get_if<Error>(&second)) return complain(*error, failed);
        nearby = std::get<0>(std::move(second));
        auto found = find(*nearby, endpoint);
        if (const auto* error = std::get_if<Error>(&found)) return complain(*error, failed);
    }
    Bench bench(*ours, nearby.get(), std::get<Far>(far), within, stop);
    ProgressLine line;
    if (!bench.introduced()) return complain({"the other side does not answer", ""}, failed);
    std::vector<Transfers> all;
    for (const std::size_t each : sizes) {
        if (!a.has("quiet")) line.show(std::to_string(each / mib) + " MiB ...");
        const auto t = bench.transfers(each);
        if (!t || stop) return line.clear(), complain({stop ? "interrupted" : "a transfer did not get through", ""}, failed);
        all.push_back(*t);
        const auto paths = nearby ? nearby->counters().paths : std::vector<net::BulkPath>();
        if (paths.empty() || !paths.front().nearby) all.back().nearby.clear();  // no Unix sockets here: it was TCP once more
    }
    if (!a.has("quiet")) line.show("pings ...");
    const auto p = bench.pings(sizes.back());
    line.clear();
    if (!p || stop) return complain({stop ? "interrupted" : "a ping did not come back", ""}, failed);
    print(all, *p, a.has("json"));
    return finished;
}

}  // namespace grapevine::cli
