#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>

#include "desk.hpp"
#include "history.hpp"
#include "journal.hpp"

namespace grapevine::node {

// What the status port says without asking. Made by the loop now and then, read by the server's threads.
struct StatusPages {
    std::string status, config;  // JSON, TOML
    std::string metrics;         // Prometheus text
    bool ready = false;          // it trains, and has caught up
};

// HTTP, on loopback unless told otherwise.
//
//   GET  /  /v1/status  /v1/config  /metrics  /healthz  /readyz      from the pages
//   GET  /v1/events?last=N | ?after=CURSOR [&wait=S] [&kind=K]...    from the journal; waits for something to come
//   GET  /v1/history[?after=N]                                       from the history
//   GET  /v1/members  /v1/info  /v1/links  /v1/rtt?from=A[&to=B][&pings=N]      asked of the loop
//   GET  /v1/model[?of=NODE | ?merged]                               likewise: a safetensors file
//   POST /v1/join?address=A...  /v1/leave  /v1/force-leave?node=N    likewise
//
// The page itself lies in page/. What changes something is a POST with the header `X-Grapevine: 1` and without `Origin`: a web page in a browser on
// this machine can send neither.
class StatusServer {
public:
    // The port is 0 for any free one. Taken: an error text. Desk, journal and history outlive the server.
    // `token`: who does not send it sees nothing (status_gate.hpp); empty: everybody is let in.
    static std::variant<std::unique_ptr<StatusServer>, std::string> open(const std::string& host, std::uint16_t port, Desk& desk, Journal& journal, const History& history, const std::string& token = {});
    ~StatusServer();

    std::uint16_t port() const { return port_; }
    void show(StatusPages pages);

private:
    StatusServer();
    struct Inside;
    std::unique_ptr<Inside> inside_;
    std::uint16_t port_ = 0;
};

}  // namespace grapevine::node
