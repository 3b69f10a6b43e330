#include "links.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <random>
#include <utility>

#include "address.hpp"
#include "nearby.hpp"

namespace grapevine::net {
namespace {

constexpr std::size_t name_bytes = 17;
constexpr std::size_t max_callers = 10'000;              // from strangers no more are remembered
constexpr Duration patience_with_far = std::chrono::minutes(1);  // then it is looked for nearby again
constexpr Duration fresh = std::chrono::seconds(10);     // by how much a connection may lag and still be preferred

std::string random_bytes(std::size_t n) {
    std::random_device device;
    std::string bytes;
    while (bytes.size() < n) bytes.push_back(static_cast<char>(device() & 0xff));
    return bytes;
}

std::string caller_name(PeerId self) {
    std::string name = "V";
    for (int i = 0; i < 8; ++i) name.push_back(static_cast<char>((self.value >> (8 * i)) & 0xff));
    return name + random_bytes(8);
}

PeerId caller_of(const Route& route) {
    if (route.size() != name_bytes || route[0] != 'V') return {};
    Reader reader(std::string_view(route).substr(1));
    return PeerId{reader.u64()};
}

// libzmq has no call for it. The message says which file it came through; that may have been closed meanwhile and be another
// connection of ours, which is then opened anew.
void end_connection(zmq::message_t& message) {
    const int file = zmq_msg_get(message.handle(), ZMQ_SRCFD);
    if (file >= 0) shutdown(file, SHUT_RDWR);
}

Error cannot_listen(const Plane& plane, const std::string& host, std::uint16_t port, int why) {
    const std::string where = host + ":" + std::to_string(port);
    if (why == EADDRINUSE)
        return {"port " + std::to_string(port) + " (" + plane.name + ", on " + host + ") is in use",
                "another node on this machine? choose another with --listen HOST:PORT, or --port 0 for any free ones"};
    if (why == EADDRNOTAVAIL || why == ENODEV)
        return {"cannot listen on " + where + ": " + host + " is no address of this machine",
                "--listen takes an address that `ip address` shows, or 0.0.0.0 for all of them"};
    if (why == EACCES) return {"cannot listen on " + where + ": not allowed", "choose a port above 1023 with --listen HOST:PORT"};
    return {"cannot listen on " + where + ": " + zmq_strerror(why), "choose another address with --listen HOST:PORT"};
}

}  // namespace

Links::Links(zmq::context_t& context, PeerId self, const Plane& plane, const Gatekeeper* keeper)
    : socket_(context, zmq::socket_type::router), self_(self), plane_(plane), keeper_(keeper) {
    namespace option = zmq::sockopt;
    socket_.set(option::affinity, std::uint64_t{1} << plane.io_thread);
    socket_.set(option::maxmsgsize, std::int64_t{plane.max_message});
    socket_.set(option::sndhwm, plane.max_queued_out);
    socket_.set(option::rcvhwm, plane.max_queued_in);
    socket_.set(option::linger, 0);
    socket_.set(option::router_mandatory, true);
    socket_.set(option::router_handover, true);  // after a broken link the same dialler comes back under its name
    socket_.set(option::ipv6, true);
    socket_.set(option::heartbeat_ivl, 1000);    // a stopped peer or cut link is noticed within 3 s
    socket_.set(option::heartbeat_timeout, 3000);
    socket_.set(option::heartbeat_ttl, 3000);
    socket_.set(option::connect_timeout, 2000);
    socket_.set(option::reconnect_ivl, 100);
    socket_.set(option::reconnect_ivl_max, 2000);
    socket_.set(option::tcp_maxrt, 5000);        // TCP's own patience is minutes
    socket_.set(option::handshake_ivl, 5000);
    socket_.set(option::backlog, 1024);
    if (keeper_) keeper_->guard(socket_);
}

std::optional<Error> Links::listen(const std::string& host, std::uint16_t port) {
    const std::string endpoint = "tcp://" + bracketed(host) + ":" + (port == 0 ? "*" : std::to_string(port));
    if (zmq_bind(socket_.handle(), endpoint.c_str()) != 0) return cannot_listen(plane_, host, port, zmq_errno());
    const std::string bound = socket_.get(zmq::sockopt::last_endpoint);
    port_ = static_cast<std::uint16_t>(std::stoul(bound.substr(bound.rfind(':') + 1)));
    if (plane_.nearby) {  // TCP goes on where it cannot be had
        const uid_t user = geteuid();
        if (zmq_setsockopt(socket_.handle(), ZMQ_IPC_FILTER_UID, &user, sizeof user) == 0) zmq_bind(socket_.handle(), nearby_at(port_, self_).c_str());
    }
    return std::nullopt;
}

// What waits on a connection at most: its queue, of two parts each, and 8 MiB that the kernel may hold.
void Links::watched_by(Watch& watch) {
    watch_ = &watch;
    watch.add(socket_.handle(), plane_.name, static_cast<std::uint64_t>(plane_.max_queued_in) * static_cast<std::uint64_t>(plane_.max_message) + (8u << 20));
}

void Links::know(PeerId peer, const std::string& endpoint, const KeyText& key) {
    if (keeper_) keys_[peer] = key;
    std::string& known = book_[peer];
    if (known == endpoint) return;
    const std::string before = std::exchange(known, endpoint);
    far_.erase(before);
    hang_up_unless_known(before);
}

void Links::forget(PeerId peer) {
    const auto known = book_.find(peer);
    if (known == book_.end()) return;
    const std::string endpoint = known->second;
    book_.erase(known);
    keys_.erase(peer);
    callers_.erase(peer);
    hang_up_unless_known(endpoint);
    far_.erase(endpoint);
}

std::optional<Route> Links::route(PeerId peer, Instant now) {
    const auto caller = callers_.find(peer);
    const auto known = book_.find(peer);
    if (known == book_.end() || known->second.empty()) {
        if (caller == callers_.end()) return std::nullopt;
        return caller->second.route;
    }
    if (caller == callers_.end()) return dial(known->second, now, key_known(peer), peer);
    const auto ours = dials_.find(known->second);
    const bool prefer_ours = self_ < peer && ours != dials_.end() && ours->second.key == key_known(peer) && ours->second.heard != Instant{} &&
                             ours->second.heard + fresh > caller->second.heard;
    return prefer_ours ? ours->second.route : caller->second.route;
}

std::optional<Route> Links::dial(const std::string& endpoint, Instant now, const KeyText& key, PeerId who) {
    if (keeper_ && !keeper_->allowed(key)) return std::nullopt;
    if (const auto old = dials_.find(endpoint); old != dials_.end() && old->second.key != key) {
        if (old->second.heard != Instant{} && now - old->second.heard < fresh) return std::nullopt;
        hang_up(endpoint);  // whoever was there had another key
    }
    const auto [place, is_new] = dials_.try_emplace(endpoint);
    if (!is_new) return place->second.route;
    // What others say about addresses comes over the network: only what costs no name look-up is dialled.
    const Route route = "D" + random_bytes(name_bytes - 1);
    const std::string announced = caller_name(self_);
    bool dialled = is_numeric(endpoint);
    const std::string beside = nearby_to(who, endpoint, now);
    const std::string& where = beside.empty() ? endpoint : beside;
    if (dialled) {
        if (keeper_) keeper_->dial_as_us(socket_, key);
        socket_.set(zmq::sockopt::routing_id, announced);  // each connection takes these two as they are now
        socket_.set(zmq::sockopt::connect_routing_id, route);
        dialled = zmq_connect(socket_.handle(), where.c_str()) == 0;
    }
    if (!dialled) {
        dials_.erase(place);
        return std::nullopt;
    }
    place->second = {route, now, {}, {}, key, where, !beside.empty()};
    dialled_[route] = endpoint;
    return route;
}

std::string Links::nearby_to(PeerId who, const std::string& endpoint, Instant now) const {
    if (!plane_.nearby || !who || !is_numeric(endpoint)) return {};
    if (const auto far = far_.find(endpoint); far != far_.end() && now - far->second < patience_with_far) return {};
    const std::string beside = nearby_at(split(endpoint)->port, who);
    return listens(beside) ? beside : std::string();
}

void Links::hang_up(const std::string& endpoint) {
    const auto dial = dials_.find(endpoint);
    if (dial == dials_.end()) return;
    // Polling makes a ROUTER read ahead: the first part of a message may be in its hands already. Were that
    // message's connection closed now, libzmq would end the process when it is asked for the rest (its issue 3485).
    // So what it may have read ahead is taken whole, first.
    Arrived arrived;
    if (const Take taken = receive(arrived); taken != Take::nothing) stash_.emplace_back(taken, std::move(arrived));
    zmq_disconnect(socket_.handle(), dial->second.connected.c_str());
    if (dial->second.nearby && dial->second.heard == Instant{}) far_[endpoint] = dial->second.used;
    dialled_.erase(dial->second.route);
    dials_.erase(dial);
}

void Links::hang_up_route(const Route& route) {
    if (const std::string* endpoint = dialled(route)) hang_up(std::string(*endpoint));
}

void Links::hang_up_unless_known(const std::string& endpoint) {
    if (!dials_.contains(endpoint)) return;  // before the walk: a thousand members may come and go
    for (const auto& [peer, known] : book_)
        if (known == endpoint) return;
    hang_up(endpoint);
}

Links::Sent Links::send(const Route& route, const std::string& head, zmq::message_t* body, Instant now) {
    void* out = socket_.handle();
    if (zmq_send(out, route.data(), route.size(), ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0) {
        if (zmq_errno() == EAGAIN) return Sent::full;
        for (auto caller = callers_.begin(); caller != callers_.end(); ++caller)
            if (caller->second.route == route) {
                callers_.erase(caller);
                break;
            }
        return Sent::gone;
    }
    // Once the first part has gone through the others do: they belong to the same message.
    zmq_send(out, head.data(), head.size(), ZMQ_DONTWAIT | (body ? ZMQ_SNDMORE : 0));
    if (body) zmq_msg_send(body->handle(), out, ZMQ_DONTWAIT);
    if (const std::string* endpoint = dialled(route)) dials_.at(*endpoint).used = now;
    return Sent::yes;
}

Links::Take Links::take(Arrived& arrived) {
    if (stash_.empty()) return receive(arrived);
    const Take taken = stash_.front().first;
    arrived = std::move(stash_.front().second);
    stash_.pop_front();
    return taken;
}

Links::Take Links::receive(Arrived& arrived) {
    zmq::message_t name;
    void* in = socket_.handle();
    if (zmq_msg_recv(name.handle(), in, ZMQ_DONTWAIT) < 0) return Take::nothing;
    arrived.route.assign(name.data<char>(), name.size());
    int parts = 0;
    for (bool more = name.more(); more; ++parts) {
        zmq::message_t surplus;
        zmq::message_t& part = parts == 0 ? arrived.head : parts == 1 ? arrived.body : surplus;
        part.rebuild();
        if (zmq_msg_recv(part.handle(), in, ZMQ_DONTWAIT) < 0) return Take::garbage;
        more = part.more();
    }
    arrived.two_parts = parts == 2;
    arrived.file = zmq_msg_get(arrived.head.handle(), ZMQ_SRCFD);
    if (watch_) watch_->delivered(arrived.file);
    if (parts == 1) arrived.body.rebuild();
    if (keeper_ && parts > 0)
        if (const char* key = zmq_msg_gets(arrived.head.handle(), "User-Id")) {  // who dialled us always has one
            arrived.key = key;
            if (!keeper_->allowed(key)) {
                end_connection(arrived.head);
                return Take::banned;
            }
        }
    return parts == 1 || parts == 2 ? Take::message : Take::garbage;
}

bool Links::speaks_for(std::string_view key, PeerId claimed) const {
    const auto known = keys_.find(claimed);
    return known == keys_.end() ? may_bear(from_key_text(KeyText(key)), claimed) : known->second == key;
}

bool Links::belongs(const Arrived& arrived, PeerId claimed) const {
    const Route& route = arrived.route;
    if (const std::string* endpoint = dialled(route)) {
        if (keeper_ && !speaks_for(dials_.at(*endpoint).key, claimed)) return false;
        const auto known = book_.find(claimed);
        if (claimed && dials_.at(*endpoint).met == claimed) return true;
        return known != book_.end() && known->second == *endpoint;
    }
    return claimed && caller_of(route) == claimed && (!keeper_ || speaks_for(arrived.key, claimed));
}

KeyText Links::key_known(PeerId peer) const {
    const auto key = keys_.find(peer);
    return key == keys_.end() ? KeyText() : key->second;
}

KeyText Links::key_over(const Arrived& arrived) const {
    const KeyText* ours = key_of(arrived.route);
    return ours ? *ours : KeyText(arrived.key);
}

const KeyText* Links::key_of(const Route& route) const {
    const std::string* endpoint = dialled(route);
    return endpoint ? &dials_.at(*endpoint).key : nullptr;
}

void Links::hang_up_on_the_banned() {
    std::vector<std::string> banned;
    for (const auto& [endpoint, dial] : dials_)
        if (keeper_ && !keeper_->allowed(dial.key)) banned.push_back(endpoint);
    for (const std::string& endpoint : banned) hang_up(endpoint);
}

const std::string* Links::dialled(const Route& route) const {
    const auto found = dialled_.find(route);
    return found == dialled_.end() ? nullptr : &found->second;
}

void Links::met(const Arrived& arrived, PeerId who, Instant now) {
    if (const std::string* endpoint = dialled(arrived.route)) dials_.at(*endpoint).met = who;
    heard(arrived, who, now);
}

void Links::heard(const Arrived& arrived, PeerId from, Instant now) {
    const Route& route = arrived.route;
    if (const std::string* endpoint = dialled(route)) {
        Dial& dial = dials_.at(*endpoint);
        if (dial.nearby && dial.heard == Instant{} && is_nearby(arrived.file)) widen(arrived.file);
        dial.used = dial.heard = now;
        if (dial.met != from) return;
    }
    if (callers_.size() >= max_callers && !callers_.contains(from) && !knows(from)) return;
    Caller& caller = callers_[from];
    if (caller.route != route) {
        caller.route = route;
        caller.nearby = is_nearby(arrived.file);
        if (caller.nearby) widen(arrived.file);
    }
    caller.heard = now;
}

bool Links::nearby(PeerId peer, const Route& route) const {
    if (const std::string* endpoint = dialled(route)) return dials_.at(*endpoint).nearby;
    const auto caller = callers_.find(peer);
    return caller != callers_.end() && caller->second.route == route && caller->second.nearby;
}

void Links::tidy(Instant now) {
    for (auto dial = dials_.begin(); dial != dials_.end();) {
        const auto next = std::next(dial);
        if (now - dial->second.used > plane_.idle) hang_up(std::string(dial->first));
        dial = next;
    }
    // Callers close their own connections; here only the memory of them goes. One that is still open is
    // remembered again with its next frame. Twice as long, so that the dialler always is the first to let go.
    std::erase_if(callers_, [&](const auto& caller) { return now - caller.second.heard > 2 * plane_.idle; });
}

void Links::close(Duration linger) {
    if (socket_.handle() == nullptr) return;
    socket_.set(zmq::sockopt::linger, static_cast<int>(milliseconds_up(linger)));
    socket_.close();
}

}  // namespace grapevine::net
