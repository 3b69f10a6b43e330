#include "outgoing.hpp"

#include <algorithm>

namespace grapevine::net {
namespace {

constexpr Duration absurd = std::chrono::minutes(1);  // no true round trip is longer: the echo was made up

// The chunk as libzmq takes it: not copied, and the owner held until it is out.
zmq::message_t chunk_of(const Bytes& body, std::uint64_t offset, std::size_t size) {
    const auto let_go = [](void*, void* owner) { delete static_cast<std::shared_ptr<const void>*>(owner); };
    // libzmq only reads it, but its interface is C's.
    return zmq::message_t(const_cast<std::byte*>(body.data) + offset, size, let_go,
                          new std::shared_ptr<const void>(body.owner));
}

}  // namespace

void Outgoing::add(Instant now, std::uint32_t ticket, std::string header, Bytes body) {
    if (queue_.size() >= most_queued) {
        wire_.tally().drop(Drop::queue_full);
        failed_.push_back(ticket);
        return;
    }
    if (queue_.empty()) progress_ = now;
    queue_.push_back({next_serial_++, ticket, std::move(header), std::move(body), {}});
}

Outgoing::Parcel* Outgoing::to_send() {
    for (Parcel& parcel : queue_)
        if (!parcel.all_sent()) return &parcel;
    return nullptr;
}

std::optional<std::size_t> Outgoing::pump(Instant now, std::size_t most_chunk) {
    Parcel* parcel = to_send();
    if (!parcel) return std::nullopt;
    return parcel->opened ? send_chunk(*parcel, most_chunk, now) : open(*parcel, now);
}

std::optional<std::size_t> Outgoing::open(Parcel& parcel, Instant now) {
    if (&parcel != &queue_.front()) {
        parcel.route = queue_.front().route;  // behind one that is still on its way: the same way, or it overtakes
    } else {
        const auto route = wire_.links().route(to_, now);
        if (!route) return std::nullopt;      // it may dial us yet
        parcel.route = *route;
        nearby_ = wire_.links().nearby(to_, *route);
    }
    const std::string head = wire_.begin(Kind::open, to_)
                                 .u64(parcel.serial).u64(parcel.body.size)
                                 .u64(static_cast<std::uint64_t>(now.time_since_epoch().count()))
                                 .u32(parcel.ticket).text(parcel.header).take();
    switch (wire_.send(parcel.route, head, now)) {
        case Links::Sent::yes: parcel.opened = true; return 0;
        case Links::Sent::full: return std::nullopt;
        case Links::Sent::gone: {  // one that the peer had opened: now it is dialled, so try again
            const bool theirs = !wire_.links().dialled(parcel.route);
            wire_.links().hang_up_route(parcel.route);
            return theirs ? std::optional<std::size_t>(0) : std::nullopt;
        }
    }
    return std::nullopt;
}

std::optional<std::size_t> Outgoing::send_chunk(Parcel& parcel, std::size_t most, Instant now) {
    const std::size_t size = std::min<std::uint64_t>({nearby_ ? max_chunk_bytes : window_.chunk_bytes(), most, parcel.body.size - parcel.sent});
    if (in_flight_ > 0 && in_flight_ + size > window_bytes()) {
        window_.limited();
        return std::nullopt;
    }
    const std::string head = wire_.begin(Kind::chunk, to_)
                                 .u64(parcel.serial).u64(parcel.sent)
                                 .u64(static_cast<std::uint64_t>(now.time_since_epoch().count())).take();
    zmq::message_t bytes = chunk_of(parcel.body, parcel.sent, size);
    switch (wire_.send(parcel.route, head, now, &bytes)) {
        case Links::Sent::yes:
            parcel.sent += size;
            in_flight_ += size;
            Tally::add(wire_.tally().body_bytes_out, size);
            return size;
        case Links::Sent::full: return std::nullopt;
        case Links::Sent::gone:
            wire_.links().hang_up_route(parcel.route);
            give_up(find(parcel.serial), now);
            return 0;  // the next may be sendable
    }
    return std::nullopt;
}

void Outgoing::acknowledged(Instant now, std::uint64_t serial, std::uint64_t upto, Instant sent_at) {
    const std::size_t i = find(serial);
    if (i == queue_.size()) return;
    Parcel& parcel = queue_[i];
    if (!parcel.opened || upto > parcel.sent || upto < parcel.acknowledged) return;
    const std::uint64_t got = upto - parcel.acknowledged;
    parcel.acknowledged = upto;
    in_flight_ -= got;
    progress_ = now;
    if (got > 0 && sent_at <= now && now - sent_at < absurd) window_.acknowledged(now, got, now - sent_at);
    if (upto < parcel.body.size) return;
    queue_.erase(queue_.begin() + static_cast<std::ptrdiff_t>(i));
    Tally::add(wire_.tally().parcels_out);
}

void Outgoing::refused(Instant now, std::uint64_t serial) {
    if (const std::size_t i = find(serial); i < queue_.size() && queue_[i].opened) give_up(i, now);
}

void Outgoing::expire(Instant now) {
    if (queue_.empty() || now - progress_ < std::max(stall_, 8 * window_.round_trip())) return;
    const Route route = queue_.front().route;
    give_up_all(now);
    wire_.links().hang_up_route(route);  // with what waits in it; the next parcel dials anew
    window_ = Window();
    nearby_ = false;
}

void Outgoing::give_up_all(Instant now) {
    while (!queue_.empty()) give_up(queue_.size() - 1, now);
    std::reverse(failed_.begin(), failed_.end());
}

void Outgoing::give_up(std::size_t i, Instant now) {
    const Parcel& parcel = queue_[i];
    if (parcel.opened) wire_.send(parcel.route, wire_.begin(Kind::abandon, to_).u64(parcel.serial).take(), now);
    in_flight_ -= parcel.sent - parcel.acknowledged;
    failed_.push_back(parcel.ticket);
    queue_.erase(queue_.begin() + static_cast<std::ptrdiff_t>(i));
    if (i == 0) progress_ = now;
}

std::size_t Outgoing::find(std::uint64_t serial) const {
    std::size_t i = 0;
    while (i < queue_.size() && queue_[i].serial != serial) ++i;
    return i;
}

}  // namespace grapevine::net
