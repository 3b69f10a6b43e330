#include "http.hpp"

#include <charconv>
#include <httplib.h>

#include "grapevine/node/node.hpp"

namespace grapevine::cli {

std::optional<std::string> get_from(const std::string& host, std::uint16_t port, const std::string& path) {
    httplib::Client client(host, port);
    client.set_connection_timeout(2, 0);
    client.set_read_timeout(2, 0);
    const auto answer = client.Get(path.c_str());
    if (!answer || answer->status != 200) return std::nullopt;
    return answer->body;
}

Option at_option() { return {"at", "PORT|NAME", "which node: its status port, host:port, or its name on this machine"}; }

std::variant<StatusAddress, Error> node_at(const Arguments& arguments) {
    const auto at = arguments.get("at");
    const auto port_of = [](const std::string& text) -> std::optional<std::uint16_t> {
        std::uint16_t port = 0;
        const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), port);
        return wrong == std::errc{} && end == text.data() + text.size() && port > 0 ? std::optional(port) : std::nullopt;
    };
    const auto here = node::local_nodes();
    if (at) {
        if (const auto port = port_of(*at)) return StatusAddress{"127.0.0.1", *port};
        if (const auto colon = at->rfind(':'); colon != std::string::npos)
            if (const auto port = port_of(at->substr(colon + 1))) return StatusAddress{at->substr(0, colon), *port};
        for (const auto& n : here)
            if (n.name == *at) return StatusAddress{"127.0.0.1", n.status_port};
    } else {
        if (here.size() == 1) return StatusAddress{"127.0.0.1", here.front().status_port};
        if (here.empty()) return StatusAddress{"127.0.0.1", 7472};
    }
    std::string names;
    for (const auto& n : here) names += (names.empty() ? "" : ", ") + n.name + " (" + std::to_string(n.status_port) + ")";
    if (at) return Error{"no node '" + *at + "' on this machine", names.empty() ? "none runs here; 'grapevine node' starts one" : "here are " + names};
    return Error{"several nodes run on this machine", "say which with --at: " + names};
}

}  // namespace grapevine::cli
