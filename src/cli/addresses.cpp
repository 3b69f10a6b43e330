#include "addresses.hpp"

#include <algorithm>
#include <charconv>

namespace grapevine::cli {

std::optional<std::uint16_t> port_of(const std::string& text) {
    std::uint16_t port = 0;
    const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), port);
    return wrong == std::errc{} && end == text.data() + text.size() ? std::optional(port) : std::nullopt;
}

std::variant<std::pair<std::string, std::optional<std::uint16_t>>, Error> host_and_port(const std::string& what, const std::string& text) {
    const Error wrong{what + " '" + text + "' is not an address", "HOST or HOST:PORT, for example 192.168.1.7:7470 or [fe80::1]:7470"};
    std::string host = text;
    std::optional<std::uint16_t> port;
    std::size_t colon = std::string::npos;
    if (!text.empty() && text[0] == '[') {
        const std::size_t close = text.find(']');
        if (close == std::string::npos) return wrong;
        host = text.substr(0, close + 1);
        if (close + 1 < text.size()) colon = close + 1;
    } else if (std::count(text.begin(), text.end(), ':') == 1) {
        colon = text.find(':');
        host = text.substr(0, colon);
    }
    if (colon != std::string::npos) {
        if (text[colon] != ':') return wrong;
        port = port_of(text.substr(colon + 1));
        if (!port) return wrong;
    }
    if (host.empty() || host.find_first_of(" /\t") != std::string::npos || host.size() > 100) return wrong;
    return std::pair{host, port};
}

std::string without_brackets(std::string host) {
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
    return host;
}

}  // namespace grapevine::cli
