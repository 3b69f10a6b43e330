// The receiving side of the bulk plane by itself: what it is handed is what would have come over a connection of that peer. Nobody is
// connected, so its answers go nowhere.
#pragma once

#include <atomic>
#include <string>
#include <string_view>

#include "incoming.hpp"

namespace grapevine::test {

struct Receiving {
    explicit Receiving(net::Options o) : options(std::move(o)), incoming(wire, inbox, waiting, options) {}

    void open(PeerId from, std::string_view rest, Instant now) { incoming.open(arrived(from), from, net::Reader(rest), now); }
    void chunk(PeerId from, std::string_view rest, const std::string& body, Instant now) {
        auto all = arrived(from);
        all.body.rebuild(body.data(), body.size());
        all.two_parts = true;
        incoming.chunk(all, from, net::Reader(rest), now);
    }
    void abandoned(PeerId from, std::string_view rest) { incoming.abandoned(arrived(from), from, net::Reader(rest)); }
    std::optional<net::Parcel> take() {  // as Transport::receive() does
        while (auto inbound = inbox.take())
            if (auto* parcel = std::get_if<net::Parcel>(&*inbound)) {
                waiting -= net::Incoming::weight(parcel->body.size);
                incoming.taken(parcel->from);
                return std::move(*parcel);
            }
        return std::nullopt;
    }
    std::uint64_t dropped(net::Drop reason) const { return tally.dropped[static_cast<std::size_t>(reason)]; }

    // Without the header of 32 bytes, which is read before.
    static std::string opening(std::uint64_t serial, std::uint64_t total, std::string_view header) {
        return net::Writer(net::Header{}).u64(serial).u64(total).u64(7).u32(9).text(header).take().substr(net::header_bytes);
    }
    static std::string place(std::uint64_t serial, std::uint64_t offset) { return net::Writer(net::Header{}).u64(serial).u64(offset).u64(7).take().substr(net::header_bytes); }
    static std::string end(std::uint64_t serial) { return net::Writer(net::Header{}).u64(serial).take().substr(net::header_bytes); }

    net::Options options;
    zmq::context_t context{1};
    net::Self self{PeerId{1}, {5}};
    net::Tally tally;
    net::Links links{context, self.id, {.name = "bulk", .io_thread = 0, .max_message = 1 << 20, .max_queued_out = 64, .max_queued_in = 64, .idle = std::chrono::minutes(1)}};
    net::ParcelWire wire{links, self, tally};
    net::Inbox inbox;
    std::atomic<std::uint64_t> waiting{0};
    net::Incoming incoming;

private:
    static net::Links::Arrived arrived(PeerId from) {
        net::Links::Arrived a;
        a.route = "V" + std::to_string(from.value);
        return a;
    }
};

}  // namespace grapevine::test
