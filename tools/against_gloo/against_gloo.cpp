// Allreduce among local processes, ours beside gloo's, in turn in one run, so that both see the same machine.
//
// usage: against_gloo [PROCESSES [ROUNDS [MIB]...]]     (default 4 processes, 9 rounds, 16 and 100 MiB)
//
// Ours is what gossip/baselines/allreduce does on the wire, without a node around it: a ring over the real transport, 2 (n - 1)
// steps, in each of which a member ships a part of the vector to its right neighbour as parcels, and adds or takes what comes from the
// left. No learner, no membership: the comparison is of moving bytes and adding floats, as gloo's is. It is run as nodes on one machine run it,
// whose bulk planes meet at Unix sockets, and once more over TCP, as between machines. gloo runs over TCP on loopback, and of its three
// rings (allreduce_ring_chunked, allreduce_ring, and allreduce() with the ring algorithm) the fastest counts. Every result is
// checked in every place.
#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include <gloo/allreduce.h>
#include <gloo/allreduce_ring.h>
#include <gloo/allreduce_ring_chunked.h>
#include <gloo/math.h>
#include <gloo/rendezvous/context.h>
#include <gloo/rendezvous/file_store.h>
#include <gloo/transport/tcp/device.h>

#include "grapevine/net/transport.hpp"

using namespace grapevine;

namespace {

constexpr std::size_t mib = 1 << 20;
constexpr int most_processes = 16;
constexpr int ways = 5, gloos = 2;  // ours, ours over TCP, and from the third on gloo's

double now_s() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

// What the processes share: a barrier, and where each listens.
struct Shared {
    pthread_barrier_t barrier;
    double warm[ways];  // seconds of the round that does not count
    struct At {
        char control[64], bulk[64];
    } at[most_processes];
};

void together(Shared& shared) { pthread_barrier_wait(&shared.barrier); }

[[noreturn]] void give_up(const std::string& why) {
    std::fprintf(stderr, "against_gloo: %s\n", why.c_str());
    kill(getppid(), SIGTERM);
    std::exit(1);
}

// Value i of the sum is known in closed form.
void fill(std::vector<float>& values, int rank) {
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>((i % 1021) + static_cast<std::size_t>(rank));
}
void check(const std::vector<float>& values, int n, const char* whose) {
    const auto ranks = static_cast<float>(n * (n - 1) / 2);
    for (std::size_t i = 0; i < values.size(); ++i)
        if (values[i] != static_cast<float>(i % 1021) * static_cast<float>(n) + ranks) give_up(std::string(whose) + " gave a wrong sum at " + std::to_string(i));
}

// ---- ours

class Ring {
public:
    Ring(Shared& shared, int rank, int n, bool nearby) : rank_(rank), n_(n) {
        net::Options options;
        options.self = id(rank);
        options.run = 1;
        options.nearby = nearby;
        auto opened = net::Transport::open(options);
        if (auto* error = std::get_if<net::Error>(&opened)) give_up(error->what);
        transport_ = std::get<std::unique_ptr<net::Transport>>(std::move(opened));
        const Contact contact = transport_->contact();
        std::snprintf(shared.at[rank].control, sizeof shared.at[rank].control, "%s", contact.control.c_str());
        std::snprintf(shared.at[rank].bulk, sizeof shared.at[rank].bulk, "%s", contact.bulk.c_str());
        together(shared);
        for (int other = 0; other < n; ++other)
            if (other != rank) transport_->know({id(other), "", shared.at[other].control, shared.at[other].bulk});
        together(shared);
    }

    // values <- their sum. Each part goes in pieces, and each piece on as soon as it is added: the link is busy while we add. The
    // memory of a piece that is on its way does not change: the ring comes back to it a whole round later, when its receiver has it.
    void sum(std::vector<float>& values) {
        const int steps = 2 * (n_ - 1);
        for (std::size_t piece = 0; piece < pieces(values.size()); ++piece) ship(values, 0, piece);
        std::vector<std::size_t> came(static_cast<std::size_t>(steps), 0);
        for (int done = 0; done < steps * static_cast<int>(pieces(values.size()));) {
            std::optional<net::Parcel> parcel = take();
            const auto step = static_cast<int>(parcel->ticket >> 16) & 0xff;
            const std::size_t piece = parcel->ticket & 0xffff;
            if ((parcel->ticket >> 24) != (round_ & 0xff)) {  // of the next call, from a neighbour that is ahead
                early_.push_back(std::move(*parcel));
                continue;
            }
            const Place p = place(values.size(), (rank_ - step - 1 + 2 * n_) % n_, piece);
            if (parcel->body.size != p.count * sizeof(float)) give_up("a part of another length came");
            const auto* theirs = reinterpret_cast<const float*>(parcel->body.data);
            float* const mine = values.data() + p.first;
            if (step < n_ - 1)
                for (std::size_t i = 0; i < p.count; ++i) mine[i] += theirs[i];
            else std::memcpy(mine, theirs, p.count * sizeof(float));
            if (step + 1 < steps) ship(values, step + 1, piece);
            ++done;
        }
        ++round_;
        waiting_.insert(waiting_.end(), std::make_move_iterator(early_.begin()), std::make_move_iterator(early_.end()));
        early_.clear();
    }

