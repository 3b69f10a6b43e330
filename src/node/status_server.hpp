#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <variant>

namespace grapevine::node {

// What the status port answers. Made by the loop now and then, read by the server's threads: a request never
// touches the peer.
struct StatusPages {
    std::string status, members, config, events;  // JSON, but config: TOML
    std::string metrics;                          // Prometheus text
    bool ready = false;                           // it trains, and has caught up
};

// HTTP on loopback: / (a page for people), /v1/{status,members,config,events}, /metrics, /healthz, /readyz.
class StatusServer {
public:
    // The port is 0 for any free one. Taken: an error text.
    static std::variant<std::unique_ptr<StatusServer>, std::string> open(const std::string& host, std::uint16_t port);
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
