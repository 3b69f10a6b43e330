#include "bulk.hpp"

#include <algorithm>

#include "grapevine/protocol.hpp"

namespace grapevine::net {
namespace {

constexpr int messages_at_once = 64;  // received or sent, before it is the other's turn
constexpr Duration limit_burst = std::chrono::milliseconds(50);
constexpr Duration tidy_when_busy = std::chrono::milliseconds(100);
constexpr Duration tidy_when_idle = std::chrono::seconds(1);

}  // namespace

Bulk::Bulk(zmq::context_t& context, const Self& self, Tally& tally, const Tally& control, const Options& options, Inbox& inbox, int io_thread, const Gatekeeper* keeper)
    : self_(self),
      tally_(tally),
      inbox_(inbox),
      stall_(options.stall),
      // A window of the smallest chunks fits into the queue out; the queue in is what a stranger can make us hold.
      links_(context, self.id,
             {.name = "bulk", .io_thread = io_thread, .max_message = static_cast<int>(max_chunk_bytes + 8192),
              .max_queued_out = 256, .max_queued_in = 64, .idle = options.idle, .nearby = options.nearby}, keeper),
      wire_(links_, self, tally),
      incoming_(wire_, inbox, waiting_, options),
      echoes_(wire_, inbox, options),
      control_(control),
      uplink_(options.uplink, limit_burst),
      // On a slow uplink a chunk must not hold up the pings behind it for long: 20 ms of the line.
      most_chunk_(options.uplink > 0 ? std::clamp<std::size_t>(static_cast<std::size_t>(options.uplink / 50), 4096, max_chunk_bytes) : max_chunk_bytes),
      quantum_(static_cast<std::int64_t>(std::min<std::size_t>(most_chunk_, 64 * 1024))) {}

Bulk::~Bulk() { stop(); }

void Bulk::start() {
    thread_ = std::thread([this] { run(); });
}

void Bulk::stop() {
    stopping_ = true;
    orders_.bell().ring();
    if (thread_.joinable()) thread_.join();
    links_.close(Duration::zero());
}

void Bulk::run() {
    zmq_pollitem_t items[] = {{links_.socket(), 0, ZMQ_POLLIN, 0}, {nullptr, orders_.bell().fd(), ZMQ_POLLIN, 0}};
    while (!stopping_) {
        const Instant at = now();
        if (items[1].revents) orders_.bell().silence();  // first, or an order put in between would not ring
        obey(at);
        count_control(at);
        receive(at);
        const bool more = pump();
        if (now() >= next_tidy_) tidy(now());
        zmq_poll(items, 2, links_.waiting() ? 0 : milliseconds_up(due(more) - now()));
    }
}

// When there is something to do although nothing comes in. `more`: pump() stopped, and not for want of a window.
Instant Bulk::due(bool more) const {
    Instant first = std::min(next_tidy_, incoming_.due());
    if (more) first = std::min(first, uplink_.limited() ? uplink_.due() : Instant{});
    return first;
}

// The other plane's bytes count, and wait for nothing.
void Bulk::count_control(Instant now) {
    const std::uint64_t out = control_.bytes_out, in = control_.bytes_in;
    uplink_.take(now, static_cast<double>(out - control_out_));
    incoming_.count(now, in - control_in_);
    control_out_ = out, control_in_ = in;
}

void Bulk::obey(Instant now) {
    while (auto order = orders_.take())
        std::visit(Cases{
            [&](Know& know) { links_.know(know.peer, know.endpoint, know.key); },
            [&](const HangUp&) { links_.hang_up_on_the_banned(); },
            [&](const Echo& echo) {
                echoes_.ask(echo.peer, now);
                next_tidy_ = std::min(next_tidy_, now + tidy_when_busy);
            },
            [&](const Limit& limit) { incoming_.limit(limit.parcel_bytes); },
            [&](const Forget& forget) {
                if (const auto place = outgoing_.find(forget.peer); place != outgoing_.end()) {
                    place->second.give_up_all(now);
                    report_failed(forget.peer, place->second);
                    outgoing_.erase(place);
                }
                incoming_.forget(forget.peer);
                echoes_.forget(forget.peer);
                links_.forget(forget.peer);
            },
            [&](const Call& call) {
                if (const auto route = links_.knows(call.peer) ? links_.route(call.peer, now) : std::nullopt)
                    wire_.send(*route, wire_.begin(Kind::here, call.peer).take(), now);
            },
            [&](Ship& ship) {
                if (!links_.knows(ship.to)) {
                    tally_.drop(Drop::unknown_peer);
                    Tally::add(tally_.undelivered);
                    inbox_.put(Undelivered{ship.to, ship.ticket});
                    return;
                }
                Outgoing& to = outgoing(ship.to);
                if (to.empty() && std::none_of(turn_.begin(), turn_.end(), [&](const Turn& t) { return t.to == ship.to; })) {
                    turn_.push_back({ship.to});
                    next_tidy_ = std::min(next_tidy_, now + tidy_when_busy);
                }
                to.add(now, ship.ticket, std::move(ship.header), std::move(ship.body));
                report_failed(ship.to, to);
            },
        }, *order);
}

Outgoing& Bulk::outgoing(PeerId to) {
    return outgoing_.try_emplace(to, wire_, to, stall_).first->second;
}

void Bulk::receive(Instant now) {
    for (int i = 0; i < messages_at_once; ++i) {
        Links::Arrived arrived;
        const Links::Take taken = links_.take(arrived);
        if (taken == Links::Take::nothing) break;
        Tally::add(tally_.frames_in);
        Tally::add(tally_.bytes_in, arrived.size());
        if (taken == Links::Take::garbage) tally_.drop(Drop::not_ours);
        else if (taken == Links::Take::banned) tally_.drop(Drop::banned);
        else handle(arrived, now);
    }
    incoming_.acknowledge(now);
}

void Bulk::handle(const Links::Arrived& arrived, Instant now) {
    Reader reader(arrived.bytes());
    const auto header = read_header(reader);
    if (!header) return tally_.drop(Drop::not_ours);
    if (!speaks(header->version)) return tally_.drop(Drop::other_version);
    if (header->run != self_.run || header->run == 0) return tally_.drop(Drop::other_run);
    if (header->to != self_.id) return tally_.drop(Drop::other_peer);
    const PeerId from = header->from;
    if (header->kind == Kind::echo || header->kind == Kind::echoed) {
        if (!links_.belongs(arrived, from)) return tally_.drop(Drop::impostor);
        if (header->kind == Kind::echo) uplink_.take(now, static_cast<double>(echoes_.answer(arrived, from, reader, uplink_.may(now), now)));
        else echoes_.came(arrived, from, reader, now);
        if (links_.knows(from)) links_.heard(arrived, from, now);
        return;
    }
    if (!links_.knows(from)) return tally_.drop(Drop::unknown_peer);
    if (!links_.belongs(arrived, from)) return tally_.drop(Drop::impostor);
    if (arrived.two_parts != (header->kind == Kind::chunk)) return tally_.drop(Drop::not_ours);
    links_.heard(arrived, from, now);

    switch (header->kind) {
        case Kind::open: return incoming_.open(arrived, from, reader, now);
        case Kind::chunk: return incoming_.chunk(arrived, from, reader, now);
        case Kind::abandon: return incoming_.abandoned(arrived, from, reader);
        case Kind::here: return;  // that it was heard is all
        case Kind::ack:
        case Kind::refuse: {
            const auto to = outgoing_.find(from);
            const std::uint64_t serial = reader.u64();
            const bool ack = header->kind == Kind::ack;
            const std::uint64_t upto = ack ? reader.u64() : 0, echo = ack ? reader.u64() : 0;
            if (!reader.done()) return tally_.drop(Drop::malformed);
            if (to == outgoing_.end()) return;
            const Instant sent_at{Duration(static_cast<std::int64_t>(echo))};
            if (ack) to->second.acknowledged(net::now(), serial, upto, sent_at);
            else to->second.refused(now, serial);
            return report_failed(from, to->second);
        }
        case Kind::greet:
        case Kind::welcome:
        case Kind::other_version:
        case Kind::frame:
        case Kind::call:
        case Kind::try_me:
        case Kind::tried:
        case Kind::echo:
        case Kind::echoed: break;
    }
    tally_.drop(Drop::not_ours);
}

// So many bytes to each in turn, whatever the length of its chunks. Whoever has nothing to send now keeps its place as long
// as it has parcels. True if it stopped for fairness, or for the limit, and not because nobody could send.
bool Bulk::pump() {
    std::size_t idle = 0;
    for (int sent = 0; sent < messages_at_once && idle < turn_.size();) {
        if (!uplink_.may(now())) return true;
        Turn turn = turn_.front();
        turn_.pop_front();
        const auto place = outgoing_.find(turn.to);
        if (place == outgoing_.end() || place->second.empty()) continue;
        turn.credit = std::min(turn.credit + quantum_, quantum_);
        bool any = false, owing = turn.credit <= 0;
        while (turn.credit > 0 && sent < messages_at_once && uplink_.may(now())) {
            const auto bytes = place->second.pump(now(), most_chunk_);
            if (!bytes) break;
            any = true, ++sent;
            turn.credit -= static_cast<std::int64_t>(*bytes);
            uplink_.take(now(), static_cast<double>(*bytes + header_bytes + 24));
        }
        idle = any || owing ? 0 : idle + 1;
        report_failed(turn.to, place->second);
        turn_.push_back(turn);
    }
    return idle < turn_.size();
}

void Bulk::report_failed(PeerId to, Outgoing& outgoing) {
    for (const std::uint32_t ticket : outgoing.take_failed()) {
        Tally::add(tally_.undelivered);
        inbox_.put(Undelivered{to, ticket});
    }
}

void Bulk::tidy(Instant now) {
    for (auto& [to, outgoing] : outgoing_) {
        outgoing.expire(now);
        report_failed(to, outgoing);
    }
    incoming_.expire(now);
    echoes_.tidy(now);
    links_.tidy(now);
    tally_.connections = links_.connections();
    {
        const std::lock_guard lock(paths_mutex_);
        paths_.clear();
        for (const auto& [to, outgoing] : outgoing_)
            if (const Window& w = outgoing.window(); w.round_trip() != Duration::zero())
                paths_.push_back({to, w.round_trip(), w.least(), outgoing.window_bytes(), outgoing.nearby()});
    }
    next_tidy_ = now + (turn_.empty() && incoming_.empty() && echoes_.empty() ? tidy_when_idle : tidy_when_busy);
}

std::vector<BulkPath> Bulk::paths() const {
    const std::lock_guard lock(paths_mutex_);
    return paths_;
}

}  // namespace grapevine::net
