#include "incoming.hpp"

#include <algorithm>
#include <cstring>

#include "window.hpp"

namespace grapevine::net {
namespace {

constexpr int chunks_per_acknowledgement = 4;
constexpr Duration limit_burst = std::chrono::milliseconds(50);
constexpr Duration lively = std::chrono::seconds(1);

}  // namespace

std::uint64_t Incoming::most_waiting(std::uint64_t parcel_bytes) { return std::max<std::uint64_t>(4 * parcel_bytes, std::uint64_t{64} << 20); }

Incoming::Incoming(ParcelWire& wire, Inbox& inbox, std::atomic<std::uint64_t>& waiting, const Options& options)
    : wire_(wire),
      inbox_(inbox),
      waiting_(waiting),
      most_waiting_said_(options.max_waiting_bytes != 0),
      most_waiting_(most_waiting_said_ ? options.max_waiting_bytes : most_waiting(options.max_parcel_bytes)),
      most_bytes_(options.max_parcel_bytes),
      patience_(options.half_parcel_patience),
      pool_(most_waiting_),
      most_whole_(options.parcels_per_peer),
      downlink_(options.downlink, limit_burst),
      // Half of the least window, so that a sender is back before its turn comes again: who has nothing owed loses it.
      quantum_(std::clamp<std::uint64_t>(static_cast<std::uint64_t>(options.downlink / 200), 4096, Window::least_bytes / 2)) {}

// What is half received already stays so.
void Incoming::limit(std::uint64_t parcel_bytes) {
    most_bytes_ = parcel_bytes;
    if (most_waiting_said_) return;
    most_waiting_ = most_waiting(parcel_bytes);
    pool_.keep(most_waiting_);
}

void Incoming::open(const Links::Arrived& arrived, PeerId from, Reader reader, Instant now) {
    Half half;
    half.route = arrived.route;
    half.serial = reader.u64();
    half.total = reader.u64();
    half.echo = reader.u64();
    half.ticket = reader.u32();
    if (!reader.ok() || reader.rest().size() > max_parcel_header_bytes) return wire_.tally().drop(Drop::malformed);
    if (half.total > most_bytes_) return refuse(half.route, from, half.serial, Drop::too_long, now);
    if (const auto before = halves_.find(from); before != halves_.end()) {
        // Its sender begins the next only when the last is sent or given up. On another connection it might
        // be somebody else under its name, who shall not break what still flows.
        if (before->second.route != half.route && now - before->second.progress < lively)
            return refuse(half.route, from, half.serial, Drop::queue_full, now);
        wire_.tally().drop(Drop::stalled);
        drop(before);
    }
    if (whole(from) >= most_whole_) return refuse(half.route, from, half.serial, Drop::too_many, now);
    if (waiting_ + weight(half.total) > most_waiting_) return refuse(half.route, from, half.serial, Drop::queue_full, now);
    if (half.total > 0 && !(half.buffer = pool_.take(half.total)))
        return refuse(half.route, from, half.serial, Drop::queue_full, now);
    waiting_ += weight(half.total);
    half.header = std::string(reader.rest());
    half.progress = now;
    const Place place = halves_.emplace(from, std::move(half)).first;
    if (place->second.total == 0) deliver(place, now);
}

void Incoming::chunk(const Links::Arrived& arrived, PeerId from, Reader reader, Instant now) {
    const std::uint64_t serial = reader.u64(), offset = reader.u64(), sent_at = reader.u64();
    if (!reader.done() || !arrived.two_parts) return wire_.tally().drop(Drop::malformed);
    const Place place = halves_.find(from);
    if (place == halves_.end() || place->second.route != arrived.route || place->second.serial != serial)
        return wire_.tally().drop(Drop::stray);
    Half& half = place->second;
    const std::size_t size = arrived.body.size();
    if (offset != half.have || size == 0 || size > max_chunk_bytes || size > half.total - half.have) {
        refuse(half.route, from, serial, Drop::malformed, now);
        return drop(place);
    }
    std::memcpy(half.buffer.get() + offset, arrived.body.data(), size);
    half.have += size;
    half.progress = now;
    half.echo = sent_at;
    if (half.have == half.total) return deliver(place, now);
    if (half.unacknowledged++ == 0) to_acknowledge_.push_back(from);
    if (half.unacknowledged == chunks_per_acknowledgement) acknowledge(from, half, now);
}

void Incoming::deliver(Place place, Instant now) {
    acknowledge(place->first, place->second, now);
    Half& half = place->second;
    Bytes body{half.buffer.get(), half.total, half.buffer};
    Tally::add(wire_.tally().parcels_in);
    {
        const std::lock_guard lock(whole_mutex_);
        ++whole_[place->first];
    }
    inbox_.put(Parcel{place->first, half.ticket, std::move(half.header), std::move(body)});
    halves_.erase(place);  // its weight stays until receive() hands it out
}

std::uint64_t Incoming::whole(PeerId from) const {
    const std::lock_guard lock(whole_mutex_);
    const auto at = whole_.find(from);
    return at == whole_.end() ? 0 : at->second;
}

void Incoming::taken(PeerId from) {
    const std::lock_guard lock(whole_mutex_);
    if (const auto at = whole_.find(from); at != whole_.end() && --at->second == 0) whole_.erase(at);
}

void Incoming::acknowledge(PeerId from, Half& half, Instant now) {
    half.unacknowledged = 0;
    if (!downlink_.limited()) {
        wire_.send(half.route, wire_.begin(Kind::ack, from).u64(half.serial).u64(half.have).u64(half.echo).take(), now);
        return;
    }
    auto creditor = std::find_if(owed_.begin(), owed_.end(), [&](const Creditor& c) { return c.to == from; });
    if (creditor == owed_.end()) creditor = owed_.insert(owed_.end(), {from, {}});
    std::deque<Owed>& parcels = creditor->parcels;  // the last is the newest, of which more comes
    if (!parcels.empty() && parcels.back().serial == half.serial) parcels.back().have = half.have, parcels.back().echo = half.echo;
    else if (owed_parcels_ < most_owed) parcels.push_back({half.route, half.serial, half.paid, half.have, half.echo}), ++owed_parcels_;
    half.paid = half.have;
}

// So many bytes to each sender in turn, as far as the limit goes: by parcels, whoever sends many small ones would have more turns.
void Incoming::pay(Instant now) {
    while (!owed_.empty() && downlink_.may(now)) {
        Creditor next = std::move(owed_.front());
        owed_.pop_front();
        for (std::uint64_t left = quantum_; left > 0 && !next.parcels.empty();) {
            Owed& owed = next.parcels.front();
            const std::uint64_t step = std::min(left, owed.have - owed.upto);
            owed.upto += step;
            left -= step;
            downlink_.take(now, static_cast<double>(step));
            wire_.send(owed.route, wire_.begin(Kind::ack, next.to).u64(owed.serial).u64(owed.upto).u64(owed.echo).take(), now);
            if (owed.upto == owed.have) next.parcels.pop_front(), --owed_parcels_;
        }
        if (!next.parcels.empty()) owed_.push_back(std::move(next));
    }
}

void Incoming::acknowledge(Instant now) {
    for (const PeerId from : to_acknowledge_)
        if (const auto half = halves_.find(from); half != halves_.end() && half->second.unacknowledged > 0)
            acknowledge(from, half->second, now);
    to_acknowledge_.clear();
    pay(now);
}

void Incoming::refuse(const Route& route, PeerId from, std::uint64_t serial, Drop reason, Instant now) {
    wire_.tally().drop(reason);
    wire_.send(route, wire_.begin(Kind::refuse, from).u64(serial).take(), now);
}

void Incoming::abandoned(const Links::Arrived& arrived, PeerId from, Reader reader) {
    const std::uint64_t serial = reader.u64();
    if (!reader.done()) return wire_.tally().drop(Drop::malformed);
    const Place place = halves_.find(from);
    if (place == halves_.end() || place->second.serial != serial || place->second.route != arrived.route) return;
    wire_.tally().drop(Drop::stalled);
    drop(place);
}

void Incoming::expire(Instant now) {
    for (auto half = halves_.begin(); half != halves_.end();) {
        const auto next = std::next(half);
        if (now - half->second.progress > patience_) {
            refuse(half->second.route, half->first, half->second.serial, Drop::stalled, now);
            drop(half);
        }
        half = next;
    }
}

void Incoming::forget(PeerId from) {
    if (const auto half = halves_.find(from); half != halves_.end()) drop(half);
    std::erase_if(owed_, [&](const Creditor& creditor) {
        if (creditor.to == from) owed_parcels_ -= creditor.parcels.size();
        return creditor.to == from;
    });
}

void Incoming::drop(Place place) {
    waiting_ -= weight(place->second.total);
    halves_.erase(place);
}

}  // namespace grapevine::net
