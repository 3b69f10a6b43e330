#pragma once

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <random>
#include <string>

#include "grapevine/net/transport.hpp"
#include "grapevine/wire/wire.hpp"

// Who speaks our protocol and is no node of ours, for the tests with real processes.
namespace grapevine {

[[noreturn]] inline void give_up(const std::string& why) {
    std::printf("%s\n", why.c_str());
    std::exit(1);
}

inline void say(const std::string& line) {
    std::printf("%s\n", line.c_str());
    std::fflush(stdout);
}

inline std::uint64_t drawn() {
    static std::mt19937_64 random{std::random_device{}()};
    return random() | 1;
}

// Of the run of the node at an endpoint, and no member yet. `uplink` as in net::Options.
struct Stranger {
    PeerId id{drawn()}, node;
    std::unique_ptr<net::Transport> transport;
    membership::Book book;

    Stranger(const std::string& endpoint, const std::string& name, double uplink = 0) {
        net::Options options;
        options.self = id;
        options.name = name;
        options.uplink = uplink;
        auto opened = net::Transport::open(options);
        if (const auto* error = std::get_if<net::Error>(&opened)) give_up(error->what);
        transport = std::get<std::unique_ptr<net::Transport>>(std::move(opened));
        transport->greet(endpoint);
        while (!node) {
            const auto inbound = transport->receive(std::chrono::milliseconds(100));
            if (!inbound) continue;
            const auto* hello = std::get_if<net::Hello>(&*inbound);
            if (!hello) give_up("nobody at " + endpoint);
            node = hello->who;
            transport->set_run(hello->run);
        }
        transport->know({node, "", endpoint, ""});
    }
    void send(PeerId to, const Peer::Message& message) { transport->send(to, wire::encode(message, book)); }
    std::uint64_t refused() const { return transport->counters().of(net::Drop::queue_full); }

    membership::Rumor rumor_of(membership::Record record) {
        record.contact = transport->contact();
        return {*book.intern(record), membership::Standing::alive, {}};
    }
    // Asks to be let in, as `record` says.
    void join(const membership::Record& record) {
        membership::Message join{membership::Join{}, {}};
        join.rumors.push_back(rumor_of(record));
        send(node, join);
    }
    // What comes next: addresses are taken down, pings answered, and what membership says is handed on.
    std::optional<membership::Message> attend(Duration patience) {
        auto inbound = transport->receive(patience);
        auto* frame = inbound ? std::get_if<net::Frame>(&*inbound) : nullptr;
        if (!frame) return std::nullopt;
        auto message = wire::decode(std::as_bytes(std::span(frame->bytes)), book);
        auto* m = message ? std::get_if<membership::Message>(&*message) : nullptr;
        if (!m) return std::nullopt;
        for (const auto& rumor : m->rumors) transport->know(book.at(rumor.about).contact);
        if (const auto* ping = std::get_if<membership::Ping>(&m->body)) send(frame->from, membership::Message{membership::Ack{ping->round}, {}});
        return std::move(*m);
    }
};

}  // namespace grapevine
