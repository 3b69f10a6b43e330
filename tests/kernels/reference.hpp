#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "emulated.hpp"
#include "grapevine/kernels/cpu.hpp"
#include "grapevine/kernels/cuda.hpp"
#include "grapevine/random.hpp"

// What every operation's test needs: numbers, poison, a comparison, and each backend in turn.
//
// Activations are of the backend's element. Where that is bf16 the inputs of a test are rounded first, and the reference is reckoned
// from the rounded ones: what is compared is the operation, not the rounding of what goes into it.
namespace grapevine::kernels {

using Values = std::vector<float>;
using Exact = std::vector<double>;
using Indices = std::vector<std::int32_t>;

// Odd, empty, below and above every block and vector length.
inline const std::size_t lengths[] = {0, 1, 3, 15, 16, 17, 63, 64, 65, 1000, 4095, 4096, 4097, 20'011};

inline Values random_values(std::size_t n, std::uint64_t seed) {
    Random random(seed);
    Values values(n);
    for (float& v : values) v = static_cast<float>(random.normal());
    return values;
}

inline Indices random_indices(std::size_t n, std::size_t below, std::uint64_t seed) {
    Random random(seed);
    Indices indices(n);
    for (std::int32_t& i : indices) i = static_cast<std::int32_t>(random.below(below));
    return indices;
}

inline Values poison(std::size_t n) { return Values(n, std::numeric_limits<float>::quiet_NaN()); }

inline Values with_relu(Values values) {
    for (float& v : values) v = std::max(v, 0.f);
    return values;
}

// ---- float32, on every backend ----

inline DeviceSpan on(Backend& backend, const Values& values) {
    const DeviceSpan span = backend.allocate(values.size());
    backend.upload(values, span);
    return span;
}

inline IndexSpan on(Backend& backend, const Indices& indices) {
    const IndexSpan span{reinterpret_cast<std::int32_t*>(backend.allocate(indices.size()).data), indices.size()};
    backend.upload(indices, span);
    return span;
}

inline Values back(Backend& backend, DeviceSpan span) {
    Values values(span.size);
    backend.download(span, values);
    return values;
}

// ---- activations, of the backend's element ----

inline std::uint16_t to_bf16(float value) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    if (std::isnan(value)) return static_cast<std::uint16_t>(bits >> 16 | 0x40);
    return static_cast<std::uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);  // to the nearest, of two equally near to the even one
}

// What a device makes of these numbers if they are activations, or a shadow of parameters.
inline Values held(const Backend& backend, Values values) {
    if (backend.element() == Element::bf16)
        for (float& v : values) v = std::bit_cast<float>(static_cast<std::uint32_t>(to_bf16(v)) << 16);
    return values;
}

inline DeviceSpan active(Backend& backend, const Values& values) {
    if (backend.element() == Element::float32) return on(backend, values);
    Values packed((values.size() + 1) / 2);
    for (std::size_t i = 0; i < values.size(); ++i) {
        const std::uint16_t bits = to_bf16(values[i]);
        std::memcpy(reinterpret_cast<char*>(packed.data()) + 2 * i, &bits, 2);
    }
    return {on(backend, packed).data, values.size(), Element::bf16};
}

inline DeviceSpan shadow_of(Backend& backend, const Values& parameters) { return backend.shadow(on(backend, parameters)); }

// ---- comparison ----

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

inline double error(Backend& backend, DeviceSpan out, const Exact& exact) { return error(back(backend, out), exact); }

constexpr double allowed = 1e-5;  // of each operation in float32

// Of one that reads or writes activations.
inline double allowed_of(const Backend& backend) { return backend.element() == Element::bf16 ? 1e-2 : allowed; }

// The build's module; where that is not there, in a bundle, the one beside the program.
inline CudaBackend cuda_backend(Element element = Element::float32) {
    return load_cuda_backend(0, element, std::filesystem::exists(GRAPEVINE_CUDA_MODULE) ? GRAPEVINE_CUDA_MODULE : "");
}

// For doctest::skip: says by name what cannot be shown here.
inline bool no_cuda(const char* sentence) {
    static const CudaBackend found = cuda_backend();
    if (!found.backend) std::fprintf(stderr, "skipped: %s (cuda): %s\n", sentence, found.reason.c_str());
    return !found.backend;
}

// In whatever order a device may do what is not ordered.
inline void on_each_order(void (*operation)(Backend&), Element element) {
    for (const auto order : {emulated::Order::last, emulated::Order::first, emulated::Order::mixed}) {
        emulated::set_order(order);
        operation(*emulated::make_backend(element));
    }
    emulated::set_order(emulated::Order::last);
}

inline void on_cuda(void (*operation)(Backend&), Element element) {
    const auto cuda = cuda_backend(element);
    REQUIRE(cuda.backend);
    operation(*cuda.backend);
}

}  // namespace grapevine::kernels

// An operation's test, on each backend. The body follows and finds it as `backend`.
#define ON_EVERY_BACKEND(sentence) ON_EVERY_BACKEND_(sentence, DOCTEST_ANONYMOUS(operation_))
#define ON_EVERY_BACKEND_(sentence, operation)                                          \
    static void operation(Backend& backend);                                            \
    TEST_CASE(sentence " (cpu)") { operation(*make_cpu_backend()); }                    \
    TEST_CASE(sentence " (cpu, own products)") { operation(*make_cpu_backend(1, Products::own)); } \
    TEST_CASE(sentence " (cuda emulated on the host)") { on_each_order(operation, Element::float32); } \
    TEST_CASE(sentence " (cuda emulated on the host in bf16)") { on_each_order(operation, Element::bf16); } \
    TEST_CASE(sentence " (cuda)" * doctest::skip(no_cuda(sentence))) { on_cuda(operation, Element::float32); } \
    TEST_CASE(sentence " (cuda in bf16)" * doctest::skip(no_cuda(sentence))) { on_cuda(operation, Element::bf16); } \
    static void operation([[maybe_unused]] Backend& backend)
