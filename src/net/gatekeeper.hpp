#pragma once

#include <set>
#include <shared_mutex>
#include <string>
#include <thread>
#include <vector>

#include <zmq.hpp>

#include "grapevine/net/keys.hpp"

namespace grapevine::net {

using KeyText = std::string;  // a key in Z85 (ZeroMQ's RFC 32), 40 characters: as ZeroMQ's options and properties have it
KeyText to_key_text(const std::string& key);
std::string from_key_text(const KeyText& text);  // 32 bytes

// Who may connect, and with which key we do. It answers what libzmq asks of each handshake (ZAP, RFC 27) in a thread of its own,
// as long as the context lives.
//
//   libzmq's I/O thread ── domain, mechanism, key ──▶ inproc://zeromq.zap.01 ── 200 and the key as User-Id, or 400 ──▶
class Gatekeeper {
public:
    Gatekeeper(zmq::context_t& context, const Keys& keys);
    ~Gatekeeper();
    Gatekeeper(const Gatekeeper&) = delete;
    Gatekeeper& operator=(const Gatekeeper&) = delete;

    void guard(zmq::socket_t& socket) const;                       // before it is bound
    void dial_as_us(zmq::socket_t& socket, const KeyText& to) const;  // for the next connect: who answers must hold `to`

    void allow(const std::vector<std::string>& keys);             // in place of those before; from any thread, as is allowed()
    bool allowed(std::string_view key) const;  // as text

private:
    void answer();

    zmq::context_t& context_;
    KeyText public_, secret_;
    mutable std::shared_mutex mutex_;
    std::set<KeyText, std::less<>> allowed_;
    zmq::socket_t asked_;
    std::thread thread_;
};

}  // namespace grapevine::net
