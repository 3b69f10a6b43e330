#include "gatekeeper.hpp"

#include <array>
#include <cassert>
#include <mutex>

namespace grapevine::net {

namespace {

constexpr const char* domain = "grapevine";
constexpr std::size_t text_bytes = 40;

std::uint32_t beginning(std::string_view key) {
    assert(key.size() == key_bytes);
    std::uint32_t x = 0;
    for (int i = 0; i < 4; ++i) x |= static_cast<std::uint32_t>(static_cast<unsigned char>(key[static_cast<std::size_t>(i)])) << (8 * i);
    return x;
}

}  // namespace

PeerId id_under(std::string_view key, std::uint32_t drawn) { return PeerId{std::uint64_t{beginning(key)} << 32 | drawn}; }

bool may_bear(std::string_view key, PeerId id) { return key.size() == key_bytes && id.value >> 32 == beginning(key); }

KeyText to_key_text(const std::string& key) {
    assert(key.size() == key_bytes);
    std::array<char, text_bytes + 1> text{};
    zmq_z85_encode(text.data(), reinterpret_cast<const std::uint8_t*>(key.data()), key.size());
    return text.data();
}

std::string from_key_text(const KeyText& text) {
    std::array<std::uint8_t, key_bytes> key{};
    if (text.size() != text_bytes || !zmq_z85_decode(key.data(), text.c_str())) return {};
    return std::string(reinterpret_cast<const char*>(key.data()), key.size());
}

Gatekeeper::Gatekeeper(zmq::context_t& context, const Keys& keys)
    : context_(context), public_(to_key_text(keys.public_key)), secret_(to_key_text(keys.secret_key)), asked_(context, zmq::socket_type::router) {
    allow(keys.allowed);
    asked_.set(zmq::sockopt::linger, 0);
    asked_.bind("inproc://zeromq.zap.01");  // before any socket listens: libzmq lets everybody in where nobody is asked
    thread_ = std::thread([this] { answer(); });
}

Gatekeeper::~Gatekeeper() {
    context_.shutdown();  // or the thread waits for ever
    thread_.join();
}

void Gatekeeper::guard(zmq::socket_t& socket) const {
    socket.set(zmq::sockopt::zap_domain, domain);
    socket.set(zmq::sockopt::curve_server, true);
    socket.set(zmq::sockopt::curve_publickey, public_);
    socket.set(zmq::sockopt::curve_secretkey, secret_);
}

void Gatekeeper::dial_as_us(zmq::socket_t& socket, const KeyText& to) const { socket.set(zmq::sockopt::curve_serverkey, to); }

void Gatekeeper::allow(const std::vector<std::string>& keys) {
    std::set<KeyText, std::less<>> allowed;
    for (const std::string& key : keys) allowed.insert(to_key_text(key));
    const std::unique_lock lock(mutex_);
    allowed_ = std::move(allowed);
}

bool Gatekeeper::allowed(std::string_view key) const {
    const std::shared_lock lock(mutex_);
    return allowed_.contains(key);
}

// A request: who asks, an empty part, "1.0", its number, domain, address, routing id, mechanism, and what the mechanism
// knows: of CURVE the key. It comes from libzmq, which has checked the key's length; the routing id is the stranger's.
void Gatekeeper::answer() {
    for (;;) {
        std::vector<std::string> parts;
        for (bool more = true; more;) {
            zmq::message_t part;
            if (zmq_msg_recv(part.handle(), asked_.handle(), 0) < 0) {
                if (zmq_errno() == EINTR) continue;
                asked_.close();  // the context is being closed
                return;
            }
            parts.emplace_back(part.data<char>(), part.size());
            more = part.more();
        }
        if (parts.size() < 4) continue;
        const bool whole = parts.size() == 9 && parts[2] == "1.0" && parts[4] == domain && parts[7] == "CURVE" && parts[8].size() == key_bytes;
        const KeyText key = whole ? to_key_text(parts[8]) : KeyText();
        const bool welcome = whole && allowed(key);
        const std::array<std::string, 8> reply{parts[0], "", "1.0", parts[3], welcome ? "200" : "400", welcome ? "OK" : "key not allowed", welcome ? key : "", ""};
        for (std::size_t i = 0; i < reply.size(); ++i)
            zmq_send(asked_.handle(), reply[i].data(), reply[i].size(), i + 1 < reply.size() ? ZMQ_SNDMORE : 0);
    }
}

}  // namespace grapevine::net
