#include "status_gate.hpp"

#include <httplib.h>

#include "desk.hpp"
#include "grapevine/keys/keys.hpp"

namespace grapevine::node {

namespace {

std::string cookie_name(std::uint16_t port) { return "grapevine-" + std::to_string(port); }

// Of "a=1; b=2". Only the first of a name counts.
std::string cookie(const std::string& all, const std::string& name) {
    for (std::size_t at = 0; at < all.size();) {
        const std::size_t end = std::min(all.find(';', at), all.size());
        std::string one = all.substr(at, end - at);
        one.erase(0, one.find_first_not_of(' '));
        if (one.rfind(name + "=", 0) == 0) return one.substr(name.size() + 1);
        at = end + 1;
    }
    return "";
}

}  // namespace

void guard(httplib::Server& server, const std::string& token, const std::uint16_t& port) {
    server.set_pre_routing_handler([token, &port](const httplib::Request& request, httplib::Response& response) {
        using enum httplib::Server::HandlerResponse;
        if (request.path == "/healthz" || request.path == "/readyz") return Unhandled;
        const std::string bearer = "Bearer ", header = request.get_header_value("Authorization");
        if (header.rfind(bearer, 0) == 0 && keys::same(header.substr(bearer.size()), token)) return Unhandled;
        if (keys::same(cookie(request.get_header_value("Cookie"), cookie_name(port)), token)) return Unhandled;
        if (request.method == "GET" && keys::same(request.get_param_value("token"), token)) {
            if (request.path != "/") return Unhandled;
            response.set_header("Set-Cookie", cookie_name(port) + "=" + token + "; HttpOnly; SameSite=Strict; Path=/");
            response.set_redirect("/", 303);
            return Handled;
        }
        const Answer refused = refusal(401, "this node's status port wants its token", "Authorization: Bearer TOKEN, or ?token=TOKEN in a browser; the verbs of grapevine take --token-file FILE");
        response.status = refused.status;
        response.set_header("WWW-Authenticate", "Bearer");
        response.set_content(refused.body, "application/json");
        return Handled;
    });
}

}  // namespace grapevine::node
