// What bench measures against, and by.
#include <algorithm>
#include <cstring>
#include <ctime>
#include <limits>
#include <vector>

#include "bench.hpp"

namespace grapevine::cli {

double seconds_of(const std::function<void()>& work) {
    const auto now = [] {
        timespec t{};
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
        return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
    };
    const double began = now();
    work();
    return now() - began;
}

double best_seconds_of(double within, const std::function<void()>& work) {
    double best = std::numeric_limits<double>::infinity(), spent = 0;
    for (int i = 0; i < 3 || spent < within; ++i) {
        const double took = seconds_of(work);
        best = std::min(best, took);
        spent += took + 1e-7;
    }
    return best;
}

double copy_bandwidth(std::size_t size) {
    std::vector<char> from(size, 1), to(size, 2);
    const double seconds = best_seconds_of(0.3, [&] {
        from[size / 2] = static_cast<char>(from[size / 2] + 1);
        std::memcpy(to.data(), from.data(), size);
        asm volatile("" : : "r"(to.data()) : "memory");  // somebody reads it
    });
    return 2.0 * static_cast<double>(size) / seconds;
}

std::optional<Error> unknown_device(const Arguments& a) {
    const auto device = a.get("device");
    if (!device || *device == "cpu") return std::nullopt;
    return Error{"--device " + *device + " is not measured here", "cpu; tools/gpu_check.sh measures a GPU"};
}

}  // namespace grapevine::cli
