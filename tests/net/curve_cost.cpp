// What encryption costs: the bulk plane with keys beside the same one without, in turn on loopback, the CPU time of both sides
// together, and how long a greeting to a node that was never met takes. Prints; judges nothing. One process, a thread each side.
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "grapevine/keys/keys.hpp"
#include "grapevine/net/transport.hpp"

using namespace grapevine;
using namespace grapevine::net;

namespace {

constexpr std::size_t mib = 1 << 20;

double now_s() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

double cpu_s() {
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    const auto s = [](const timeval& t) { return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec); };
    return s(used.ru_utime) + s(used.ru_stime);
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

std::unique_ptr<Transport> node(std::uint32_t id, const std::optional<Keys>& keys) {
    Options options;
    options.keys = keys;
    options.self = keys ? id_under(keys->public_key, id) : PeerId{id};
    options.run = 1;
    auto opened = Transport::open(options);
    if (auto* error = std::get_if<Error>(&opened)) {
        std::fprintf(stderr, "%s\n%s\n", error->what.c_str(), error->hint.c_str());
        std::exit(1);
    }
    return std::get<std::unique_ptr<Transport>>(std::move(opened));
}

// Says that a parcel has come; answers greetings.
class Pair {
public:
    explicit Pair(const std::optional<Keys>& keys) : a_(node(1, keys)), b_(node(2, keys)), keys_(keys) {
        const std::string key = keys ? keys->public_key : "";
        a_->know(b_->contact(), key);
        b_->know(a_->contact(), key);
        thread_ = std::thread([this] {
            while (!stop_)
                if (auto inbound = b_->receive(std::chrono::seconds(1)))
                    if (const auto* parcel = std::get_if<Parcel>(&*inbound)) b_->send(parcel->from, "got it");
        });
    }
    ~Pair() {
        stop_ = true;
        b_->wake();
        thread_.join();
    }

    void carry(const Bytes& body, int times, std::vector<double>& took, double& cpu) {
        const double began = cpu_s();
        for (int i = 0; i < times; ++i) {
            const double start = now_s();
            a_->ship(b_->contact().id, 1, "", body);
            await<Frame>(*a_);
            took.push_back(now_s() - start);
        }
        cpu += cpu_s() - began;
    }
    double greeting() {
        const auto fresh = node(3, keys_);
        const double start = now_s();
        fresh->greet(b_->contact().control, keys_ ? std::vector{keys_->public_key} : std::vector<std::string>{});
        await<Hello>(*fresh);
        return now_s() - start;
    }

private:
    template <class T>
    static void await(Transport& at) {
        for (const double deadline = now_s() + 60; now_s() < deadline;)
            if (auto inbound = at.receive(std::chrono::seconds(1)); inbound && std::holds_alternative<T>(*inbound)) return;
        std::fprintf(stderr, "no answer\n");
        std::exit(1);
    }

    std::unique_ptr<Transport> a_, b_;
    std::optional<Keys> keys_;
    std::atomic<bool> stop_{false};
    std::thread thread_;
};

}  // namespace

int main() {
    const keys::Pair pair = keys::draw();
    const std::string curve = keys::curve_public(pair.public_key);
    Pair plain(std::nullopt), keyed(Keys{curve, keys::curve_secret(pair), {curve}});

    std::printf("block of      keyed GB/s   plain GB/s   ratio   CPU s/GB keyed, plain   (medians, both sides together)\n");
    for (const std::size_t size : {mib, 16 * mib, 100 * mib}) {
        const auto memory = std::make_shared<std::vector<std::byte>>(size, std::byte{7});
        const Bytes body{memory->data(), size, memory};
        std::vector<double> with, without, ignored;
        double cpu_with = 0, cpu_without = 0, no_cpu = 0;
        plain.carry(body, 2, ignored, no_cpu);  // buffers, windows
        keyed.carry(body, 2, ignored, no_cpu);
        const int times = size < 16 * mib ? 40 : size < 100 * mib ? 8 : 2;
        for (int round = 0; round < 6; ++round) {  // in turn, so that both see the same machine
            plain.carry(body, times, without, cpu_without);
            keyed.carry(body, times, with, cpu_with);
        }
        const double gigabytes = static_cast<double>(size) * static_cast<double>(with.size()) / 1e9, size_gb = static_cast<double>(size) / 1e9;
        std::printf("%4zu MiB     %11.2f %12.2f %7.2f   %14.2f %7.2f\n", size / mib, size_gb / median(with), size_gb / median(without), median(without) / median(with),
                    cpu_with / gigabytes, cpu_without / gigabytes);
    }

    std::vector<double> with, without;
    const double began = cpu_s();
    for (int i = 0; i < 40; ++i) without.push_back(plain.greeting());
    const double between = cpu_s();
    for (int i = 0; i < 40; ++i) with.push_back(keyed.greeting());
    std::printf("greeting ms   keyed %.2f (two connections: one finds the key out)   plain %.2f   CPU ms of both sides %.2f, %.2f\n", median(with) * 1e3, median(without) * 1e3,
                (cpu_s() - between) * 1e3 / 40, (between - began) * 1e3 / 40);

    {
        std::string message(300, 'r'), signature;
        const double t0 = now_s();
        for (int i = 0; i < 2000; ++i) signature = keys::sign(pair, "purpose", message);
        const double t1 = now_s();
        int good = 0;
        for (int i = 0; i < 2000; ++i) good += keys::is_signed(pair.public_key, "purpose", message, signature);
        std::printf("a record      signed in %.0f us, checked in %.0f us (%d good)\n", (t1 - t0) * 1e6 / 2000, (now_s() - t1) * 1e6 / 2000, good);
    }
}
