// What the bulk plane carries on loopback beside a plain TCP stream of the same size, in turn, and what a ping
// costs meanwhile. Prints; judges nothing. One process, a thread each side.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "grapevine/net/transport.hpp"

using namespace grapevine;
using namespace grapevine::net;

namespace {

constexpr std::size_t mib = 1 << 20;

double now_s() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

// Of all threads, user and system: unlike rates it hardly depends on what else runs.
double cpu_s() {
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    const auto s = [](const timeval& t) { return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec); };
    return s(used.ru_utime) + s(used.ru_stime);
}

double percentile(std::vector<double> values, double share) {
    if (values.empty()) return 0;
    std::sort(values.begin(), values.end());
    return values[std::min(values.size() - 1, static_cast<std::size_t>(share * static_cast<double>(values.size())))];
}

std::unique_ptr<Transport> node(std::uint64_t id) {
    Options options;
    options.self = PeerId{id};
    options.run = 1;
    auto opened = Transport::open(options);
    if (auto* error = std::get_if<Error>(&opened)) {
        std::fprintf(stderr, "%s\n%s\n", error->what.c_str(), error->hint.c_str());
        std::exit(1);
    }
    return std::get<std::unique_ptr<Transport>>(std::move(opened));
}

Bytes block(std::size_t size) {
    auto memory = std::make_shared<std::vector<std::byte>>(size, std::byte{7});
    return {memory->data(), size, memory};
}

// A connected pair on loopback.
struct Stream {
    int out = -1, in = -1;
    Stream() {
        const int listener = socket(AF_INET, SOCK_STREAM, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        if (bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener, 1) != 0 ||
            getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) != 0)
            std::exit(1);
        out = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(out, reinterpret_cast<sockaddr*>(&address), size) != 0) std::exit(1);
        in = accept(listener, nullptr, nullptr);
        ::close(listener);
    }
    ~Stream() {
        ::close(out);
        ::close(in);
    }
};

void write_all(int fd, const char* data, std::size_t size) {
    while (size > 0) {
        const auto n = ::write(fd, data, size);
        if (n <= 0) std::exit(1);
        data += n;
        size -= static_cast<std::size_t>(n);
    }
}

void read_all(int fd, char* data, std::size_t size) {
    while (size > 0) {
        const auto n = ::read(fd, data, size);
        if (n <= 0) std::exit(1);
        data += n;
        size -= static_cast<std::size_t>(n);
    }
}

// Seconds for each of `times` blocks, from the first byte sent until the other side has all and has said so.
std::vector<double> tcp(std::size_t size, int times) {
    Stream stream;
    std::vector<char> from(size, 7), to(size);
    std::thread reader([&] {
        char done = 1;
        for (int i = 0; i < times; ++i) {
            read_all(stream.in, to.data(), size);
            write_all(stream.in, &done, 1);
        }
    });
    std::vector<double> took;
    for (int i = 0; i < times; ++i) {
        char done = 0;
        const double start = now_s();
        write_all(stream.out, from.data(), size);
        read_all(stream.out, &done, 1);
        took.push_back(now_s() - start);
    }
    reader.join();
    return took;
}

// Echoes frames; lets parcels go.
class Echo {
public:
    explicit Echo(Transport& node) : node_(node), thread_([this] { run(); }) {}
    ~Echo() {
        stop_ = true;
        node_.wake();
        thread_.join();
    }
    std::atomic<std::uint64_t> parcels{0}, bytes{0};

private:
    void run() {
        while (!stop_)
            if (auto inbound = node_.receive(std::chrono::seconds(1))) {
                if (auto* frame = std::get_if<Frame>(&*inbound)) node_.send(frame->from, std::move(frame->bytes));
                if (auto* parcel = std::get_if<Parcel>(&*inbound)) {
                    bytes += parcel->body.size;
                    ++parcels;
                    node_.send(parcel->from, "got it");
                }
            }
    }
    Transport& node_;
    std::atomic<bool> stop_{false};
    std::thread thread_;
};

