#pragma once

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <variant>
#include <vector>

#include "bucket.hpp"
#include "echoes.hpp"
#include "inbox.hpp"
#include "incoming.hpp"
#include "outgoing.hpp"

namespace grapevine::net {

// The bulk plane. It runs in a thread of its own, so that a node that thinks does not hold up parcels; all state
// below is that thread's, and the two mailboxes are the only way in and out.
class Bulk {
public:
    // `control`: what the other plane sends and receives, which counts against the limits.
    Bulk(zmq::context_t& context, const Self& self, Tally& tally, const Tally& control, const Options& options, Inbox& inbox, int io_thread, const Gatekeeper* keeper = nullptr);
    ~Bulk();

    std::optional<Error> listen(const std::string& host, std::uint16_t port) { return links_.listen(host, port); }
    std::uint16_t port() const { return links_.port(); }
    void watched_by(Watch& watch) { links_.watched_by(watch); }  // before start()
    void start();  // after listen()
    void stop();   // parcels under way are abandoned

    struct Know { PeerId peer; std::string endpoint; KeyText key; };
    struct Forget { PeerId peer; };
    struct Call { PeerId peer; };  // it has a parcel for us and cannot dial us: open a connection
    struct Ship { PeerId to; std::uint32_t ticket; std::string header; Bytes body; };
    struct HangUp {};  // on whoever is no longer allowed
    struct Limit { std::uint64_t parcel_bytes; };  // of those that come in
    struct Echo { PeerId peer; };
    void tell(Echo echo) { orders_.put(echo); }
    void tell(Know know) { orders_.put(std::move(know)); }
    void tell(Forget forget) { orders_.put(forget); }
    void tell(Call call) { orders_.put(call); }
    void tell(Ship ship) { orders_.put(std::move(ship)); }
    void tell(HangUp hang_up) { orders_.put(hang_up); }
    void tell(Limit limit) { orders_.put(limit); }

    void taken(const Parcel& parcel) {
        waiting_ -= Incoming::weight(parcel.body.size);
        incoming_.taken(parcel.from);
    }
    Pool::Count buffers() const { return incoming_.count(); }
    std::vector<BulkPath> paths() const;

private:
    using Order = std::variant<Know, Forget, Call, Ship, HangUp, Limit, Echo>;

    void run();
    void obey(Instant now);
    void receive(Instant now);
    void handle(const Links::Arrived& arrived, Instant now);
    bool pump();
    void count_control(Instant now);
    Instant due(bool more) const;
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
    Echoes echoes_;
    std::map<PeerId, Outgoing> outgoing_;
    struct Turn {
        PeerId to;
        std::int64_t credit = 0;  // bytes: who has sent a long chunk waits until the others have sent as much
    };
    std::deque<Turn> turn_;    // who has something to send, next first
    const Tally& control_;
    std::uint64_t control_out_ = 0, control_in_ = 0;  // of its bytes, counted so far
    Bucket uplink_;
    std::size_t most_chunk_;
    std::int64_t quantum_;     // bytes in one turn, as in deficit round robin (Shreedhar, Varghese 1995)
    Instant next_tidy_{};

    Mailbox<Order> orders_;
    std::atomic<bool> stopping_{false};
    mutable std::mutex paths_mutex_;
    std::vector<BulkPath> paths_;
    std::thread thread_;
};

}  // namespace grapevine::net
