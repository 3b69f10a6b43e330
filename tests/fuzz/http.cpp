// The status port: raw bytes over a connection, as whoever reaches it may send them. Afterwards it answers others as before.
#include <arpa/inet.h>
#include <cstdio>
#include <cstdlib>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include "desk.hpp"
#include "fuzz.hpp"
#include "history.hpp"
#include "journal.hpp"
#include "status_server.hpp"

using namespace grapevine;

namespace {

// A node's loop that answers everything at once.
struct Served {
    node::Desk desk{[] {}};
    node::Journal journal;
    node::History history;
    std::unique_ptr<node::StatusServer> server;
    std::thread loop;

    Served() {
        auto opened = node::StatusServer::open("127.0.0.1", 0, desk, journal, history);
        if (const auto* why = std::get_if<std::string>(&opened)) {
            std::fprintf(stderr, "%s\n", why->c_str());
            std::abort();
        }
        server = std::get<std::unique_ptr<node::StatusServer>>(std::move(opened));
        loop = std::thread([this] {
            for (;;) {
                if (auto asked = desk.take()) asked->reply.give({200, "{}"});
                else usleep(100);
            }
        });
        loop.detach();
    }
};

int connected(std::uint16_t port) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) return -1;
    const timeval patience{5, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    const linger at_once{1, 0};  // no thousands of connections in TIME_WAIT
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    return fd;
}

std::string answer_to(std::uint16_t port, std::string_view request, int patience_ms) {
    const int fd = connected(port);
    assert(fd >= 0);
    [[maybe_unused]] auto sent = send(fd, request.data(), request.size(), MSG_NOSIGNAL);
    // Who says that nothing more comes is sent no answer, and who does not is waited for: first the one, then the other.
    pollfd readable{fd, POLLIN, 0};
    if (poll(&readable, 1, patience_ms) == 0) shutdown(fd, SHUT_WR);
    std::string answer;
    char buffer[4096];
    for (ssize_t n; answer.size() < (1 << 20) && (n = recv(fd, buffer, sizeof buffer, 0)) > 0;) answer.append(buffer, static_cast<std::size_t>(n));
    close(fd);
    return answer;
}

}  // namespace

std::vector<std::string> fuzz::seeds() {
    return {"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", "GET /v1/events?last=3&kind=mixed HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /v1/rtt?from=a&to=b&pings=1 HTTP/1.1\r\nHost: a\r\n\r\n",
            "POST /v1/join HTTP/1.1\r\nHost: a\r\nX-Grapevine: 1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 17\r\n\r\naddress=host%3A12",
            "POST /v1/force-leave HTTP/1.1\r\nHost: a\r\nX-Grapevine: 1\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nnode=b\r\n0\r\n\r\n",
            "GET /metrics HTTP/1.0\r\nRange: bytes=0-3,1-2\r\nAccept-Encoding: gzip\r\n\r\n"};
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static Served& served = *new Served;
    static std::uint64_t runs = 0;
    if (size > (1 << 15)) return 0;
    (void)answer_to(served.server->port(), {reinterpret_cast<const char*>(data), size}, 3);
    if (++runs % 64 == 0) {
        const std::string well = answer_to(served.server->port(), "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", 10'000);
        assert(well.starts_with("HTTP/1.1 200"));
    }
    return 0;
}
