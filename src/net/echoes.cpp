#include "echoes.hpp"

#include <algorithm>
#include <chrono>
#include <random>
#include <string>

namespace grapevine::net {

namespace {
constexpr Duration ask_again = std::chrono::seconds(1);
}

Echoes::Echoes(ParcelWire& wire, Inbox& inbox, const Options& options)
    : wire_(wire),
      inbox_(inbox),
      patience_(options.echo_patience),
      // On a slow uplink no more than goes out in a second of it.
      many_(options.uplink > 0 ? std::clamp<std::size_t>(static_cast<std::size_t>(options.uplink), 4096, max_chunk_bytes) : max_chunk_bytes),
      answers_(options.echoes_of_all, std::chrono::seconds(2)) {}

void Echoes::ask(PeerId who, Instant now) {
    if (std::any_of(asked_.begin(), asked_.end(), [&](const Asked& a) { return a.who == who; })) return;
    if (asked_.size() == at_once) return inbox_.put(Echoed{who, Echoed::Came::nothing, {}});
    std::random_device device;
    asked_.push_back({who, (std::uint64_t{device()} << 32 | device()) & ~std::uint64_t{1}, now + patience_});
    send(asked_.back(), now);
}

// It may be that only it can dial us, and is on its way.
void Echoes::send(Asked& asked, Instant now) {
    const auto route = wire_.links().knows(asked.who) ? wire_.links().route(asked.who, now) : std::nullopt;
    if (!route) return;
    const std::string bytes(few, 'e');
    asked.sent = now;
    asked.out = put(*route, Kind::echo, asked.who, asked.token, bytes.data(), bytes.size(), now) == Links::Sent::yes;
}

Links::Sent Echoes::put(const Route& route, Kind kind, PeerId to, std::uint64_t token, const void* bytes, std::size_t size, Instant now) {
    zmq::message_t body(bytes, size);
    const Links::Sent sent = wire_.send(route, wire_.begin(kind, to).u64(token).take(), now, &body);
    if (sent == Links::Sent::gone) wire_.links().hang_up_route(route);
    return sent;
}

std::size_t Echoes::answer(const Links::Arrived& arrived, PeerId from, Reader reader, bool room, Instant now) {
    const std::uint64_t token = reader.u64();
    if (!reader.done() || !arrived.two_parts || arrived.body.size() > max_chunk_bytes) {
        wire_.tally().drop(Drop::malformed);
        return 0;
    }
    const std::size_t size = room && answers_.take_one(now) ? arrived.body.size() : 0;
    if (size == 0) wire_.tally().drop(Drop::too_many);
    put(arrived.route, Kind::echoed, from, token, arrived.body.data(), size, now);
    return size;
}

void Echoes::came(const Links::Arrived& arrived, PeerId from, Reader reader, Instant now) {
    const std::uint64_t token = reader.u64();
    const auto asked = std::find_if(asked_.begin(), asked_.end(), [&](const Asked& a) { return a.who == from && a.out && a.token == (token & ~std::uint64_t{1}); });
    const std::size_t sent = token % 2 == 0 ? few : many_;
    if (!reader.done() || !arrived.two_parts || asked == asked_.end() || (arrived.body.size() != sent && arrived.body.size() != 0)) return wire_.tally().drop(Drop::stray);
    if (arrived.body.size() == 0) {
        asked->busy = true;
        asked->out = false;
        return;
    }
    if (token % 2 == 0) {  // only now, or both would share a packet
        asked->half = true;
        const std::string bytes(many_, 'e');
        asked->out = put(arrived.route, Kind::echo, from, asked->token + 1, bytes.data(), bytes.size(), now) == Links::Sent::yes;
        return;
    }
    inbox_.put(Echoed{from, Echoed::Came::all, now - asked->sent});
    asked_.erase(asked);
}

void Echoes::forget(PeerId who) {
    for (Asked& a : asked_)
        if (a.who == who) a.deadline = {};
}

void Echoes::tidy(Instant now) {
    for (Asked& a : asked_) {
        if (!a.out && now < a.deadline && now - a.sent >= ask_again) send(a, now);
        if (now >= a.deadline) inbox_.put(Echoed{a.who, a.busy ? Echoed::Came::all : a.half ? Echoed::Came::little : Echoed::Came::nothing, {}});
    }
    std::erase_if(asked_, [&](const Asked& a) { return now >= a.deadline; });
}

}  // namespace grapevine::net
