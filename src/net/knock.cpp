#include "knock.hpp"

#include <cstring>
#include <thread>

#include "clock.hpp"

namespace grapevine::net {
namespace {

constexpr std::size_t most_attempts = 2 * most_candidates;  // addresses times keys
constexpr int breaks_that_count = 2;                        // one may be a node that is just ending
constexpr Duration without_key = std::chrono::seconds(1);

enum class Why { unknown, other_key, not_allowed, we_have_none, they_have_none, hung_up };

struct Attempt {
    zmq::socket_t socket, events;
    std::string address;
    KeyText key;
    int breaks = 0;
    bool over = false;
};

// 2 bytes of what happened, 4 of detail; where is the second part.
std::optional<std::pair<std::uint16_t, std::uint32_t>> next_event(zmq::socket_t& events) {
    zmq::message_t what, where;
    if (zmq_msg_recv(what.handle(), events.handle(), ZMQ_DONTWAIT) < 0) return std::nullopt;
    if (what.more()) zmq_msg_recv(where.handle(), events.handle(), ZMQ_DONTWAIT);
    std::uint16_t event = 0;
    std::uint32_t detail = 0;
    if (what.size() < sizeof event + sizeof detail) return std::nullopt;
    std::memcpy(&event, what.data(), sizeof event);
    std::memcpy(&detail, what.data<char>() + sizeof event, sizeof detail);
    return std::pair{event, detail};
}

std::string text_of(Why why) {
    switch (why) {
        case Why::not_allowed: return "it does not know our key: put the public key of our --key-file into its --allow list, or give both the same key file";
        case Why::we_have_none: return "it talks only to who has a key: give --key-file, the same file or one that it allows";
        case Why::they_have_none: return "it runs without keys and we have one: start it with --key-file, or leave ours out";
        case Why::other_key: return "it has another key than we expect: give both the same --key-file, or put its public key into our --allow list";
        case Why::hung_up: return "it hangs up before a word is said: it talks only to who has a key (give --key-file, the same file or one that it allows), or is no node";
        case Why::unknown: break;
    }
    return "the handshake failed";
}

class Knocking {
public:
    Knocking(const Knocks::Door& door, const std::optional<Keys>& ours) : door_(door) {
        const std::vector<KeyText> keys = ours ? door.keys : std::vector<KeyText>{KeyText()};
        for (const std::string& address : door.addresses)
            for (const KeyText& key : keys)
                if (attempts_.size() < most_attempts) attempts_.push_back(begin(address, key, ours));
    }

    Knocks::Answer end(Duration patience) {
        if (const Attempt* in = first_in(now() + patience)) return {door_.endpoint, Knocks::Outcome::in, in->address, in->key, ""};
        if (why_ == Why::other_key) {  // or they have none and hung up before they had said so: then they let us in without
            attempts_.clear();
            for (const std::string& address : door_.addresses) attempts_.push_back(begin(address, {}, {}));
            if (first_in(now() + without_key)) why_ = Why::they_have_none;
            else why_ = Why::other_key;
        }
        if (why_ == Why::unknown) return {door_.endpoint, Knocks::Outcome::silence, "", "", ""};
        return {door_.endpoint, Knocks::Outcome::turned_away, "", "", text_of(why_)};
    }

private:
    const Attempt* first_in(Instant deadline) {
        std::vector<zmq_pollitem_t> items;
        for (Attempt& a : attempts_) items.push_back({a.events.handle(), 0, ZMQ_POLLIN, 0});
        for (bool open = !attempts_.empty(); open && now() < deadline;) {
            zmq_poll(items.data(), static_cast<int>(items.size()), milliseconds_up(deadline - now()));
            open = false;
            for (Attempt& a : attempts_) {
                while (const auto event = a.over ? std::nullopt : next_event(a.events))
                    if (happened(a, event->first, event->second)) return &a;
                open = open || !a.over;
            }
        }
        return nullptr;
    }

    Attempt begin(const std::string& address, const KeyText& key, const std::optional<Keys>& ours) {
        Attempt a{{context_, zmq::socket_type::dealer}, {context_, zmq::socket_type::pair}, address, key};
        const std::string events = "inproc://events-" + std::to_string(made_++);
        a.socket.set(zmq::sockopt::linger, 0);
        a.events.set(zmq::sockopt::linger, 0);
        a.socket.set(zmq::sockopt::ipv6, true);
        a.socket.set(zmq::sockopt::maxmsgsize, std::int64_t{1024});  // nothing is to come
        a.socket.set(zmq::sockopt::reconnect_ivl, 100);
        if (ours) {
            a.socket.set(zmq::sockopt::curve_publickey, to_key_text(ours->public_key));
            a.socket.set(zmq::sockopt::curve_secretkey, to_key_text(ours->secret_key));
            a.socket.set(zmq::sockopt::curve_serverkey, key);
        }
        zmq_socket_monitor(a.socket.handle(), events.c_str(), ZMQ_EVENT_ALL);
        a.events.connect(events);
        a.over = zmq_connect(a.socket.handle(), address.c_str()) != 0;
        return a;
    }

    // Whether we are in.
    bool happened(Attempt& a, std::uint16_t event, std::uint32_t detail) {
        switch (event) {
            case ZMQ_EVENT_HANDSHAKE_SUCCEEDED: return true;
            case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH: note(Why::not_allowed); break;
            case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
                if (detail == ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH) note(a.key.empty() ? Why::we_have_none : Why::they_have_none);
                else if (!a.key.empty()) note(Why::other_key);
                break;
            case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
                if (++a.breaks < breaks_that_count) return false;
                note(a.key.empty() ? Why::hung_up : Why::other_key);
                break;
            case ZMQ_EVENT_CLOSED:
                if (!door_.once) return false;
                break;
            default: return false;
        }
        a.over = true;
        zmq_disconnect(a.socket.handle(), a.address.c_str());
        return false;
    }
    // Of several candidates all but one have another key: what an answer in words says tells more.
    void note(Why why) {
        if (why_ == Why::unknown || why_ == Why::other_key) why_ = why;
    }

    const Knocks::Door& door_;
    zmq::context_t context_{1};
    std::vector<Attempt> attempts_;
    Why why_ = Why::unknown;
    int made_ = 0;
};

}  // namespace

void Knocks::start(Door door, std::optional<Keys> ours, Duration patience) {
    std::thread([answers = answers_, door = std::move(door), ours = std::move(ours), patience] {
        Answer answer = Knocking(door, ours).end(patience);  // its sockets are closed before
        answers->put(std::move(answer));
    }).detach();
}

}  // namespace grapevine::net
