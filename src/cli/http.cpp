#include "http.hpp"

#include <httplib.h>

#include "addresses.hpp"
#include "exit_codes.hpp"
#include "grapevine/keys/keys.hpp"
#include "grapevine/node/node.hpp"
#include "terminal.hpp"

namespace grapevine::cli {

namespace {

httplib::Params params(const Fields& fields) { return {fields.begin(), fields.end()}; }

httplib::Client client_to(const StatusAddress& at, std::chrono::seconds patience) {
    httplib::Client client(at.host, at.port);
    client.set_connection_timeout(2, 0);
    client.set_read_timeout(patience);
    if (!at.token.empty()) client.set_default_headers({{"Authorization", "Bearer " + at.token}});
    return client;
}

std::string text_of(const StatusAddress& at) { return at.host + ":" + std::to_string(at.port); }

}  // namespace

std::optional<HttpAnswer> http_get(const StatusAddress& at, const std::string& path, const Fields& fields, std::chrono::seconds patience) {
    const auto answer = client_to(at, patience).Get(path, params(fields), httplib::Headers{});
    if (!answer) return std::nullopt;
    return HttpAnswer{answer->status, answer->body};
}

std::optional<HttpAnswer> http_stream(const StatusAddress& at, const std::string& path, const Fields& fields, std::chrono::seconds patience, const Take& take) {
    HttpAnswer answer;
    std::uint64_t size = 0;
    constexpr std::size_t longest_refusal = 64 * 1024;
    const auto head = [&](const httplib::Response& r) {
        answer.status = r.status;
        size = std::strtoull(r.get_header_value("Content-Length").c_str(), nullptr, 10);
        return true;
    };
    const auto body = [&](const char* bytes, std::size_t count) {
        if (answer.status == 200) return take(bytes, count, size);
        answer.body.append(bytes, count);
        return answer.body.size() <= longest_refusal;
    };
    const auto done = client_to(at, patience).Get(path, params(fields), httplib::Headers{}, head, body, httplib::Progress{});
    if (!done) return std::nullopt;
    return answer;
}

std::optional<std::string> get_from(const std::string& host, std::uint16_t port, const std::string& path) {
    auto answer = http_get({host, port, ""}, path, {}, std::chrono::seconds(2));
    if (!answer || answer->status != 200) return std::nullopt;
    return std::move(answer->body);
}

std::variant<Json, int> understood(const StatusAddress& at, const std::optional<HttpAnswer>& answer) {
    if (!answer) return complain({"no node answers at " + text_of(at), "is one running? 'grapevine node' starts one; --at names another port"}, failed);
    auto j = Json::parse(answer->body, nullptr, false);
    if (!j.is_object()) return complain({"what answers at " + text_of(at) + " is not a grapevine node", "--at names another port: that of the status page"}, failed);
    if (answer->status == 200) return j;
    const auto text = [&](const char* key) { return j.contains(key) && j[key].is_string() ? plain(j[key].get<std::string>()) : std::string(); };
    return complain({text("error").empty() ? "the node answers " + std::to_string(answer->status) : text("error"), text("hint")},
                    answer->status == 400 || answer->status == 401 || answer->status == 404 || answer->status == 409 ? usage : failed);
}

std::variant<Json, int> ask(const Arguments& arguments, const std::string& path, const Fields& fields, std::chrono::seconds patience) {
    const auto at = node_at(arguments);
    if (const auto* error = std::get_if<Error>(&at)) return complain(*error, usage);
    const auto& address = std::get<StatusAddress>(at);
    return understood(address, http_get(address, path, fields, patience));
}

std::variant<Json, int> tell(const Arguments& arguments, const std::string& path, const Fields& fields, std::chrono::seconds patience) {
    const auto at = node_at(arguments);
    if (const auto* error = std::get_if<Error>(&at)) return complain(*error, usage);
    const auto& address = std::get<StatusAddress>(at);
    const auto answer = client_to(address, patience).Post(path, httplib::Headers{{"X-Grapevine", "1"}}, params(fields));
    return understood(address, answer ? std::optional(HttpAnswer{answer->status, answer->body}) : std::nullopt);
}

Option token_option() { return {"token-file", "FILE", "of a node whose status port wants a token; those on this machine are known"}; }

Option at_option() { return {"at", "PORT|NAME", "which node: its status port, host:port, or its name on this machine"}; }

namespace {

std::variant<StatusAddress, Error> address_of(const Arguments& arguments) {
    const auto at = arguments.get("at");
    const auto here = node::local_nodes();
    const auto of = [](const node::Local& n) { return StatusAddress{n.status_host, n.status_port, n.status_token}; };
    if (at) {
        if (const auto port = port_of(*at)) {
            for (const auto& n : here)
                if (n.status_port == *port) return of(n);
            return StatusAddress{"127.0.0.1", *port, ""};
        }
        if (const auto colon = at->rfind(':'); colon != std::string::npos)
            if (const auto port = port_of(at->substr(colon + 1))) return StatusAddress{without_brackets(at->substr(0, colon)), *port, ""};
        std::vector<node::Local> called;
        for (const auto& n : here)
            if (n.name == *at) called.push_back(n);
        if (called.size() == 1) return of(called.front());
        if (called.size() > 1) {
            std::string ports;
            for (const auto& n : called) ports += (ports.empty() ? "" : ", ") + std::to_string(n.status_port);
            return Error{"several nodes of this machine are called '" + *at + "'", "say which with --at and its status port: " + ports};
        }
    } else {
        if (here.size() == 1) return of(here.front());
        if (here.empty()) return StatusAddress{"127.0.0.1", 7472, ""};
    }
    std::string names;
    for (const auto& n : here) names += (names.empty() ? "" : ", ") + n.name + " (" + std::to_string(n.status_port) + ")";
    if (at) return Error{"no node '" + *at + "' on this machine", names.empty() ? "none runs here; 'grapevine node' starts one" : "here are " + names};
    return Error{"several nodes run on this machine", "say which with --at: " + names};
}

}  // namespace

std::variant<StatusAddress, Error> node_at(const Arguments& arguments) {
    auto at = address_of(arguments);
    const auto file = arguments.get("token-file");
    if (!file || std::holds_alternative<Error>(at)) return at;
    auto token = keys::read_token(*file);
    if (const auto* error = std::get_if<keys::Error>(&token)) return Error{error->what, error->hint};
    std::get<StatusAddress>(at).token = std::get<std::string>(token);
    return at;
}

}  // namespace grapevine::cli
