#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <cstdio>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "grapevine/kernels/cpu.hpp"
#include "grapevine/kernels/cuda.hpp"
#include "grapevine/random.hpp"

// What every operation's test needs: numbers, poison, a comparison, and each backend in turn.
namespace grapevine::kernels {

using Values = std::vector<float>;
using Exact = std::vector<double>;

inline Values random_values(std::size_t n, std::uint64_t seed) {
    Random random(seed);
    Values values(n);
    for (float& v : values) v = static_cast<float>(random.normal());
    return values;
}

inline Values poison(std::size_t n) { return Values(n, std::numeric_limits<float>::quiet_NaN()); }

inline DeviceSpan on(Backend& backend, const Values& values) {
    const DeviceSpan span = backend.allocate(values.size());
    backend.upload(values, span);
    return span;
}

inline IndexSpan on(Backend& backend, const std::vector<std::int32_t>& values) {
    const IndexSpan span{reinterpret_cast<std::int32_t*>(backend.allocate(values.size()).data), values.size()};
    backend.upload(std::span<const std::int32_t>(values), span);
    return span;
}

inline Values back(Backend& backend, DeviceSpan span) {
    Values values(span.size);
    backend.download(span, values);
    return values;
}

// |out - exact| / |exact|; infinite where one is no number or their sizes differ.
inline double error(const Values& out, const Exact& exact) {
    if (out.size() != exact.size()) return INFINITY;
    double difference = 0, size = 0;
    for (std::size_t i = 0; i < out.size(); ++i) {
        difference += (out[i] - exact[i]) * (out[i] - exact[i]);
        size += exact[i] * exact[i];
    }
    if (!(difference >= 0)) return INFINITY;
    return difference == 0 ? 0 : std::sqrt(difference / size);
}

constexpr double allowed = 1e-5;  // of each operation in float32

// For doctest::skip: says by name what cannot be shown here.
inline bool no_cuda(const char* sentence) {
    static const CudaBackend found = load_cuda_backend(0, GRAPEVINE_CUDA_MODULE);
    if (!found.backend) std::fprintf(stderr, "skipped: %s (cuda): %s\n", sentence, found.reason.c_str());
    return !found.backend;
}

}  // namespace grapevine::kernels

// An operation's test, on each backend. The body follows and finds it as `backend`.
#define ON_EVERY_BACKEND(sentence) ON_EVERY_BACKEND_(sentence, DOCTEST_ANONYMOUS(operation_))
#define ON_EVERY_BACKEND_(sentence, operation)                                          \
    static void operation(Backend& backend);                                            \
    TEST_CASE(sentence " (cpu)") { operation(*make_cpu_backend()); }                    \
    TEST_CASE(sentence " (cpu, own products)") { operation(*make_cpu_backend(1, Products::own)); } \
    TEST_CASE(sentence " (cuda)" * doctest::skip(no_cuda(sentence))) {                  \
        const auto cuda = load_cuda_backend(0, GRAPEVINE_CUDA_MODULE);                  \
        REQUIRE(cuda.backend);                                                          \
        operation(*cuda.backend);                                                       \
    }                                                                                   \
    static void operation([[maybe_unused]] Backend& backend)
