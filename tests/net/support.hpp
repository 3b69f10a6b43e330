#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "grapevine/net/transport.hpp"

// What the tests of the transport share. They use real sockets on loopback; all waiting is for something to
// happen, until a deadline that only a broken build reaches.
namespace grapevine::net {

using std::chrono::milliseconds;
using Node = std::unique_ptr<Transport>;

constexpr Duration soon = std::chrono::seconds(20);
constexpr std::uint64_t run = 77;

inline Instant clock_now() {
    return Instant(std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch()));
}

inline Options options_of(std::uint64_t id) {
    Options options;
    options.self = PeerId{id};
    options.run = run;
    options.greeting = "I am " + std::to_string(id);
    options.max_parcel_bytes = 128 << 20;
    options.nearby = false;  // TCP, as between machines; nearby_test.cpp has the other way
    return options;
}

inline Node open(const Options& options) {
    auto opened = Transport::open(options);
    if (auto* error = std::get_if<Error>(&opened)) FAIL(error->what);
    return std::get<Node>(std::move(opened));
}
inline Node open(std::uint64_t id) { return open(options_of(id)); }

inline void introduce(Transport& a, Transport& b) {
    a.know(b.contact());
    b.know(a.contact());
}

// The next T that comes to `node`; whatever else comes in is dropped. The others' loops go on meanwhile, for a
// node answers nobody while its loop stands still.
template <class T>
std::optional<T> await(Transport& node, const std::vector<Transport*>& others = {}, Duration patience = soon) {
    const Instant deadline = clock_now() + patience;
    while (clock_now() < deadline) {
        for (Transport* other : others) while (other->receive(Duration::zero())) {}
        if (auto inbound = node.receive(milliseconds(others.empty() ? 100 : 1)))
            if (auto* wanted = std::get_if<T>(&*inbound)) return std::move(*wanted);
    }
    return std::nullopt;
}

// Keeps the nodes' loops going until `done`; what comes in is dropped.
inline bool spin(const std::vector<Transport*>& nodes, const std::function<bool()>& done, Duration patience = soon) {
    const Instant deadline = clock_now() + patience;
    while (!done()) {
        if (clock_now() > deadline) return false;
        for (Transport* node : nodes) node->receive(milliseconds(1));
    }
    return true;
}

// Bytes that differ in every place and for every seed.
inline Bytes pattern(std::size_t size, std::uint32_t seed) {
    auto words = std::make_shared<std::vector<std::uint32_t>>(size / 4 + 1);
    std::uint32_t x = seed * 2654435761u + 1;
    for (std::uint32_t& word : *words) word = x = x * 1664525u + 1013904223u;
    return {reinterpret_cast<const std::byte*>(words->data()), size, words};
}

inline bool equal(const Bytes& a, const Bytes& b) {
    return a.size == b.size && (a.size == 0 || std::memcmp(a.data, b.data, a.size) == 0);
}

}  // namespace grapevine::net
