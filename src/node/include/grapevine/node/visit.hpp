#pragma once

#include <optional>
#include <string>
#include <vector>

#include "grapevine/node/sources.hpp"
#include "grapevine/time.hpp"

namespace grapevine::node {

// A connection that was tried.
struct Tried {
    std::string endpoint;              // "tcp://10.0.0.7:7470"
    std::optional<Duration> took;      // none: it failed
    int error = 0;                     // of the system, then
};

// What a newcomer would meet at an address, without becoming one.
struct Visit {
    std::vector<Tried> control;        // each address that the name has, up to four
    std::string no_address;            // why the name has none
    std::optional<Duration> greeted;   // there and back, the first time: with the connection
    std::string why_not;               // it was not
    std::string name, software, exchange;  // of who answered; empty while it is only starting
    bool starting = false;
    std::vector<Tried> advertised;     // its control and bulk plane, where it tells others to dial them
    // 256 KiB to its bulk plane and back, where that connects. Nothing: not one byte came back; little: some did, and not all.
    enum class Echo { none, nothing, little, all } echo = Echo::none;
    Duration echo_took{};              // all
};
Visit visit(const Address& whom, Duration patience);  // of each step

}  // namespace grapevine::node
