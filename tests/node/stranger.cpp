// Somebody who speaks our protocol and is no node of ours, for the tests with real processes.
//
//   stranger flood ENDPOINT COUNT       tells the node there of COUNT members that do not exist, then ends
//   stranger keyed ENDPOINT NAME        is a member of that name with a key of its own, until it is killed
//   stranger degraded ENDPOINT NAME     is a member that soon finds its links bad, and says things of itself that nobody
//                                       can read, until it is killed
//   stranger elsewhere LOWEST HIGHEST   answers whoever greets it that it speaks these versions only, until it is killed
//
// What it has to say it says on stdout, a line each: "told", "joined", "at tcp://127.0.0.1:34567".
#include <cstdlib>
#include <string>
#include <utility>

#include <zmq.hpp>

#include "frame.hpp"
#include "stranger.hpp"

using namespace grapevine;
using namespace std::chrono_literals;

namespace {

int flood(const std::string& endpoint, std::uint64_t count) {
    Stranger stranger(endpoint, "flood");
    for (std::uint64_t told = 0; told < count;) {
        stranger.book.keep_only({});
        membership::Message message{membership::Gossip{}, {}};
        for (int i = 0; i < 8; ++i) {
            const PeerId id{drawn()};
            const std::string where = "tcp://127.99." + std::to_string(id.value >> 8 & 0xff) + "." + std::to_string(id.value & 0xff) + ":9";
            message.rumors.push_back({*stranger.book.intern({{id, "invented-" + std::to_string(told + static_cast<std::uint64_t>(i)), where, where}, 0}), membership::Standing::alive, {}});
        }
        const std::uint64_t before = stranger.refused();
        stranger.send(stranger.node, message);
        if (stranger.refused() == before) told += 8;
        else stranger.transport->receive(1ms);  // the node is not that fast
    }
    say("told");
    stranger.transport->close(5s);
    return 0;
}

// A member as `record` says, `later` once it has joined.
int member(const std::string& endpoint, const membership::Record& record, const std::optional<membership::Record>& later) {
    Stranger stranger(endpoint, record.contact.name);
    stranger.join(record);
    for (bool joined = false;;) {
        const auto message = stranger.attend(1s);
        if (!message || !std::holds_alternative<membership::Welcome>(message->body) || std::exchange(joined, true)) continue;
        say("joined");
        if (!later) continue;
        membership::Message change{membership::Gossip{}, {}};
        change.rumors.push_back(stranger.rumor_of(*later));
        stranger.send(stranger.node, change);
    }
}

int keyed(const std::string& endpoint, const std::string& name) {
    membership::Record record;
    record.contact.name = name;
    record.generation = 1;
    record.key = "a key of its own";
    return member(endpoint, record, std::nullopt);
}

int degraded(const std::string& endpoint, const std::string& name) {
    membership::Record record, later;
    record.contact.name = name;
    record.metadata = "\xffgarbage";
    later = record;
    later.incarnation = 1;
    later.failing = 40;
    later.degraded = true;
    return member(endpoint, record, later);
}

int elsewhere(std::uint16_t lowest, std::uint16_t highest) {
    zmq::context_t context;
    zmq::socket_t socket(context, zmq::socket_type::router);
    socket.bind("tcp://127.0.0.1:*");
    say("at " + socket.get(zmq::sockopt::last_endpoint));
    for (;;) {
        zmq::message_t who, frame;
        if (!socket.recv(who) || !socket.recv(frame)) continue;
        net::Header header{highest, net::Kind::other_version, 0, PeerId{5}, {}};
        socket.send(who, zmq::send_flags::sndmore);
        socket.send(zmq::buffer(net::Writer(header).u16(lowest).u16(highest).take()), zmq::send_flags::none);
    }
}

}  // namespace

int main(int argc, char** argv) {
    const std::string what = argc == 4 ? argv[1] : "";
    if (what == "flood") return flood(argv[2], std::strtoull(argv[3], nullptr, 10));
    if (what == "keyed") return keyed(argv[2], argv[3]);
    if (what == "degraded") return degraded(argv[2], argv[3]);
    if (what == "elsewhere") return elsewhere(static_cast<std::uint16_t>(std::atoi(argv[2])), static_cast<std::uint16_t>(std::atoi(argv[3])));
    give_up("usage: stranger flood|keyed|degraded|elsewhere ...");
}
