#include "address.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>

#include <algorithm>

#include "grapevine/net/names.hpp"

namespace grapevine::net {
namespace {

constexpr std::size_t max_endpoint_bytes = 300;
constexpr std::size_t max_addresses = 4;

bool is_ipv4(const std::string& host) {
    in_addr address{};
    return inet_pton(AF_INET, host.c_str(), &address) == 1;
}

bool is_ipv6(const std::string& host) {
    in6_addr address{};
    return inet_pton(AF_INET6, host.substr(0, host.find('%')).c_str(), &address) == 1;
}

std::string text(const sockaddr* address) {
    char host[INET6_ADDRSTRLEN] = "";
    if (address->sa_family == AF_INET)
        inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(address)->sin_addr, host, sizeof host);
    else
        inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr, host, sizeof host);
    return host;
}

}  // namespace

std::string bracketed(const std::string& host) {
    return host.find(':') != std::string::npos && host.front() != '[' ? "[" + host + "]" : host;
}

std::optional<HostPort> split(const std::string& endpoint) {
    const std::string scheme = "tcp://";
    if (endpoint.size() > max_endpoint_bytes || endpoint.rfind(scheme, 0) != 0) return std::nullopt;
    const std::size_t colon = endpoint.rfind(':');
    std::string host = endpoint.substr(scheme.size(), colon < scheme.size() ? 0 : colon - scheme.size());
    const std::string port = endpoint.substr(colon + 1);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
    else if (host.find(':') != std::string::npos) return std::nullopt;
    // libzmq reads more into an endpoint ("source;destination", interface names) than an address book may say.
    const auto plain = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '-' ||
               c == '_' || c == ':' || c == '%';
    };
    const bool digits = !port.empty() && port.size() <= 5 && port.find_first_not_of("0123456789") == std::string::npos;
    if (host.empty() || !std::all_of(host.begin(), host.end(), plain) || !digits) return std::nullopt;
    const unsigned long number = std::stoul(port);
    if (number == 0 || number > 65535) return std::nullopt;
    return HostPort{host, static_cast<std::uint16_t>(number)};
}

bool is_numeric(const std::string& endpoint) {
    const auto where = split(endpoint);
    return where && (is_ipv4(where->host) || is_ipv6(where->host));
}

std::vector<std::string> look_up(const HostPort& where, std::string& why) { return addresses_of(where.host, where.port, max_addresses, why); }

std::string endpoint_at(const std::string& host, std::uint16_t port) { return "tcp://" + bracketed(host) + ":" + std::to_string(port); }

std::vector<std::string> addresses_of(const std::string& host, std::uint16_t port, std::size_t most, std::string& why) {
    addrinfo wanted{};
    wanted.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (const int error = getaddrinfo(host.c_str(), nullptr, &wanted, &found); error != 0) {
        why = gai_strerror(error);
        return {};
    }
    std::vector<std::string> endpoints;
    for (const int family : {AF_INET, AF_INET6})
        for (const addrinfo* a = found; a; a = a->ai_next) {
            if (a->ai_family != family || endpoints.size() == most) continue;
            const std::string endpoint = endpoint_at(text(a->ai_addr), port);
            if (std::find(endpoints.begin(), endpoints.end(), endpoint) == endpoints.end()) endpoints.push_back(endpoint);
        }
    freeaddrinfo(found);
    if (endpoints.empty()) why = "it has no address";
    return endpoints;
}

bool is_wildcard(const std::string& host) { return host == "*" || host == "0.0.0.0" || host == "::" || host == "[::]"; }

std::string guess_own_host() {
    ifaddrs* all = nullptr;
    if (getifaddrs(&all) != 0) return "127.0.0.1";
    std::string guess;
    for (const int family : {AF_INET, AF_INET6})
        for (const ifaddrs* i = all; i && guess.empty(); i = i->ifa_next) {
            if (!i->ifa_addr || i->ifa_addr->sa_family != family) continue;
            if (!(i->ifa_flags & IFF_UP) || (i->ifa_flags & IFF_LOOPBACK)) continue;
            if (family == AF_INET6 &&
                IN6_IS_ADDR_LINKLOCAL(&reinterpret_cast<const sockaddr_in6*>(i->ifa_addr)->sin6_addr))
                continue;  // means nothing to another machine
            guess = text(i->ifa_addr);
        }
    freeifaddrs(all);
    return guess.empty() ? "127.0.0.1" : guess;
}

bool on_this_machine(const std::string& host) {
    const std::string bare = host.starts_with('[') && host.ends_with(']') ? host.substr(1, host.size() - 2) : host;
    in_addr v4{};
    in6_addr v6{};
    const bool is_v4 = inet_pton(AF_INET, bare.c_str(), &v4) == 1;
    if (!is_v4 && inet_pton(AF_INET6, bare.substr(0, bare.find('%')).c_str(), &v6) != 1) return true;  // a name: nobody knows
    if (is_v4 && (ntohl(v4.s_addr) >> 24) == 127) return true;  // all of these, though the interface names one
    ifaddrs* all = nullptr;
    if (getifaddrs(&all) != 0) return true;
    bool found = false;
    for (const ifaddrs* i = all; i && !found; i = i->ifa_next) {
        if (!i->ifa_addr || !(i->ifa_flags & IFF_UP)) continue;
        if (is_v4 && i->ifa_addr->sa_family == AF_INET) found = reinterpret_cast<const sockaddr_in*>(i->ifa_addr)->sin_addr.s_addr == v4.s_addr;
        if (!is_v4 && i->ifa_addr->sa_family == AF_INET6) found = IN6_ARE_ADDR_EQUAL(&reinterpret_cast<const sockaddr_in6*>(i->ifa_addr)->sin6_addr, &v6);
    }
    freeifaddrs(all);
    return found;
}

}  // namespace grapevine::net
