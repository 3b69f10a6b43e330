#include "nearby.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cassert>
#include <cstddef>
#include <cstdio>
#include <cstring>

namespace grapevine::net {
namespace {

constexpr const char* scheme = "ipc://@";  // ZeroMQ writes the zero byte of the abstract namespace as @

bool of_our_user(int file) {
    ucred who{};
    socklen_t size = sizeof who;
    return getsockopt(file, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0 && who.uid == geteuid();
}

}  // namespace

std::string nearby_at(std::uint16_t port, PeerId who) {
    char text[64];
    std::snprintf(text, sizeof text, "%sgrapevine-%u-%016llx", scheme, static_cast<unsigned>(port), static_cast<unsigned long long>(who.value));
    return text;
}

bool listens(const std::string& nearby) {
    assert(nearby.starts_with(scheme));
    const std::string name = nearby.substr(std::strlen(scheme));
    sockaddr_un address{};
    assert(name.size() + 1 <= sizeof address.sun_path);
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path + 1, name.data(), name.size());
    const int file = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (file < 0) return false;
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    const bool found = connect(file, reinterpret_cast<const sockaddr*>(&address), size) == 0 && of_our_user(file);
    ::close(file);
    return found;
}

bool is_nearby(int file) {
    int domain = 0;
    socklen_t size = sizeof domain;
    return getsockopt(file, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_UNIX;
}

void widen(int file) {
    const int bytes = 1 << 20;
    setsockopt(file, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
}

}  // namespace grapevine::net
