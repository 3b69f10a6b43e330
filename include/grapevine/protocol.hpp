#pragma once

#include <concepts>
#include <utility>

#include "grapevine/effects.hpp"
#include "grapevine/peer_id.hpp"
#include "grapevine/time.hpp"

namespace grapevine {

struct Start {};  // the first input, once

template <class Message>
struct Received {
    PeerId from;
    Message message;
};

template <class Timer>
struct Woken {
    Timer timer;
};

// A protocol is a value that takes one input at a time and writes its effects. The same state and the same
// input always give the same effects: no clock, no thread, no socket, no global, and no randomness but the
// Random it was built with. Everything below the node runs on this promise.
template <class P>
concept Protocol = requires(P& protocol, Instant now, typename P::Input&& input, typename P::Effects& effects) {
    protocol.step(now, std::move(input), effects);
};

// For std::visit over a closed set of cases.
template <class... F>
struct Cases : F... {
    using F::operator()...;
};
template <class... F>
Cases(F...) -> Cases<F...>;  // clang 14 does not find it by itself

}  // namespace grapevine
