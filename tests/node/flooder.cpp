// Somebody who wants a node to stop working, and sends all that a line of BITS a second carries.
//
//   flooder frames ENDPOINT SECONDS BITS    a member that sends pings, news and offers without end, each well formed
//   flooder parcels ENDPOINT SECONDS BITS   a member that ships parcels nobody asked for, and now and then one of 256 MB
//   flooder garbage ENDPOINT SECONDS BITS   a stranger that sends messages which mean nothing
//
// ENDPOINT is that of the control plane, but garbage may go to either. At the end it says what it has sent, as JSON.
#include <cstdlib>
#include <string>
#include <vector>

#include <zmq.hpp>

#include "bucket.hpp"
#include "clock.hpp"
#include "frame.hpp"
#include "stranger.hpp"

using namespace grapevine;
using namespace std::chrono_literals;

namespace {

constexpr double around = 12;  // bytes that ZeroMQ, and its share of a full TCP segment, put around a small message

struct Sent {
    std::uint64_t messages = 0, bytes = 0;
};

int done(const Sent& sent) {
    say("{\"messages\": " + std::to_string(sent.messages) + ", \"bytes\": " + std::to_string(sent.bytes) + "}");
    return 0;
}

void become_member(Stranger& stranger) {
    membership::Record record;
    record.contact.name = "flooder";
    record.generation = 1;
    stranger.join(record);
    for (const Instant end = net::now() + 20s; net::now() < end;)
        if (const auto message = stranger.attend(100ms); message && std::holds_alternative<membership::Welcome>(message->body)) return;
    give_up("nobody lets us in");
}

int frames(const std::string& endpoint, Duration length, double rate) {
    Stranger stranger(endpoint, "flooder");
    become_member(stranger);
    net::Bucket line(rate, 10ms);
    Sent sent;
    std::uint32_t round = 0;
    for (const Instant end = net::now() + length; net::now() < end;) {
        if (!line.may(net::now())) {
            stranger.attend(1ms);
            continue;
        }
        for (int i = 0; i < 64; ++i) {
            ++round;
            const Peer::Message all[] = {membership::Message{membership::Ping{round, {}, false}, {}}, membership::Message{membership::Gossip{}, {}},
                                         gossip::Message(gossip::Offer{round, 1})};
            const std::string bytes = wire::encode(all[round % 3], stranger.book);
            const std::uint64_t before = stranger.refused();
            stranger.transport->send(stranger.node, bytes);
            if (stranger.refused() != before) {
                stranger.attend(1ms);  // the node is not that fast
                break;
            }
            line.take(net::now(), static_cast<double>(bytes.size() + net::header_bytes) + around);
            ++sent.messages, sent.bytes += bytes.size() + net::header_bytes;
        }
        while (stranger.attend(Duration::zero())) {}
    }
    return done(sent);
}

int parcels(const std::string& endpoint, Duration length, double rate) {
    Stranger stranger(endpoint, "flooder", rate);
    become_member(stranger);
    const auto memory = std::make_shared<std::vector<std::byte>>(std::size_t{256} << 20);
    const auto ship = [&](std::uint32_t ticket, std::size_t size) { stranger.transport->ship(stranger.node, ticket, "nobody asked for it", {memory->data(), size, memory}); };
    constexpr std::size_t small = 1000, ahead = 32;
    std::uint32_t ticket = 0;
    for (const Instant end = net::now() + length; net::now() < end;) {
        const net::Counters c = stranger.transport->counters();
        const std::uint64_t waiting = ticket - c.parcels_out - c.undelivered;
        for (std::uint64_t i = waiting; i < ahead; ++i, ++ticket) ship(ticket, ticket % 1000 == 999 ? memory->size() : small);
        if (!stranger.attend(1ms)) continue;
        while (stranger.attend(Duration::zero())) {}
    }
    const net::Counters c = stranger.transport->counters();
    return done({c.parcels_out + c.undelivered, c.bulk.bytes_out});
}

int garbage(const std::string& endpoint, Duration length, double rate) {
    zmq::context_t context;
    zmq::socket_t socket(context, zmq::socket_type::dealer);
    socket.set(zmq::sockopt::linger, 0);
    socket.set(zmq::sockopt::sndtimeo, 10);
    socket.connect(endpoint);
    std::mt19937_64 random{7};
    std::string noise(20'000, 0);
    for (char& c : noise) c = static_cast<char>(random());
    net::Bucket line(rate, 10ms);
    Sent sent;
    for (const Instant end = net::now() + length; net::now() < end;) {
        if (const Instant at = net::now(); !line.may(at)) {
            zmq_poll(nullptr, 0, net::milliseconds_up(line.due() - at));
            continue;
        }
        const std::size_t size = random() % 1'000;
        if (zmq_send(socket.handle(), noise.data() + random() % 10'000, size, 0) < 0) continue;
        line.take(net::now(), static_cast<double>(size) + around);
        ++sent.messages, sent.bytes += size;
    }
    return done(sent);
}

}  // namespace

int main(int argc, char** argv) {
    const std::string what = argc == 5 ? argv[1] : "";
    const std::string endpoint = argc == 5 ? argv[2] : "";
    const Duration length = from_seconds(argc == 5 ? std::atof(argv[3]) : 0);
    const double rate = argc == 5 ? std::atof(argv[4]) / 8 : 0;
    if (what == "frames") return frames(endpoint, length, rate);
    if (what == "parcels") return parcels(endpoint, length, rate);
    if (what == "garbage") return garbage(endpoint, length, rate);
    give_up("usage: flooder frames|parcels|garbage ENDPOINT SECONDS BITS");
}