    bool nearby() const {  // on all ways that it has used
        const auto paths = transport_->counters().paths;
        return !paths.empty() && std::all_of(paths.begin(), paths.end(), [](const net::BulkPath& path) { return path.nearby; });
    }

private:
    struct Place {
        std::size_t first, count;
    };
    static PeerId id(int rank) { return PeerId{static_cast<std::uint64_t>(rank) + 1}; }
    std::size_t pieces(std::size_t size) const { return std::clamp<std::size_t>(size / static_cast<std::size_t>(n_) * sizeof(float) / piece_bytes, 1, 4096); }
    Place place(std::size_t size, int part, std::size_t piece) const {
        const auto n = static_cast<std::size_t>(n_), p = static_cast<std::size_t>(part);
        const std::size_t begin = size * p / n, end = size * (p + 1) / n, k = pieces(size);
        const std::size_t first = begin + (end - begin) * piece / k;
        return {first, begin + (end - begin) * (piece + 1) / k - first};
    }
    void ship(const std::vector<float>& values, int step, std::size_t piece) {
        const Place p = place(values.size(), (rank_ - step + 2 * n_) % n_, piece);
        const std::uint32_t ticket = (round_ & 0xff) << 24 | static_cast<std::uint32_t>(step) << 16 | static_cast<std::uint32_t>(piece);
        const auto* bytes = reinterpret_cast<const std::byte*>(values.data() + p.first);
        transport_->ship(id((rank_ + 1) % n_), ticket, "", {bytes, p.count * sizeof(float), std::shared_ptr<const void>(bytes, [](const void*) {})});
    }
    std::optional<net::Parcel> take() {
        if (!waiting_.empty()) {
            std::optional<net::Parcel> first(std::move(waiting_.front()));
            waiting_.erase(waiting_.begin());
            return first;
        }
        for (const double end = now_s() + 60; now_s() < end;)
            if (auto inbound = transport_->receive(std::chrono::seconds(1))) {
                if (auto* parcel = std::get_if<net::Parcel>(&*inbound)) return std::move(*parcel);
                if (std::holds_alternative<net::Undelivered>(*inbound)) give_up("a parcel was given up");
            }
        give_up("nothing came for a minute");
    }