void wait_for_frame(Transport& a) {
    const double deadline = now_s() + 20;
    while (now_s() < deadline)
        if (auto inbound = a.receive(std::chrono::seconds(1)))
            if (std::holds_alternative<Frame>(*inbound)) return;
    std::fprintf(stderr, "no answer\n");
    std::exit(1);
}

std::vector<double> bulk(Transport& a, std::size_t size, int times) {
    const Bytes body = block(size);
    std::vector<double> took;
    for (int i = 0; i < times; ++i) {
        const double start = now_s();
        a.ship(PeerId{2}, 1, "", body);
        wait_for_frame(a);
        took.push_back(now_s() - start);
    }
    return took;
}

std::vector<double> ping(Transport& a, double seconds, const Bytes* load, int ahead) {
    std::vector<double> took;
    std::uint64_t outstanding = 0;
    const double end = now_s() + seconds;
    while (now_s() < end) {
        for (; load && outstanding < static_cast<std::uint64_t>(ahead); ++outstanding) a.ship(PeerId{2}, 1, "", *load);
        const double start = now_s();
        a.send(PeerId{2}, "ping");
        for (bool back = false; !back;) {
            auto inbound = a.receive(std::chrono::seconds(1));
            const auto* frame = inbound ? std::get_if<Frame>(&*inbound) : nullptr;
            if (!frame) continue;
            if (frame->bytes == "ping") back = true;
            else --outstanding;
        }
        took.push_back((now_s() - start) * 1e3);
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    while (outstanding > 0) {
        wait_for_frame(a);
        --outstanding;
    }
    return took;
}

double rate(std::size_t size, const std::vector<double>& took) { return static_cast<double>(size) / percentile(took, 0.5) / 1e9; }

}  // namespace

int main() {
    const auto a = node(1), b = node(2);
    a->know(b->contact());
    b->know(a->contact());
    Echo echo(*b);
    bulk(*a, 16 * mib, 10);  // buffers, windows, malloc

    std::printf("block of      bulk GB/s   TCP GB/s   ratio   CPU s/GB of bulk, of TCP   (medians, of blocks one after the other)\n");
    for (const std::size_t size : {mib, 16 * mib, 100 * mib}) {
        std::vector<double> ours, plain;
        double our_cpu = 0, plain_cpu = 0;
        const int times = size < 16 * mib ? 100 : size < 100 * mib ? 20 : 5;
        for (int round = 0; round < 6; ++round) {  // in turn, so that both see the same machine
            const double start = cpu_s();
            for (const double t : tcp(size, times)) plain.push_back(t);
            const double between = cpu_s();
            for (const double t : bulk(*a, size, times)) ours.push_back(t);
            plain_cpu += between - start;
            our_cpu += cpu_s() - between;
        }
        const double gigabytes = static_cast<double>(size) * static_cast<double>(ours.size()) / 1e9;
        std::printf("%4zu MiB     %10.2f %10.2f %7.2f   %16.2f %7.2f\n", size / mib, rate(size, ours), rate(size, plain),
                    rate(size, ours) / rate(size, plain), our_cpu / gigabytes, plain_cpu / gigabytes);
    }

    const auto calm = ping(*a, 2, nullptr, 0);
    const std::uint64_t before = echo.bytes;
    const double start = now_s();
    const Bytes load = block(100 * mib);
    const auto loaded = ping(*a, 5, &load, 2);
    const double carried = static_cast<double>(echo.bytes - before) / (now_s() - start) / 1e9;
    std::printf("ping ms       p50 %.3f p99 %.3f   with 100 MiB parcels under way  p50 %.3f p99 %.3f at %.2f GB/s\n",
                percentile(calm, 0.5), percentile(calm, 0.99), percentile(loaded, 0.5), percentile(loaded, 0.99), carried);
    for (const auto& path : a->counters().paths)
        std::printf("bulk path     round trip %.3f ms, least %.3f ms, window %.2f MiB\n", seconds(path.round_trip) * 1e3,
                    seconds(path.least) * 1e3, static_cast<double>(path.window) / static_cast<double>(mib));
}
