#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "arguments.hpp"

namespace grapevine::cli {

// The node that a verb is about: --at PORT, HOST:PORT or NAME; without it the only one of this user here.
struct StatusAddress {
    std::string host;
    std::uint16_t port = 0;
    std::string token;  // empty: it wants none, or we have none
};
std::variant<StatusAddress, Error> node_at(const Arguments& arguments);
Option at_option();
Option token_option();  // --token-file

// What a node's status port answers; nothing if it does not.
struct HttpAnswer {
    int status = 0;
    std::string body;
};
using Fields = std::vector<std::pair<std::string, std::string>>;  // names and values, escaped on the way
std::optional<HttpAnswer> http_get(const StatusAddress& at, const std::string& path, const Fields& fields = {}, std::chrono::seconds patience = std::chrono::seconds(5));
// The same, but a body that is a stream of bytes goes to `take` as it comes, with how many there will be; one that takes no more ends it,
// and then there is no answer. An answer of another status has its body.
using Take = std::function<bool(const char* bytes, std::size_t count, std::uint64_t of)>;
std::optional<HttpAnswer> http_stream(const StatusAddress& at, const std::string& path, const Fields& fields, std::chrono::seconds patience, const Take& take);
std::optional<std::string> get_from(const std::string& host, std::uint16_t port, const std::string& path);  // if it answers 200

// What a verb gets from the node that --at names: its answer, or the exit status after what went wrong was said.
using Json = nlohmann::ordered_json;
std::variant<Json, int> ask(const Arguments& arguments, const std::string& path, const Fields& fields = {}, std::chrono::seconds patience = std::chrono::seconds(8));
std::variant<Json, int> tell(const Arguments& arguments, const std::string& path, const Fields& fields = {}, std::chrono::seconds patience = std::chrono::seconds(45));
std::variant<Json, int> understood(const StatusAddress& at, const std::optional<HttpAnswer>& answer);

}  // namespace grapevine::cli