    static constexpr std::size_t piece_bytes = 1 << 20;
    int rank_, n_;
    std::uint32_t round_ = 0;
    std::unique_ptr<net::Transport> transport_;
    std::vector<net::Parcel> waiting_, early_;
};

// ---- gloo's

struct Gloo {
    std::shared_ptr<gloo::rendezvous::Context> context;
    Gloo(const std::string& folder, int rank, int n) : context(std::make_shared<gloo::rendezvous::Context>(rank, n)) {
        gloo::transport::tcp::attr attributes;
        attributes.hostname = "127.0.0.1";
        auto device = gloo::transport::tcp::CreateDevice(attributes);
        gloo::rendezvous::FileStore store(folder);
        context->connectFullMesh(store, device);
    }
};

int worker(Shared& shared, const std::string& folder, int rank, int n, int rounds, const std::vector<std::size_t>& sizes) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    Ring ours(shared, rank, n, true), over_tcp(shared, rank, n, false);
    Gloo theirs(folder, rank, n);
    together(shared);
    if (rank == 0) std::printf("allreduce among %d processes, medians of %d rounds in turn; bytes a second: size of the vector over time\n\n%9s  %12s  %12s  %12s  %12s  %12s  %9s  %9s\n", n, rounds, "vector", "ours", "ours, TCP", "gloo chunked", "gloo ring", "gloo opts", "ours/gloo", "TCP/gloo");
    for (const std::size_t bytes : sizes) {
        std::vector<float> values(bytes / sizeof(float));
        gloo::AllreduceRingChunked<float> chunked(theirs.context, {values.data()}, static_cast<int>(values.size()));
        gloo::AllreduceRing<float> ring(theirs.context, {values.data()}, static_cast<int>(values.size()));
        const auto with_options = [&] {
            gloo::AllreduceOptions options(theirs.context);
            options.setAlgorithm(gloo::AllreduceOptions::Algorithm::RING);
            options.setOutput(values.data(), values.size());
            options.setReduceFunction(static_cast<void (*)(void*, const void*, const void*, std::size_t)>(&gloo::sum<float>));
            gloo::allreduce(options);
        };
        std::vector<double> took[ways];
        for (int round = -1; round < rounds; ++round)  // the first warms up: windows, pages
            for (int which = 0; which < ways; ++which) {
                if (round >= 0 && which >= gloos && shared.warm[which] > 5 * *std::min_element(shared.warm + gloos, shared.warm + ways)) continue;  // no candidate: it would take most of the time
                static constexpr const char* names[] = {"ours", "ours over TCP", "gloo chunked", "gloo ring", "gloo options"};
                fill(values, rank);
                together(shared);
                const double start = now_s();
                switch (which) {
                    case 0: ours.sum(values); break;
                    case 1: over_tcp.sum(values); break;
                    case 2: chunked.run(); break;
                    case 3: ring.run(); break;
                    default: with_options();
                }
                together(shared);  // until the last has it
                if (round >= 0) took[which].push_back(now_s() - start);
                else if (rank == 0) shared.warm[which] = now_s() - start;
                check(values, n, names[which]);
            }
        if (rank != 0) continue;
        double rate[ways];
        for (int which = 0; which < ways; ++which) rate[which] = static_cast<double>(bytes) / (took[which].empty() ? shared.warm[which] : median(took[which])) / 1e6;
        const double best = *std::max_element(rate + gloos, rate + ways);
        std::printf("%5zu MiB  %7.0f MB/s  %7.0f MB/s  %7.0f MB/s  %7.0f MB/s  %7.0f MB/s  %9.2f  %9.2f\n", bytes / mib, rate[0], rate[1], rate[2], rate[3], rate[4], rate[0] / best, rate[1] / best);
        std::fflush(stdout);
    }
    together(shared);
    if (rank == 0) std::printf("\nours went over %s; gloo over TCP\n", ours.nearby() ? "Unix sockets" : "TCP too: no Unix sockets here");
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    const int n = argc > 1 ? std::atoi(argv[1]) : 4, rounds = argc > 2 ? std::atoi(argv[2]) : 9;
    if (n < 2 || n > most_processes || rounds < 1) {
        std::fprintf(stderr, "usage: against_gloo [PROCESSES [ROUNDS [MIB]...]], 2 to %d processes\n", most_processes);
        return 2;
    }
    std::vector<std::size_t> sizes;
    for (int i = 3; i < argc; ++i) sizes.push_back(static_cast<std::size_t>(std::atoi(argv[i])) * mib);
    if (sizes.empty()) sizes = {16 * mib, 100 * mib};
    char folder[] = "/tmp/against_gloo.XXXXXX";
    if (!mkdtemp(folder)) return 1;
    auto* shared = static_cast<Shared*>(mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    if (shared == MAP_FAILED) return 1;
    pthread_barrierattr_t attributes;
    pthread_barrierattr_init(&attributes);
    pthread_barrierattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_barrier_init(&shared->barrier, &attributes, static_cast<unsigned>(n));
    std::vector<pid_t> children;
    for (int rank = 0; rank < n; ++rank) {
        const pid_t pid = fork();
        if (pid == 0) std::_Exit([&] {
            const int code = worker(*shared, folder, rank, n, rounds, sizes);
            std::fflush(stdout);
            return code;
        }());
        children.push_back(pid);
    }
    int worst = 0;
    for (std::size_t i = 0; i < children.size(); ++i) {
        int status = 0;
        wait(&status);
        if (status != 0 && worst == 0) {
            worst = 1;
            for (const pid_t other : children) kill(other, SIGTERM);
        }
    }
    const std::string remove = std::string("rm -rf ") + folder;
    return std::system(remove.c_str()) == 0 ? worst : 1;
}
