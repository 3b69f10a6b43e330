#include "grapevine/node/visit.hpp"

#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <random>
#include <sys/socket.h>
#include <unistd.h>

#include "greeting.hpp"
#include "grapevine/net/names.hpp"
#include "grapevine/net/transport.hpp"
#include "grapevine/protocol.hpp"

namespace grapevine::node {

namespace {

constexpr std::size_t most_ways = 4;
constexpr Duration patience_of_echo = std::chrono::seconds(10);  // 256 KiB each way

Duration since(std::chrono::steady_clock::time_point begun) { return std::chrono::steady_clock::now() - begun; }

Tried connect_to(const std::string& endpoint, Duration patience) {
    Tried tried{endpoint, {}, EINVAL};
    const std::size_t colon = endpoint.rfind(':');
    if (endpoint.rfind("tcp://", 0) != 0 || colon < 6) return tried;
    std::string host = endpoint.substr(6, colon - 6);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    addrinfo wanted{};
    wanted.ai_socktype = SOCK_STREAM;
    wanted.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;  // what a node says about itself makes nobody ask name servers
    addrinfo* address = nullptr;
    if (getaddrinfo(host.c_str(), endpoint.c_str() + colon + 1, &wanted, &address) != 0) return tried;
    const int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const auto begun = std::chrono::steady_clock::now();
    tried.error = fd < 0 || connect(fd, address->ai_addr, address->ai_addrlen) != 0 ? errno : 0;
    if (fd >= 0 && tried.error == EINPROGRESS) {
        pollfd waiting{fd, POLLOUT, 0};
        socklen_t size = sizeof tried.error;
        if (poll(&waiting, 1, static_cast<int>(seconds(patience) * 1000)) <= 0) tried.error = ETIMEDOUT;
        else getsockopt(fd, SOL_SOCKET, SO_ERROR, &tried.error, &size);
    }
    if (tried.error == 0) tried.took = since(begun);
    if (fd >= 0) close(fd);
    freeaddrinfo(address);
    return tried;
}

// Bytes there and back: a connection alone says nothing of packets of full size.
void echo(net::Transport& transport, const net::Hello& hello, const Contact& contact, Duration patience, Visit& visit) {
    transport.set_run(hello.run);
    transport.know({hello.who, "", contact.control, contact.bulk});
    transport.echo(hello.who);
    visit.echo = Visit::Echo::nothing;
    for (const auto begun = std::chrono::steady_clock::now(); since(begun) < 2 * patience;) {
        const auto inbound = transport.receive(std::chrono::milliseconds(100));
        const auto* echoed = inbound ? std::get_if<net::Echoed>(&*inbound) : nullptr;
        if (!echoed) continue;
        visit.echo = echoed->came == net::Echoed::Came::all ? Visit::Echo::all : echoed->came == net::Echoed::Came::little ? Visit::Echo::little : Visit::Echo::nothing;
        visit.echo_took = echoed->took;
        return;
    }
}

void greet(const std::string& endpoint, Duration patience, Visit& visit) {
    std::random_device device;
    net::Options options;
    options.self = PeerId{(std::uint64_t{device()} << 32) | device() | 1};
    options.name = "doctor";
    options.greet_patience = patience;
    options.echo_patience = patience_of_echo;
    auto opened = net::Transport::open(options);
    if (const auto* error = std::get_if<net::Error>(&opened)) {
        visit.why_not = error->what;
        return;
    }
    auto& transport = *std::get<std::unique_ptr<net::Transport>>(opened);
    const auto begun = std::chrono::steady_clock::now();
    transport.greet(endpoint);
    while (!visit.greeted && visit.why_not.empty()) {
        const auto inbound = transport.receive(std::chrono::milliseconds(100));
        if (since(begun) > 2 * patience) visit.why_not = "nothing that a node says";
        if (!inbound) continue;
        if (const auto* none = std::get_if<net::NoAnswer>(&*inbound)) visit.why_not = none->why;
        else if (const auto* away = std::get_if<net::TurnedAway>(&*inbound)) visit.why_not = away->why;
        else if (const auto* other = std::get_if<net::OtherVersion>(&*inbound)) visit.why_not = "it speaks version " + net::to_string(other->theirs) + " of the protocol, we speak " + net::to_string(other->ours);
        const auto* hello = std::get_if<net::Hello>(&*inbound);
        if (!hello) continue;
        visit.greeted = since(begun);
        const auto greeting = parse_greeting(hello->greeting);
        visit.starting = !greeting;
        if (!greeting) break;
        visit.name = greeting->record.contact.name;
        visit.software = greeting->software;
        visit.exchange = greeting->exchange;
        for (const std::string& where : {greeting->record.contact.control, greeting->record.contact.bulk})
            if (!where.empty()) visit.advertised.push_back(connect_to(where, patience));
        if (!visit.advertised.empty() && visit.advertised.back().took && !greeting->record.contact.bulk.empty()) echo(transport, *hello, greeting->record.contact, patience_of_echo, visit);
    }
}

}  // namespace

Visit visit(const Address& whom, Duration patience) {
    Visit visit;
    for (const std::string& endpoint : net::addresses_of(whom.host, whom.port, most_ways, visit.no_address)) {
        visit.control.push_back(connect_to(endpoint, patience));
        if (visit.control.back().took && !visit.greeted) {
            visit.why_not.clear();
            greet(endpoint, patience, visit);
        }
    }
    return visit;
}

}  // namespace grapevine::node
