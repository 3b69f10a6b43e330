#pragma once

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <variant>
#include <vector>

#include "inbox.hpp"
#include "incoming.hpp"
#include "outgoing.hpp"

namespace grapevine::net {

// The bulk plane. It runs in a thread of its own, so that a node that thinks does not hold up parcels; all state
// below is that thread's, and the two mailboxes are the only way in and out.
class Bulk {
public:
    Bulk(zmq::context_t& context, const Self& self, Tally& tally, const Options& options, Inbox& inbox, int io_thread);
    ~Bulk();

    std::optional<Error> listen(const std::string& host, std::uint16_t port) { return links_.listen(host, port); }
    std::uint16_t port() const { return links_.port(); }
    void start();  // after listen()
    void stop();   // parcels under way are abandoned

    struct Know { PeerId peer; std::string endpoint; };
    struct Forget { PeerId peer; };
    struct Ship { PeerId to; std::uint32_t ticket; std::string header; Bytes body; };
    void tell(Know know) { orders_.put(std::move(know)); }
    void tell(Forget forget) { orders_.put(forget); }
    void tell(Ship ship) { orders_.put(std::move(ship)); }

    void taken(const Parcel& parcel) { waiting_ -= Incoming::weight(parcel.body.size); }
    Pool::Count buffers() const { return incoming_.count(); }
    std::vector<BulkPath> paths() const;

private:
    using Order = std::variant<Know, Forget, Ship>;

    void run();
    void obey(Instant now);
    void receive(Instant now);
    void handle(const Links::Arrived& arrived, Instant now);
    bool pump();
    void tidy(Instant now);
    void report_failed(PeerId to, Outgoing& outgoing);
    Outgoing& outgoing(PeerId to);

    const Self& self_;
    Tally& tally_;
    Inbox& inbox_;
    Duration stall_;
    std::atomic<std::uint64_t> waiting_{0};
    Links links_;
    ParcelWire wire_;
    Incoming incoming_;
    std::map<PeerId, Outgoing> outgoing_;
    std::deque<PeerId> turn_;  // who has something to send, next first
    Instant next_tidy_{};

    Mailbox<Order> orders_;
    std::atomic<bool> stopping_{false};
    mutable std::mutex paths_mutex_;
    std::vector<BulkPath> paths_;
    std::thread thread_;
};

}  // namespace grapevine::net
